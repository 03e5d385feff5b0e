#include "live_handles.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <new>

namespace hornfels {
namespace {

/* A number is turn * 65536 + place: a place that is used again has a turn of its own. */
constexpr uintptr_t places_of_chunk = 64, chunk_count = 1024, places = places_of_chunk * chunk_count;

struct place {
  std::atomic<uintptr_t> number{0}; /* 0: free */
  std::atomic<void *> handle{nullptr};
  uintptr_t turns = 0;
};

/* Chunks come when they are needed and stay, so that whoever looks needs no lock. */
std::atomic<place *> chunks[chunk_count];
std::mutex changing;

place *place_at(uintptr_t index) {
  place *chunk = chunks[index / places_of_chunk].load(std::memory_order_acquire);
  return chunk ? chunk + index % places_of_chunk : nullptr;
}

place *place_of(const void *number) {
  const uintptr_t wanted = reinterpret_cast<uintptr_t>(number);
  place *found = place_at(wanted % places);
  return found && wanted != 0 && found->number.load(std::memory_order_acquire) == wanted ? found : nullptr;
}

} // namespace

void *add_live_handle(void *handle) {
  const std::lock_guard<std::mutex> lock(changing);
  for (uintptr_t index = 0; index < places; ++index) {
    std::atomic<place *> &chunk = chunks[index / places_of_chunk];
    if (!chunk.load(std::memory_order_relaxed)) {
      place *fresh = new (std::nothrow) place[places_of_chunk];
      if (!fresh)
        return nullptr;
      chunk.store(fresh, std::memory_order_release);
    }
    place &here = *place_at(index);
    if (here.number.load(std::memory_order_relaxed) != 0)
      continue;
    const uintptr_t number = ++here.turns * places + index;
    here.handle.store(handle, std::memory_order_relaxed);
    here.number.store(number, std::memory_order_release);
    return reinterpret_cast<void *>(number);
  }
  return nullptr;
}

void *find_live_handle(const void *number) {
  place *found = place_of(number);
  return found ? found->handle.load(std::memory_order_relaxed) : nullptr;
}

void remove_live_handle(const void *number) {
  const std::lock_guard<std::mutex> lock(changing);
  if (place *found = place_of(number))
    found->number.store(0, std::memory_order_release);
}

} // namespace hornfels
