#include "double_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace hornfels_tests {

namespace {

enum class loss_kind { squares, logistic, softmax };

/* What differs between the models. */
struct setting {
  loss_kind loss;
  int64_t features, units;
  hornfels_tensor input, target, output;
  double rate;
  bool weighted = false; /* the second target is each row's weight in the loss */
  double momentum = 0; /* above 0: two slots, and steps that depend on seed and number, as with dropout */
};

/* y = f(x . kernel + bias) for one row at a time; d loss / d logits = prediction - target for all three
 * losses (for squares times 2), so one update serves them all. */
struct state {
  const setting &of;
  int64_t capacity;
  std::vector<float> kernel, bias, kernel_slot, bias_slot;
  double sums[3] = {}; /* of losses, of the other metric, and the rows */
  double &loss_sum = sums[0], &metric_sum = sums[1], &count = sums[2];
  double rate;
  uint64_t seed = 0;
  int64_t step = 0;
  bool ready = false;
  std::string error;

  state(const setting &s, int64_t most)
      : of(s), capacity(most), kernel(static_cast<size_t>(s.features * s.units)),
        bias(static_cast<size_t>(s.units)), kernel_slot(kernel.size()), bias_slot(bias.size()), rate(s.rate) {}

  int32_t fail(int32_t status, const char *message) {
    error = message;
    return status;
  }

  size_t at(int64_t feature, int64_t unit) const { return static_cast<size_t>(feature * of.units + unit); }

  bool is_tokens() const { return of.input.type == HORNFELS_TOKENS16 || of.input.type == HORNFELS_TOKENS32; }

  int64_t id(const hornfels_array &x, int64_t i) const {
    return of.input.type == HORNFELS_TOKENS16 ? static_cast<const uint16_t *>(x.data)[i]
                                              : static_cast<const int32_t *>(x.data)[i];
  }

  /* touch(feature, value) for each feature of a row that is not 0. */
  template <class Touch> void each_feature(const hornfels_array &x, int64_t row, Touch touch) const {
    if (is_tokens()) {
      for (int64_t i = x.offsets[row]; i < x.offsets[row + 1]; ++i)
        touch(id(x, i), 1.0f);
      return;
    }
    const float *values = static_cast<const float *>(x.data) + row * of.features;
    for (int64_t f = 0; f < of.features; ++f)
      touch(f, values[f]);
  }

  std::vector<double> predict_row(const hornfels_array &x, int64_t row) const {
    std::vector<double> y(bias.begin(), bias.end());
    each_feature(x, row, [&](int64_t f, float value) {
      for (int64_t u = 0; u < of.units; ++u)
        y[static_cast<size_t>(u)] += static_cast<double>(value * kernel[at(f, u)]);
    });
    double sum = 0;
    for (double &v : y) {
      if (of.loss == loss_kind::logistic)
        v = 1 / (1 + std::exp(-v));
      if (of.loss == loss_kind::softmax)
        sum += v = std::exp(v);
    }
    for (double &v : y)
      v = sum > 0 ? v / sum : v;
    return y;
  }

  double target(const hornfels_array &t, int64_t row, int64_t unit) const {
    if (of.target.type == HORNFELS_I32)
      return static_cast<const int32_t *>(t.data)[row] == unit ? 1 : 0;
    return static_cast<double>(static_cast<const float *>(t.data)[row * of.units + unit]);
  }

  /* Adds a row to the metrics; returns prediction - target. */
  std::vector<double> judge(const hornfels_array *data, int64_t row) {
    std::vector<double> y = predict_row(data[0], row);
    const size_t best = static_cast<size_t>(std::max_element(y.begin(), y.end()) - y.begin());
    const double weight = of.weighted ? static_cast<double>(static_cast<const float *>(data[2].data)[row]) : 1;
    double loss = 0;
    size_t wanted = 0;
    for (size_t u = 0; u < y.size(); ++u) {
      const double t = target(data[1], row, static_cast<int64_t>(u));
      wanted = t > 0.5 ? u : wanted;
      if (of.loss == loss_kind::squares) {
        loss += (y[u] - t) * (y[u] - t);
        metric_sum += std::fabs(y[u] - t);
      } else {
        loss -= t > 0 ? t * std::log(std::fmax(y[u], 1e-7)) : 0;
      }
      if (of.loss == loss_kind::logistic) {
        loss -= (1 - t) * std::log(std::fmax(1 - y[u], 1e-7));
        metric_sum += (y[u] > 0.5) == (t > 0.5);
      }
      y[u] = weight * (y[u] - t);
    }
    loss_sum += weight * loss;
    metric_sum += of.loss == loss_kind::softmax && best == wanted;
    count += 1;
    return y;
  }

  int32_t check(const void *data, int64_t batch) {
    error.clear();
    if (!data || batch < 0 || batch > capacity)
      return fail(HORNFELS_BAD_ARGUMENT, "a batch beyond the capacity");
    return ready ? static_cast<int32_t>(HORNFELS_OK)
                 : fail(HORNFELS_BAD_STATE, "neither initialised nor loaded");
  }

  void train(const hornfels_array *data, int64_t batch) {
    std::vector<std::vector<double>> errors;
    for (int64_t row = 0; row < batch; ++row)
      errors.push_back(judge(data, row));
    const double scale = rate / static_cast<double>(batch);
    if (of.momentum > 0)
      return train_with_momentum(data, batch, scale, errors);
    for (int64_t row = 0; row < batch; ++row)
      for (int64_t u = 0; u < of.units; ++u) {
        const float change =
            static_cast<float>(scale * errors[static_cast<size_t>(row)][static_cast<size_t>(u)]);
        bias[static_cast<size_t>(u)] -= change;
        each_feature(data[0], row, [&](int64_t f, float value) { kernel[at(f, u)] -= change * value; });
      }
    ++step;
  }

  void train_with_momentum(const hornfels_array *data, int64_t batch, double scale,
                           const std::vector<std::vector<double>> &errors) {
    const uint64_t bits = (seed * 31 + static_cast<uint64_t>(step)) * 6364136223846793005u;
    const double noise = 0.5 + static_cast<double>(bits >> 40) / (1 << 24);
    const float keep = static_cast<float>(of.momentum);
    for (float &m : kernel_slot)
      m *= keep;
    for (float &m : bias_slot)
      m *= keep;
    for (int64_t row = 0; row < batch; ++row)
      for (int64_t u = 0; u < of.units; ++u) {
        const float change =
            static_cast<float>(noise * scale * errors[static_cast<size_t>(row)][static_cast<size_t>(u)]);
        bias_slot[static_cast<size_t>(u)] += change;
        each_feature(data[0], row, [&](int64_t f, float value) { kernel_slot[at(f, u)] += change * value; });
      }
    for (size_t i = 0; i < kernel.size(); ++i)
      kernel[i] -= kernel_slot[i];
    for (size_t i = 0; i < bias.size(); ++i)
      bias[i] -= bias_slot[i];
    ++step;
  }
};

state *of(void *handle) { return static_cast<state *>(handle); }
const state *of(const void *handle) { return static_cast<const state *>(handle); }

template <const setting &S> int32_t create(void **handle, int64_t capacity) {
  *handle = new state(S, capacity);
  return HORNFELS_OK;
}

void destroy(void *handle) { delete of(handle); }
int32_t set_pool(void *, const hornfels_pool *) { return HORNFELS_OK; }

int32_t initialize(void *handle, uint64_t seed) {
  state &s = *of(handle);
  uint64_t bits = seed * 2654435761u + 12345;
  for (float &w : s.kernel) {
    bits = bits * 6364136223846793005u + 1442695040888963407u;
    w = static_cast<float>(static_cast<double>(bits >> 40) / (1 << 24) - 0.5) * 0.01f;
  }
  s.bias.assign(s.bias.size(), 0.0f);
  s.kernel_slot.assign(s.kernel_slot.size(), 0.0f);
  s.bias_slot.assign(s.bias_slot.size(), 0.0f);
  s.ready = true;
  return HORNFELS_OK;
}

int32_t train_step(void *handle, const hornfels_array *data, int64_t batch) {
  const int32_t status = of(handle)->check(data, batch);
  if (status == HORNFELS_OK)
    of(handle)->train(data, batch);
  return status;
}

int32_t evaluate_step(void *handle, const hornfels_array *data, int64_t batch) {
  const int32_t status = of(handle)->check(data, batch);
  for (int64_t row = 0; status == HORNFELS_OK && row < batch; ++row)
    of(handle)->judge(data, row);
  return status;
}

int32_t predict(void *handle, const hornfels_array *inputs, const hornfels_result *outputs, int64_t batch) {
  state &s = *of(handle);
  const int32_t status = s.check(inputs, batch);
  if (status != HORNFELS_OK)
    return status;
  if (outputs[0].size < batch * s.of.units)
    return s.fail(HORNFELS_BAD_ARGUMENT, "the result is too small");
  float *to = static_cast<float *>(outputs[0].data);
  for (int64_t row = 0; row < batch; ++row)
    for (const double y : s.predict_row(inputs[0], row))
      *to++ = static_cast<float>(y);
  return HORNFELS_OK;
}

int32_t reset_metrics(void *handle) {
  state &s = *of(handle);
  s.loss_sum = s.metric_sum = s.count = 0;
  return HORNFELS_OK;
}

int32_t get_metrics(const void *handle, double *values) {
  const state &s = *of(handle);
  values[0] = s.loss_sum / std::fmax(s.count, 1);
  values[1] = s.metric_sum / std::fmax(s.count, 1);
  return HORNFELS_OK;
}

/* Variables: kernel, bias, the metrics' sums, and two slots where there is momentum. */
std::vector<float> *variable_of(state &s, int32_t index) {
  std::vector<float> *const list[] = {&s.kernel, &s.bias, nullptr, &s.kernel_slot, &s.bias_slot};
  return list[index];
}

int32_t get_variable(const void *handle, int32_t index, void *data, int64_t size) {
  state &s = *const_cast<state *>(of(handle));
  const std::vector<float> *const from = variable_of(s, index);
  if (size != (from ? static_cast<int64_t>(from->size()) : 3))
    return HORNFELS_BAD_ARGUMENT;
  std::memcpy(data, from ? static_cast<const void *>(from->data()) : s.sums,
              from ? from->size() * sizeof(float) : sizeof s.sums);
  return HORNFELS_OK;
}

int32_t set_variable(void *handle, int32_t index, const void *data, int64_t size) {
  state &s = *of(handle);
  std::vector<float> *const to = variable_of(s, index);
  if (size != (to ? static_cast<int64_t>(to->size()) : 3))
    return s.fail(HORNFELS_BAD_ARGUMENT, "wrong size");
  std::memcpy(to ? static_cast<void *>(to->data()) : s.sums, data, to ? to->size() * sizeof(float) : sizeof s.sums);
  s.ready = true;
  return HORNFELS_OK;
}

int32_t set_learning_rate(void *handle, double rate) {
  of(handle)->rate = rate;
  return HORNFELS_OK;
}
double get_learning_rate(const void *handle) { return of(handle)->rate; }
int32_t set_seed(void *handle, uint64_t seed) {
  of(handle)->seed = seed;
  return HORNFELS_OK;
}
uint64_t get_seed(const void *handle) { return of(handle)->seed; }
int32_t set_step(void *handle, int64_t step) {
  of(handle)->step = step;
  return HORNFELS_OK;
}
int64_t get_step(const void *handle) { return of(handle)->step; }
const char *last_error(const void *handle) { return of(handle)->error.c_str(); }
int64_t arena_bytes(const void *) { return 0; }

template <const setting &S>
hornfels_model table(const char *name, const char *source, const hornfels_tensor *variables,
                     const char *const *metrics, const hornfels_training *training, int32_t count = 3,
                     const hornfels_tensor *targets = &S.target, int32_t target_count = 1) {
  return {HORNFELS_ABI_VERSION,
          name,
          source,
          "0123abcd",
          1,
          1,
          target_count,
          count,
          2,
          &S.input,
          &S.output,
          targets,
          variables,
          metrics,
          training,
          create<S>,
          destroy,
          set_pool,
          initialize,
          train_step,
          evaluate_step,
          predict,
          reset_metrics,
          get_metrics,
          get_variable,
          set_variable,
          set_learning_rate,
          get_learning_rate,
          set_seed,
          get_seed,
          set_step,
          get_step,
          last_error,
          arena_bytes};
}

constexpr int64_t one[] = {1}, topics[] = {46}, ten[] = {10}, features[] = {13}, image[] = {28, 28, 1};
constexpr int64_t words_kernel[] = {10000, 1}, topics_kernel[] = {10000, 46}, prices_kernel[] = {13, 1},
                  digits_kernel[] = {784, 10}, notes_kernel[] = {100000, 1};

constexpr hornfels_tensor tokens(const char *name, int32_t type, int32_t rows, int64_t limit,
                                 const char *position) {
  return {name, type, 0, 0, rows, nullptr, limit, 0, position, nullptr};
}
constexpr hornfels_tensor dense(const char *name, int32_t type, int32_t rank, const int64_t *shape,
                                int64_t limit, int32_t accepts, const char *position,
                                const char *limit_position) {
  return {name, type, 0, rank, 0, shape, limit, accepts, position, limit_position};
}

constexpr setting words = {
    loss_kind::logistic,
    10000,
    1,
    tokens("review", HORNFELS_TOKENS16, HORNFELS_ROWS_SETS, 10000, "models/words.horn:2:13"),
    dense("sentiment", HORNFELS_F32, 1, one, 0, 0, "models/words.horn:2:38", nullptr),
    dense("sentiment", HORNFELS_F32, 1, one, 0, 0, "models/words.horn:2:38", nullptr),
    0.5};
constexpr setting stories = {
    loss_kind::softmax,
    10000,
    46,
    tokens("story", HORNFELS_TOKENS16, HORNFELS_ROWS_SETS, 10000, "models/topics.horn:2:14"),
    dense("topic", HORNFELS_F32, 1, topics, 46, 1, "models/topics.horn:2:38", "models/topics.horn:4:5"),
    dense("topic", HORNFELS_F32, 1, topics, 0, 0, "models/topics.horn:2:38", nullptr),
    1.0};
constexpr setting weighted = {
    loss_kind::softmax,
    10000,
    46,
    tokens("story", HORNFELS_TOKENS16, HORNFELS_ROWS_SETS, 10000, "models/weighted.horn:2:14"),
    dense("topic", HORNFELS_F32, 1, topics, 46, 1, "models/weighted.horn:2:38", "models/weighted.horn:4:5"),
    dense("topic", HORNFELS_F32, 1, topics, 0, 0, "models/weighted.horn:2:38", nullptr),
    1.0,
    true};
const hornfels_tensor weighted_targets[] = {
    weighted.target, dense("sample_weight", HORNFELS_F32, 0, nullptr, 0, 0, "models/weighted.horn:8:21", nullptr)};
constexpr setting prices = {
    loss_kind::squares,
    13,
    1,
    dense("features", HORNFELS_F32, 1, features, 0, 0, "models/prices.horn:2:14", nullptr),
    dense("price", HORNFELS_F32, 1, one, 0, 0, "models/prices.horn:2:38", nullptr),
    dense("price", HORNFELS_F32, 1, one, 0, 0, "models/prices.horn:2:38", nullptr),
    1e-6};
constexpr setting stocks = {
    loss_kind::squares,
    13,
    1,
    dense("features", HORNFELS_F32, 1, features, 0, 0, "models/stocks.horn:2:14", nullptr),
    dense("price", HORNFELS_F32, 1, one, 0, 0, "models/stocks.horn:2:38", nullptr),
    dense("price", HORNFELS_F32, 1, one, 0, 0, "models/stocks.horn:2:38", nullptr),
    1e-5,
    false,
    0.5};
constexpr setting digits = {
    loss_kind::softmax,
    784,
    10,
    dense("image", HORNFELS_F32, 3, image, 0, 0, "models/digits.horn:2:14", nullptr),
    dense("digit", HORNFELS_I32, 0, nullptr, 10, 0, "models/digits.horn:2:38", "models/digits.horn:4:5"),
    dense("digit", HORNFELS_F32, 1, ten, 0, 0, "models/digits.horn:2:38", nullptr),
    1e-5};
constexpr setting notes = {
    loss_kind::logistic,
    100000,
    1,
    tokens("note", HORNFELS_TOKENS32, HORNFELS_ROWS_SORTED, 100000, "models/notes.horn:2:13"),
    dense("mood", HORNFELS_F32, 1, one, 0, 0, "models/notes.horn:2:38", nullptr),
    dense("mood", HORNFELS_F32, 1, one, 0, 0, "models/notes.horn:2:38", nullptr),
    0.5};

constexpr hornfels_tensor variable(const char *name, int32_t role, int32_t rank, const int64_t *shape) {
  return {name, HORNFELS_F32, role, rank, 0, shape, 0, 0, nullptr, nullptr};
}
constexpr int64_t three[] = {3};
constexpr hornfels_tensor total = {"loss/total", HORNFELS_F64, HORNFELS_METRIC, 1, 0, three, 0, 0, nullptr, nullptr};
const hornfels_tensor words_variables[] = {variable("dense/kernel", HORNFELS_WEIGHT, 2, words_kernel),
                                           variable("dense/bias", HORNFELS_WEIGHT, 1, one), total};
const hornfels_tensor topics_variables[] = {variable("dense/kernel", HORNFELS_WEIGHT, 2, topics_kernel),
                                            variable("dense/bias", HORNFELS_WEIGHT, 1, topics), total};
const hornfels_tensor prices_variables[] = {variable("dense/kernel", HORNFELS_WEIGHT, 2, prices_kernel),
                                            variable("dense/bias", HORNFELS_STATE, 1, one), total};
const hornfels_tensor stocks_variables[] = {variable("dense/kernel", HORNFELS_WEIGHT, 2, prices_kernel),
                                            variable("dense/bias", HORNFELS_STATE, 1, one), total,
                                            variable("dense/kernel/momentum", HORNFELS_SLOT, 2, prices_kernel),
                                            variable("dense/bias/momentum", HORNFELS_SLOT, 1, one)};
const hornfels_tensor digits_variables[] = {variable("dense/kernel", HORNFELS_WEIGHT, 2, digits_kernel),
                                            variable("dense/bias", HORNFELS_WEIGHT, 1, ten), total};
const hornfels_tensor notes_variables[] = {variable("dense/kernel", HORNFELS_WEIGHT, 2, notes_kernel),
                                           variable("dense/bias", HORNFELS_WEIGHT, 1, one), total};

const char *const loss_accuracy[] = {"loss", "accuracy"};
const char *const loss_mae[] = {"loss", "mae"};
const hornfels_training four_epochs = {4, 512, 0.5, nullptr}, nine_epochs = {9, 512, 1.0, nullptr},
                        many_epochs = {10, 16, 1e-6, nullptr}, one_epoch = {1, 128, 1e-5, nullptr};

} // namespace

const hornfels_model words_model =
    table<words>("words", "models/words.horn:2:1", words_variables, loss_accuracy, &four_epochs);
const hornfels_model topics_model =
    table<stories>("topics", "models/topics.horn:2:1", topics_variables, loss_accuracy, &nine_epochs);
const hornfels_model weighted_model = table<weighted>("weighted", "models/weighted.horn:2:1", topics_variables,
                                                      loss_accuracy, &nine_epochs, 3, weighted_targets, 2);
const hornfels_model prices_model =
    table<prices>("prices", "models/prices.horn:2:1", prices_variables, loss_mae, &many_epochs);
const hornfels_model stocks_model =
    table<stocks>("stocks", "models/stocks.horn:2:1", stocks_variables, loss_mae, &many_epochs, 5);
const hornfels_model digits_model =
    table<digits>("digits", "models/digits.horn:2:1", digits_variables, loss_accuracy, &one_epoch);
const hornfels_model notes_model =
    table<notes>("notes", "models/notes.horn:2:1", notes_variables, loss_accuracy, &four_epochs);

} // namespace hornfels_tests
