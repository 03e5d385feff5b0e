#include "convert.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "runtime/core/text.h"
#include "runtime/program/failure.h"

namespace hornfels {

namespace {

constexpr int64_t chunk = 4096;

/* Where a chunk's elements stand, for messages. */
struct place_of_chunk {
  const array_source &source;
  int64_t first, row_elements;

  [[noreturn]] void misfit(int64_t element, const std::string &value, const char *type) const {
    const int64_t row = (first + element) / std::max<int64_t>(row_elements, 1);
    throw failure(exit_input, source.place +
                                  format(": error: row %lld holds %s, which does not fit ",
                                         static_cast<long long>(row), value.c_str()) +
                                  type);
  }
};

template <class Source, class Wide> void widen(const unsigned char *bytes, Wide *to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    Source value;
    std::memcpy(&value, bytes + static_cast<size_t>(i) * sizeof value, sizeof value);
    to[i] = static_cast<Wide>(value);
  }
}

void widen_integers(const place_of_chunk &place, const unsigned char *bytes, int64_t *to, int64_t count) {
  const npy_header &header = place.source.header;
  const bool is_signed = header.kind == 'i';
  switch (header.width) {
  case 1:
    is_signed ? widen<int8_t>(bytes, to, count) : widen<uint8_t>(bytes, to, count);
    if (header.kind == 'b')
      for (int64_t i = 0; i < count; ++i)
        to[i] = to[i] != 0;
    return;
  case 2:
    return is_signed ? widen<int16_t>(bytes, to, count) : widen<uint16_t>(bytes, to, count);
  case 4:
    return is_signed ? widen<int32_t>(bytes, to, count) : widen<uint32_t>(bytes, to, count);
  default:
    widen<int64_t>(bytes, to, count);
    /* A u64 from 2^63 on is negative here. */
    for (int64_t i = 0; !is_signed && i < count; ++i)
      if (to[i] < 0)
        place.misfit(i, std::to_string(static_cast<uint64_t>(to[i])), "i64");
  }
}

template <class To>
void narrow_integers(const place_of_chunk &place, const int64_t *from, To *to, int64_t count,
                     const char *type) {
  for (int64_t i = 0; i < count; ++i) {
    to[i] = static_cast<To>(from[i]);
    if (static_cast<int64_t>(to[i]) != from[i])
      place.misfit(i, std::to_string(from[i]), type);
  }
}

void whole_numbers(const place_of_chunk &place, const double *from, int64_t *to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const bool fits = std::fabs(from[i]) < 9.2e18 && std::trunc(from[i]) == from[i];
    if (!fits)
      place.misfit(i, format("%g", from[i]), "an integer");
    to[i] = static_cast<int64_t>(from[i]);
  }
}

void narrow_reals(const place_of_chunk &place, const double *from, float *to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    to[i] = static_cast<float>(from[i]);
    if (std::isinf(to[i]) && !std::isinf(from[i]))
      place.misfit(i, format("%g", from[i]), "f32");
  }
}

/* One chunk of at most `chunk` elements, by way of i64 or f64, which hold every element that is read. */
void convert_chunk(const place_of_chunk &place, const unsigned char *bytes, int32_t type, void *to,
                   int64_t count) {
  int64_t integers[chunk];
  double reals[chunk];
  const npy_header &header = place.source.header;
  if (header.kind == 'f') {
    header.width == 4 ? widen<float>(bytes, reals, count) : widen<double>(bytes, reals, count);
    if (type == HORNFELS_F32)
      return narrow_reals(place, reals, static_cast<float *>(to), count);
    if (type == HORNFELS_F64) {
      std::copy(reals, reals + count, static_cast<double *>(to));
      return;
    }
    whole_numbers(place, reals, integers, count);
  } else {
    widen_integers(place, bytes, integers, count);
  }
  switch (type) {
  case HORNFELS_F32:
    std::transform(integers, integers + count, static_cast<float *>(to),
                   [](int64_t v) { return static_cast<float>(v); });
    return;
  case HORNFELS_F64:
    std::transform(integers, integers + count, static_cast<double *>(to),
                   [](int64_t v) { return static_cast<double>(v); });
    return;
  case HORNFELS_I32:
    return narrow_integers(place, integers, static_cast<int32_t *>(to), count, "i32");
  case HORNFELS_I64:
    std::copy(integers, integers + count, static_cast<int64_t *>(to));
    return;
  case HORNFELS_U8:
    return narrow_integers(place, integers, static_cast<uint8_t *>(to), count, "u8");
  default:
    narrow_integers(place, integers, static_cast<uint8_t *>(to), count, "bool");
    for (int64_t i = 0; i < count; ++i)
      if (integers[i] > 1)
        place.misfit(i, std::to_string(integers[i]), "bool");
  }
}

} // namespace

void read_elements(array_source &source, int32_t type, void *to, int64_t count, int64_t first,
                   int64_t row_elements) {
  file_error error;
  char kind;
  size_t width;
  const npy_header &header = source.header;
  char *target = static_cast<char *>(to);
  const bool as_it_is =
      npy_type_of(type, kind, width) && kind == header.kind && width == header.width && kind != 'b';
  const int64_t step = as_it_is ? int64_t{1} << 20 : chunk;
  unsigned char bytes[chunk * 8];
  for (int64_t done = 0; done < count; done += step) {
    const int64_t now = std::min(step, count - done);
    void *const here = target + static_cast<size_t>(done) * type_bytes(type);
    require(source.stream->read(as_it_is ? here : bytes, static_cast<size_t>(now) * header.width, error),
            error);
    if (!as_it_is)
      convert_chunk({source, first + done, row_elements}, bytes, type, here, now);
  }
}

void read_integers(array_source &source, int64_t *to, int64_t count, int64_t first, int64_t row_elements) {
  read_elements(source, HORNFELS_I64, to, count, first, row_elements);
}

} // namespace hornfels
