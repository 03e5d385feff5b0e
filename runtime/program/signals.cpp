#include "signals.h"

#include <csignal>

#include <unistd.h>

namespace hornfels {

namespace {

volatile std::sig_atomic_t received = 0;

extern "C" void remember_signal(int number) {
  if (received != 0)
    _exit(exit_code_of_signal(number));
  received = number;
}

} // namespace

void watch_signals() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before, action = {};
    if (sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN)
      continue;
    action.sa_handler = remember_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, nullptr);
  }
}

int signal_received() { return received; }

exit_code exit_code_of_signal(int signal) { return signal == SIGINT ? exit_interrupt : exit_terminate; }

} // namespace hornfels
