// Ending on a signal without leaving anything behind.
#pragma once

#include <functional>
#include <mutex>
#include <sys/types.h>

namespace hornfels::driver {

/// Called once, at the start of main: ignores SIGPIPE and SIGXFSZ (writes fail instead), and makes SIGINT,
/// SIGTERM and SIGHUP end the tool with 130, 143 and 143 after cleaning up. A signal that was ignored stays
/// ignored.
void installSignals();

/// The gate that whoever changes what must be cleaned up (creates, renames, removes, starts a child) holds
/// while it does. The thread that cleans up takes it and never gives it back, so nothing is created behind
/// its back.
std::mutex &cleanupGate();

/// Adds something to do when a signal ends the tool; the gate must be held. Destroying the result takes it
/// back.
class Cleanup {
public:
  explicit Cleanup(std::function<void()> action);
  ~Cleanup();
  Cleanup(const Cleanup &) = delete;
  Cleanup &operator=(const Cleanup &) = delete;

private:
  size_t key;
};

/// What `installSignals` changed, put back: before the process becomes another program.
void restoreSignals();

/// The signal mask and the handlers that a child should start with.
void resetSignalsInChild(short &flags, void *spawnAttributes);

} // namespace hornfels::driver
