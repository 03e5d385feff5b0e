/* Keras's learning rate schedules: the rate of a step as a function of how many were done before. */
#ifndef HORNFELS_PROGRAM_SCHEDULE_H
#define HORNFELS_PROGRAM_SCHEDULE_H

#include <cstdint>
#include <string>
#include <vector>

namespace hornfels {

struct rate_schedule {
  enum kind_type {
    none,
    exponential_decay,       /* r * decay_rate^(t / decay_steps) */
    inverse_time_decay,      /* r / (1 + decay_rate * t / decay_steps) */
    polynomial_decay,        /* (r - end) * (1 - t / decay_steps)^power + end */
    cosine_decay,            /* r * ((1 - alpha) / 2 * (1 + cos(pi * t / decay_steps)) + alpha) */
    cosine_decay_restarts,   /* the same again and again, each t_mul times as long and m_mul times as high */
    piecewise_constant_decay /* values[i] up to step boundaries[i], the last one after */
  };
  kind_type kind = none;
  std::string text; /* as the user wrote it */
  double decay_steps = 0, decay_rate = 0, end_learning_rate = 1e-4, power = 1, alpha = 0, warmup_target = -1,
         warmup_steps = 0, t_mul = 2, m_mul = 1;
  bool staircase = false, cycle = false;
  std::vector<double> boundaries, values;
};

/* The rate of the step before which `done` were done, where the first rate is `initial`. */
double scheduled_rate(const rate_schedule &schedule, double initial, int64_t done);

/* "exponential_decay,decay_steps=1000,decay_rate=0.96,staircase"; lists are "0.1/0.01". Throws a failure with
 * exit_usage that names the key and what is allowed. */
rate_schedule parse_schedule(const std::string &option, const std::string &value);

} // namespace hornfels

#endif
