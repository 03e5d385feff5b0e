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

  /* Whether it is dear to ask, and to send: then there are the functions below. */
  bool on_device() const { return model.device != nullptr; }
  /* metrics() after each of the last `steps` steps of training, one after another. At most HORNFELS_RECENT_STEPS. */
  const std::vector<double> &recent_metrics(int64_t steps);
  /* The number of the data set that the device now has; -1: it does not take it, and each step brings its own data. */
  int32_t bind_data(const std::vector<hornfels_rows> &arrays, int64_t rows);
  void forget_data(int32_t number);
  void set_order(int32_t number, const uint32_t *rows, int64_t count) {
    check(model.device->set_order(handle, number, rows, count));
  }
  void train_rows(int32_t number, int64_t first, int64_t count, int64_t batch) {
    check(model.device->train_rows(handle, number, first, count, batch));
  }
  void evaluate_rows(int32_t number, int64_t first, int64_t count, int64_t batch) {
    check(model.device->evaluate_rows(handle, number, first, count, batch));
  }

  /* One variable, by index into variable_info, in plain row-major order. */
  saved_state::array variable(int32_t index) const;
  /* Throws a failure with exit_input when type or shape are not the variable's. */
  void set_variable(int32_t index, const saved_state::array &value);
  /* Weights and states (not slots, not metrics), by name. */
  std::map<std::string, saved_state::array> weights() const;
  void set_weights(const std::map<std::string, saved_state::array> &wanted);
  /* Calls what(handle), which returns a hornfels_status, of something that this class does not know. */
  template <class What> void ask(const What &what) { check(what(handle)); }
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
  std::vector<double> values, recent;
  bool bound[HORNFELS_DATA_SETS] = {};
};

} // namespace hornfels

#endif
