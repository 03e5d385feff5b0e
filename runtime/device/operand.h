// The operands of a product as generated kernels give them: a function from places to addresses.
#ifndef HORNFELS_DEVICE_OPERAND_H
#define HORNFELS_DEVICE_OPERAND_H

#include "cuda.h"

namespace hornfels::device {

// AlongK, Vector, Holes: see product.h. address(m, k), or (k, n), is where the element lies; null, where there are holes: it is 0.
template <bool AlongK, int Vector, bool Holes, class Address> struct addressed {
  static constexpr bool along_k = AlongK, holes = Holes;
  static constexpr int vector = Vector;
  Address address;
  __device__ addressed(); // never made: what the product asks the type of an element of
  __device__ explicit addressed(Address function) : address(function) {}
  __device__ auto at(long i, long j) const { return address(int(i), int(j)); }
};

template <bool AlongK, int Vector, bool Holes, class Address>
__device__ addressed<AlongK, Vector, Holes, Address> operand(Address address) {
  return addressed<AlongK, Vector, Holes, Address>(address);
}

} // namespace hornfels::device

#endif
