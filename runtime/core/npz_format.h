/* The fields of a zip file that reader and writer share. Part of npz. */
#ifndef HORNFELS_NPZ_FORMAT_H
#define HORNFELS_NPZ_FORMAT_H

#include <cstddef>
#include <cstdint>

namespace hornfels {
namespace zip {

constexpr uint32_t local_signature = 0x04034b50;
constexpr uint32_t entry_signature = 0x02014b50;
constexpr uint32_t end_signature = 0x06054b50;
constexpr uint32_t wide_end_signature = 0x06064b50;
constexpr uint32_t wide_locator_signature = 0x07064b50;
constexpr size_t local_bytes = 30, entry_bytes = 46, end_bytes = 22, wide_end_bytes = 56, wide_locator_bytes = 20;
constexpr uint16_t wide_extra = 0x0001;
constexpr uint16_t stored = 0, deflated = 8;

inline uint16_t get16(const unsigned char *p) { return static_cast<uint16_t>(p[0] | p[1] << 8); }
inline uint32_t get32(const unsigned char *p) { return get16(p) | uint32_t{get16(p + 2)} << 16; }
inline uint64_t get64(const unsigned char *p) { return get32(p) | uint64_t{get32(p + 4)} << 32; }

} // namespace zip
} // namespace hornfels

#endif
