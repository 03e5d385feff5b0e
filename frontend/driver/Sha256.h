// The checksum that public data sets are published with (FIPS 180-4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace hornfels::driver {

/// The hash of bytes that come piece by piece.
class Sha256 {
public:
  void add(const void *data, size_t count);
  /// Of all that was added, as 64 hexadecimal digits. Nothing may be added afterwards.
  std::string finish();

private:
  void block(const unsigned char *bytes);

  std::array<uint32_t, 8> state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> pending = {};
  size_t waiting = 0; // bytes in `pending`
  uint64_t length = 0;
};

} // namespace hornfels::driver
