#include "frontend/driver/Memory.h"

#include "frontend/driver/Summary.h"
#include "frontend/driver/Table.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace hornfels::driver {

namespace {

constexpr size_t kLargest = 12;
constexpr int64_t kRowsAtOnce = 16; // the runtime rounds a batch up to it

int64_t roomFor(int64_t batch) { return (batch + kRowsAtOnce - 1) / kRowsAtOnce * kRowsAtOnce; }

bool isVariable(const MemoryPart &part) {
  return part.role == "weight" || part.role == "state" || part.role == "slot" || part.role == "metric";
}

std::string kindText(const MemoryPart &part) {
  return isVariable(part) ? part.role : "buffer of " + part.role;
}

} // namespace

std::string renderMemory(const MemorySummary &memory) {
  int64_t room = roomFor(memory.batch), all = 0;
  auto bytesOf = [&](const MemoryPart &part) { return part.bytes + part.perSample * room; };
  Table sums({44, 13, 13}, {1, 2});
  sums.head({fmt::format("Memory of \"{}\", batches of {}", memory.name, memory.batch), "Bytes", ""});
  auto add = [&](const std::string &title, int64_t bytes) {
    sums.row({title, withCommas(bytes), readableBytes(bytes)});
    all += bytes;
  };
  for (auto [role, title] : {std::pair("weight", "Weights"), std::pair("state", "States that are not trained"),
                             std::pair("slot", "The optimizer's slots"), std::pair("metric", "Metrics")}) {
    int64_t bytes = 0;
    for (const MemoryPart &part : memory.parts)
      bytes += part.role == role ? part.bytes : 0;
    if (bytes)
      add(title, bytes);
  }
  add("Between kernels, for any batch", memory.arenaFixed);
  add(fmt::format("Between kernels, {} a sample", readableBytes(memory.arenaPerSample)), memory.arenaPerSample * room);
  sums.between();
  sums.row({"In all", withCommas(all), readableBytes(all)});
  sums.end();

  // Steps use the same bytes one after another: the one with the most buffers, training, stands for all.
  bool trains = std::any_of(memory.parts.begin(), memory.parts.end(),
                            [](const MemoryPart &part) { return part.role == "train_step"; });
  std::vector<MemoryPart> largest;
  std::copy_if(memory.parts.begin(), memory.parts.end(), std::back_inserter(largest), [&](const MemoryPart &part) {
    return isVariable(part) || part.role == (trains ? "train_step" : "predict");
  });
  std::stable_sort(largest.begin(), largest.end(),
                   [&](const MemoryPart &a, const MemoryPart &b) { return bytesOf(a) > bytesOf(b); });
  largest.resize(std::min(largest.size(), kLargest));
  Table parts({21, 21, 15, 10}, {3});
  parts.head({"Largest", "What it is", "Type", "Size"});
  for (const MemoryPart &part : largest)
    parts.row({part.name, kindText(part), part.type, readableBytes(bytesOf(part))});
  parts.end();
  return sums.text + parts.text + " Buffers lie between kernels; those not needed at once share their bytes.\n";
}

} // namespace hornfels::driver
