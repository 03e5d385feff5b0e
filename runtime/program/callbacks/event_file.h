/* TensorBoard's event files: records of protocol buffers, each with checksums. */
#ifndef HORNFELS_PROGRAM_EVENT_FILE_H
#define HORNFELS_PROGRAM_EVENT_FILE_H

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace hornfels {

/* CRC-32C (Castagnoli), bit by bit over a table. */
uint32_t crc32c(const std::string &bytes);

/* length (u64), masked checksum of the length, bytes, their masked checksum; all little-endian. */
std::string event_record(const std::string &event);

/* The first event of a file: Event { wall_time: 1, file_version: 3 }. */
std::string version_event(double wall_time);

/* Event { wall_time: 1, step: 2, summary: 5 { value: 1 { tag: 1, simple_value: 2 } ... } }. */
std::string scalar_event(double wall_time, int64_t step,
                         const std::vector<std::pair<std::string, double>> &values);

} // namespace hornfels

#endif
