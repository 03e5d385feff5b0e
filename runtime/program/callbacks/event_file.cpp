#include "event_file.h"

#include <array>
#include <cstring>

namespace hornfels {

namespace {

std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t sum = i;
    for (int bit = 0; bit < 8; ++bit)
      sum = sum >> 1 ^ (sum & 1 ? 0x82F63B78u : 0);
    table[i] = sum;
  }
  return table;
}

std::string little(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i)
    text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

/* A checksum that is stored beside its data must not be a checksum of checksums: it is turned and shifted. */
std::string masked(const std::string &bytes) {
  const uint32_t sum = crc32c(bytes);
  return little((sum >> 15 | sum << 17) + 0xa282ead8u, 4);
}

std::string varint(uint64_t value) {
  std::string text;
  for (; value >= 0x80; value >>= 7)
    text += static_cast<char>(value | 0x80);
  return text + static_cast<char>(value);
}

/* Fields of a protocol buffer: the key is number << 3 | kind. */
std::string double_field(int number, double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return varint(static_cast<uint64_t>(number) << 3 | 1) + little(bits, 8);
}

std::string float_field(int number, float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return varint(static_cast<uint64_t>(number) << 3 | 5) + little(bits, 4);
}

std::string integer_field(int number, int64_t value) {
  return varint(static_cast<uint64_t>(number) << 3) + varint(static_cast<uint64_t>(value));
}

std::string bytes_field(int number, const std::string &bytes) {
  return varint(static_cast<uint64_t>(number) << 3 | 2) + varint(bytes.size()) + bytes;
}

} // namespace

uint32_t crc32c(const std::string &bytes) {
  static const std::array<uint32_t, 256> table = make_table();
  uint32_t sum = ~0u;
  for (const char c : bytes)
    sum = sum >> 8 ^ table[(sum ^ static_cast<unsigned char>(c)) & 0xff];
  return ~sum;
}

std::string event_record(const std::string &event) {
  const std::string length = little(event.size(), 8);
  return length + masked(length) + event + masked(event);
}

std::string version_event(double wall_time) {
  return double_field(1, wall_time) + bytes_field(3, "brain.Event:2");
}

std::string scalar_event(double wall_time, int64_t step,
                         const std::vector<std::pair<std::string, double>> &values) {
  std::string summary;
  for (const auto &one : values)
    summary += bytes_field(1, bytes_field(1, one.first) + float_field(2, static_cast<float>(one.second)));
  return double_field(1, wall_time) + integer_field(2, step) + bytes_field(5, summary);
}

} // namespace hornfels
