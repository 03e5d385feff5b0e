/* The checksum of zip members: the polynomial 0xEDB88320, eight bytes a turn. */
#ifndef HORNFELS_CRC32_H
#define HORNFELS_CRC32_H

#include <cstddef>
#include <cstdint>

namespace hornfels {

/* The checksum of what had the checksum `before` (0 at first) followed by `count` bytes of `data`. */
uint32_t crc32(uint32_t before, const void *data, size_t count);

} // namespace hornfels

#endif
