#include "crc32.h"

namespace hornfels {

namespace {

/* word[k][b]: the checksum of byte b followed by k zero bytes. */
struct crc_table {
  uint32_t word[8][256];
  constexpr crc_table() : word() {
    for (uint32_t b = 0; b < 256; ++b) {
      uint32_t c = b;
      for (int bit = 0; bit < 8; ++bit)
        c = (c >> 1) ^ (c & 1 ? 0xEDB88320u : 0u);
      word[0][b] = c;
    }
    for (int k = 1; k < 8; ++k)
      for (uint32_t b = 0; b < 256; ++b)
        word[k][b] = (word[k - 1][b] >> 8) ^ word[0][word[k - 1][b] & 0xff];
  }
};

constexpr crc_table table;

} // namespace

uint32_t crc32(uint32_t before, const void *data, size_t count) {
  const unsigned char *p = static_cast<const unsigned char *>(data);
  uint32_t c = ~before;
  for (; count >= 8; count -= 8, p += 8) {
    const uint32_t low = c ^ (uint32_t{p[0]} | uint32_t{p[1]} << 8 | uint32_t{p[2]} << 16 | uint32_t{p[3]} << 24);
    c = table.word[7][low & 0xff] ^ table.word[6][low >> 8 & 0xff] ^ table.word[5][low >> 16 & 0xff] ^
        table.word[4][low >> 24] ^ table.word[3][p[4]] ^ table.word[2][p[5]] ^ table.word[1][p[6]] ^
        table.word[0][p[7]];
  }
  for (; count > 0; --count, ++p)
    c = (c >> 8) ^ table.word[0][(c ^ *p) & 0xff];
  return ~c;
}

} // namespace hornfels
