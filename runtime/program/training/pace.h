/* How often the metrics of running steps are asked for. */
#ifndef HORNFELS_PROGRAM_PACE_H
#define HORNFELS_PROGRAM_PACE_H

#include <algorithm>
#include <cstdint>

#include "runtime/core/abi.h"
#include "runtime/program/report/progress.h"

namespace hornfels {

/* On the CPU after every step. A device is waited for by whoever asks it: it is asked ten times a second, and no later than
 * the metrics of all steps since are still there. So much at most is launched ahead of what is known, which also bounds how
 * long a signal waits. */
class pace {
public:
  explicit pace(bool on_device) : waits(on_device) {}

  /* The clock begins, with nothing under way. */
  void start() {
    since = 0;
    last = waits ? seconds_now() : 0;
  }
  /* Steps that may be run before the next look: at least one. */
  int64_t room() const { return std::max<int64_t>(next - since, 1); }
  void ran(int64_t steps) { since += steps; }
  bool due() const { return since >= next; }
  int64_t unseen() const { return since; }
  /* Somebody has looked, and so waited for all steps. */
  void looked() {
    if (!waits || since == 0) {
      since = 0;
      return;
    }
    constexpr double interval = 0.1;
    const double now = seconds_now(), step = std::max((now - last) / static_cast<double>(since), 1e-9);
    /* Doubled, because the first steps tell little of the others. */
    next = static_cast<int64_t>(std::min(static_cast<double>(std::min<int64_t>(2 * next, HORNFELS_RECENT_STEPS)), interval / step));
    next = std::max<int64_t>(next, 1);
    since = 0;
    last = now;
  }

private:
  const bool waits;
  int64_t next = 1, since = 0;
  double last = 0;
};

} // namespace hornfels

#endif
