#include "frontend/driver/Signals.h"

#include <csignal>
#include <map>
#include <spawn.h>
#include <thread>
#include <unistd.h>

namespace hornfels::driver {

static sigset_t watched;
static sigset_t maskAtStart;

// Both live as long as the process: the watching thread may use them while statics are being destroyed.
std::mutex &cleanupGate() {
  static auto *gate = new std::mutex;
  return *gate;
}
static std::map<size_t, std::function<void()>> &actions() {
  static auto *map = new std::map<size_t, std::function<void()>>;
  return *map;
}

/// A thread, not a handler: removing folders and waiting for a child are not allowed in a handler.
static void watch() {
  int received = 0;
  if (sigwait(&watched, &received) != 0)
    return;
  cleanupGate().lock(); // for good
  // The last one first: a compiler is stopped before the folder that it writes into is removed.
  for (auto action = actions().rbegin(); action != actions().rend(); ++action)
    action->second();
  _exit(received == SIGINT ? 130 : 143);
}

void installSignals() {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  sigemptyset(&watched);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction current;
    if (sigaction(number, nullptr, &current) == 0 && current.sa_handler != SIG_IGN)
      sigaddset(&watched, number);
  }
  pthread_sigmask(SIG_BLOCK, &watched, &maskAtStart);
  std::thread(watch).detach();
}

Cleanup::Cleanup(std::function<void()> action) {
  static size_t last = 0;
  key = ++last;
  actions().emplace(key, std::move(action));
}
Cleanup::~Cleanup() { actions().erase(key); }

void restoreSignals() {
  signal(SIGPIPE, SIG_DFL);
  signal(SIGXFSZ, SIG_DFL);
  pthread_sigmask(SIG_SETMASK, &maskAtStart, nullptr);
}

void resetSignalsInChild(short &flags, void *spawnAttributes) {
  auto *attributes = static_cast<posix_spawnattr_t *>(spawnAttributes);
  sigset_t restored;
  sigemptyset(&restored);
  sigaddset(&restored, SIGPIPE);
  sigaddset(&restored, SIGXFSZ);
  posix_spawnattr_setsigdefault(attributes, &restored);
  posix_spawnattr_setsigmask(attributes, &maskAtStart);
  flags |= POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
}

} // namespace hornfels::driver
