/* SIGINT, SIGTERM and SIGHUP while there is work to be saved: the first one is remembered, the second leaves
 * at once. */
#ifndef HORNFELS_PROGRAM_SIGNALS_H
#define HORNFELS_PROGRAM_SIGNALS_H

#include "failure.h"

namespace hornfels {

/* From here on signals are remembered. One that the caller's caller ignores (nohup) stays ignored. */
void watch_signals();

/* The signal that came, or 0. */
int signal_received();

/* What the program exits with after `signal`. */
exit_code exit_code_of_signal(int signal);

} // namespace hornfels

#endif
