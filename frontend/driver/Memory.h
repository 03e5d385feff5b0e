// What a model takes of the machine's memory while it trains.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hornfels::driver {

/// A variable, or a buffer between kernels: `bytes`, or `perSample` for each row of a batch.
struct MemoryPart {
  std::string name; // "dense/kernel"
  std::string role; // of a variable: weight, state, slot, metric; of a buffer: the step that it belongs to
  std::string type; // "f32[10000, 16]"
  int64_t bytes = 0, perSample = 0;
};

struct MemorySummary {
  std::string name;
  int64_t batch = 32; // samples of a step
  std::vector<MemoryPart> parts;
  int64_t arenaFixed = 0, arenaPerSample = 0; // all buffers together: those that are not needed at once share bytes
};

/// Two tables: the sum of each kind, and the largest parts. 80 columns.
std::string renderMemory(const MemorySummary &memory);

} // namespace hornfels::driver
