/* Elements one after another that somebody else owns, for the C++ header of a model (std::span is of C++20). */
#ifndef HORNFELS_SPAN_H
#define HORNFELS_SPAN_H

#include <stddef.h>
#include <stdint.h>

namespace hornfels {

/* From a pointer and a number of elements, from an array, or from what has data() and size(), as std::vector,
 * std::array and std::span. A temporary container is refused: it would be gone too early. */
template <class T> class span {
  static constexpr T *pointer(T *p) { return p; }

public:
  constexpr span() = default;
  constexpr span(T *first, int64_t count) : first_(first), count_(count) {}
  template <size_t N> constexpr span(T (&array)[N]) : first_(array), count_(static_cast<int64_t>(N)) {}
  template <class Container, class = decltype(pointer(static_cast<Container *>(nullptr)->data()))>
  constexpr span(Container &values) : first_(values.data()), count_(static_cast<int64_t>(values.size())) {}

  constexpr T *data() const { return first_; }
  constexpr int64_t size() const { return count_; }

private:
  T *first_ = nullptr;
  int64_t count_ = 0;
};

} // namespace hornfels

#endif
