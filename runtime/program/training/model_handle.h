/* A handle of the generated model, with its threads; a call that fails throws. */
#ifndef HORNFELS_PROGRAM_MODEL_HANDLE_H
#define HORNFELS_PROGRAM_MODEL_HANDLE_H

#include <memory>
#include <string>
#include <vector>

#include "runtime/core/abi.h"
#include "runtime/core/pool.h"
#include "runtime/program/failure.h"
#include "saved_state.h"

namespace hornfels {

class model_handle {
public:
  /* `threads`: 0 for as many as the process may use processors. */
  model_handle(const hornfels_model &table, int64_t capacity, int threads);
  ~model_handle();
  model_handle(const model_handle &) = delete;
  model_handle &operator=(const model_handle &) = delete;

  const hornfels_model &table() const { return model; }
  void initialize(uint64_t seed);
  /* Weights from a file; without a name, those in the program itself. */
  void load(const std::string &path);
  /* Says where the program has weights of its own. */
  static void embed(const unsigned char *begin, const unsigned char *end);
  static bool has_embedded();
  void save(const std::string &path, bool optimizer = false);
  void set_learning_rate(double rate) { check(model.set_learning_rate(handle, rate)); }
  double learning_rate() const { return model.get_learning_rate(handle); }
  void train(const hornfels_array *data, int64_t batch) { check(model.train_step(handle, data, batch)); }
  void evaluate(const hornfels_array *data, int64_t batch) {
    check(model.evaluate_step(handle, data, batch));
  }
  void predict(const hornfels_array *data, const hornfels_result *results, int64_t batch) {
    check(model.predict(handle, data, results, batch));
  }
  void reset_metrics() { check(model.reset_metrics(handle)); }
  /* The values so far, in the order of metric_names; they hold until the next call. */
  const std::vector<double> &metrics();

  /* One variable, by index into variable_info, in plain row-major order. */
  saved_state::array variable(int32_t index) const;
  /* Throws a failure with exit_input when type or shape are not the variable's. */
  void set_variable(int32_t index, const saved_state::array &value);
  /* Weights and states (not slots, not metrics), by name. */
  std::map<std::string, saved_state::array> weights() const;
  void set_weights(const std::map<std::string, saved_state::array> &wanted);
  void set_step(int64_t step) { check(model.set_step(handle, step)); }
  int64_t step() const { return model.get_step(handle); }

private:
  void load_embedded();
  void check(int32_t status) const {
    if (status != HORNFELS_OK)
      refuse(status);
  }
  [[noreturn]] void refuse(int32_t status) const;

  const hornfels_model &model;
  void *handle = nullptr;
  hornfels_pool *pool = nullptr;
  std::vector<double> values;
};

} // namespace hornfels

#endif
