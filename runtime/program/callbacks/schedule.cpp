#include "schedule.h"

#include <algorithm>
#include <cmath>

namespace hornfels {

namespace {

const double pi = std::acos(-1.0);

double cosine(double alpha, double height, double part) {
  return (1 - alpha) * 0.5 * height * (1 + std::cos(pi * part)) + alpha;
}

double cosine_decay(const rate_schedule &s, double initial, double t) {
  if (s.warmup_target < 0)
    return initial * cosine(s.alpha, 1, std::min(t, s.decay_steps) / s.decay_steps);
  t = std::min(t, s.decay_steps + s.warmup_steps);
  if (t < s.warmup_steps)
    return initial + (s.warmup_target - initial) * t / s.warmup_steps;
  return s.warmup_target * cosine(s.alpha, 1, (t - s.warmup_steps) / s.decay_steps);
}

double cosine_decay_restarts(const rate_schedule &s, double initial, double t) {
  /* In units of the first period: periods 1, m, m^2, ... begin at 0, 1, 1 + m, ... */
  double part = t / s.decay_steps, restarts;
  if (s.t_mul == 1) {
    restarts = std::floor(part);
    part -= restarts;
  } else {
    restarts = std::floor(std::log(1 - part * (1 - s.t_mul)) / std::log(s.t_mul));
    const double length = std::pow(s.t_mul, restarts);
    part = (part - (1 - length) / (1 - s.t_mul)) / length;
  }
  return initial * cosine(s.alpha, std::pow(s.m_mul, restarts), part);
}

double polynomial_decay(const rate_schedule &s, double initial, double t) {
  double steps = s.decay_steps;
  if (s.cycle)
    steps *= t == 0 ? 1 : std::ceil(t / steps);
  else
    t = std::min(t, steps);
  return (initial - s.end_learning_rate) * std::pow(1 - t / steps, s.power) + s.end_learning_rate;
}

} // namespace

double scheduled_rate(const rate_schedule &s, double initial, int64_t done) {
  const double t = static_cast<double>(done);
  double part = t / s.decay_steps;
  if (s.staircase)
    part = std::floor(part);
  switch (s.kind) {
  case rate_schedule::none:
    return initial;
  case rate_schedule::exponential_decay:
    return initial * std::pow(s.decay_rate, part);
  case rate_schedule::inverse_time_decay:
    return initial / (1 + s.decay_rate * part);
  case rate_schedule::polynomial_decay:
    return polynomial_decay(s, initial, t);
  case rate_schedule::cosine_decay:
    return cosine_decay(s, initial, t);
  case rate_schedule::cosine_decay_restarts:
    return cosine_decay_restarts(s, initial, t);
  case rate_schedule::piecewise_constant_decay:
    break;
  }
  const auto at = std::lower_bound(s.boundaries.begin(), s.boundaries.end(), t);
  return s.values[static_cast<size_t>(at - s.boundaries.begin())];
}

} // namespace hornfels
