/* How the data of a step reach the device: one block of locked host memory, copied into one block of device memory of the
 * same layout. Part of program.cu.
 *
 *   step_scalars | data of each dense array, row offsets of each array of tokens | ids of each array of tokens
 *
 * All begin at a multiple of 256 bytes. The first two parts are as long as the batch needs; ids have room for `id_room`
 * bytes. So addresses depend on the step, the batch and the room alone, and a model with at most one input of tokens needs
 * one copy. */
#ifndef HORNFELS_DEVICE_STAGING_H
#define HORNFELS_DEVICE_STAGING_H

#include "program.h"

#include <cstring>

namespace hornfels::device {

constexpr int64_t staging_alignment = 256;

inline int64_t aligned(int64_t bytes) { return (bytes + staging_alignment - 1) / staging_alignment * staging_alignment; }

inline const hornfels_tensor &data_info(const hornfels_model &model, int32_t index) {
  return index < model.inputs ? model.input_info[index] : model.target_info[index - model.inputs];
}

inline bool is_tokens(const hornfels_tensor &info) {
  return info.type == HORNFELS_TOKENS16 || info.type == HORNFELS_TOKENS32;
}

/* Where one array lies in the block. */
struct place {
  int64_t data, offsets; /* of tokens: ids, row offsets */
  int64_t id_room;       /* bytes that its ids may take */
};

/* A block's first two parts, and all of it, in bytes. */
struct layout {
  int64_t head, bytes;
};

/* Sets the places of the first `arrays` arrays for a batch. */
inline layout lay_out(const hornfels_model &model, int32_t arrays, int64_t batch, place *places) {
  int64_t at = aligned(static_cast<int64_t>(sizeof(step_scalars)));
  for (int32_t i = 0; i < arrays; ++i) {
    const hornfels_tensor &info = data_info(model, i);
    (is_tokens(info) ? places[i].offsets : places[i].data) = at;
    at += aligned(is_tokens(info) ? (batch + 1) * static_cast<int64_t>(sizeof(int64_t))
                                  : batch * elements(info) * element_size(info.type));
  }
  const int64_t head = at;
  for (int32_t i = 0; i < arrays; ++i)
    if (is_tokens(data_info(model, i))) {
      places[i].data = at;
      at += aligned(places[i].id_room);
    }
  return {head, at};
}

/* Bytes of the ids of a batch. */
inline int64_t id_bytes(const hornfels_tensor &info, const hornfels_array &array, int64_t batch) {
  return array.offsets[batch] * element_size(info.type);
}

/* Puts a step's data into `block`, which is laid out by `places`. */
inline void fill(const hornfels_model &model, int32_t arrays, const step &s, const place *places, char *block) {
  const step_scalars scalars{static_cast<float>(s.learning_rate), s.learning_rate, s.count, static_cast<int64_t>(s.seed), 0};
  std::memcpy(block, &scalars, sizeof scalars);
  for (int32_t i = 0; i < arrays; ++i) {
    const hornfels_tensor &info = data_info(model, i);
    const bool tokens = is_tokens(info);
    const int64_t bytes = tokens ? id_bytes(info, s.data[i], s.batch) : s.batch * elements(info) * element_size(info.type);
    if (bytes > 0)
      std::memcpy(block + places[i].data, s.data[i].data, static_cast<size_t>(bytes));
    if (tokens)
      std::memcpy(block + places[i].offsets, s.data[i].offsets, static_cast<size_t>(s.batch + 1) * sizeof(int64_t));
  }
}

/* Copies what fill() has written. Room for ids is mostly not full, so that further ids are copies of their own. */
inline cudaError_t upload(const hornfels_model &model, int32_t arrays, const step &s, const place *places, layout block,
                          char *to, const char *from, cudaStream_t stream) {
  int64_t begin = 0, end = block.head;
  const auto copy = [&] {
    return begin == end ? cudaSuccess
                        : cudaMemcpyAsync(to + begin, from + begin, static_cast<size_t>(end - begin), cudaMemcpyHostToDevice, stream);
  };
  for (int32_t i = 0; i < arrays; ++i) {
    if (!is_tokens(data_info(model, i)))
      continue;
    if (places[i].data != block.head) {
      if (const cudaError_t failure = copy(); failure != cudaSuccess)
        return failure;
      begin = places[i].data;
    }
    end = places[i].data + id_bytes(data_info(model, i), s.data[i], s.batch);
  }
  return copy();
}

} // namespace hornfels::device

#endif
