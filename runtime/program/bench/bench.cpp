/* `bench`: how long a step takes, and an epoch over real rows. */
#include <algorithm>
#include <cmath>
#include <numeric>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "bench_laps.h"
#include "runtime/core/text.h"
#include "runtime/program/commands.h"
#include "runtime/program/report/json.h"
#include "runtime/program/training/shuffle.h"
#include "runtime/program/training/split.h"
#include "samples.h"
#include "synthetic.h"

namespace hornfels {

namespace {

/* Bytes of the heap in use, or -1 where the C library does not tell. */
int64_t heap_bytes() {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
  const struct mallinfo2 info = mallinfo2();
  return static_cast<int64_t>(info.uordblks + info.hblkhd);
#else
  return -1;
#endif
}

/* A sample is at least this long: a hundred times what reading the clock costs. */
constexpr double shortest_sample = 20e-6;
/* With a device: a hundred times what its clock and waiting for it cost. */
constexpr double shortest_device_sample = 2e-3;

enum class step_kind { train, evaluate, predict };

/* Everything of one `bench`. */
class bencher {
public:
  bencher(const hornfels_model &table, const options &chosen_options, const bench_support &support);
  exit_code run();

private:
  void read_data();
  void make_data();
  void make_batches();
  void make_results();
  void step(size_t batch_index);
  void warm_up();
  void time_steps();
  void time_device_steps();
  void time_device_kernels();
  void measure_device();
  void wait_for_device();
  void time_epoch(int64_t epoch);
  void time_epochs();
  void warn_when_not_finite();
  std::string json();
  std::string text();

  const hornfels_model &model;
  const options &chosen;
  const step_kind kind;
  const int threads;
  const double seconds;
  dataset data;
  row_range rows;
  int64_t batch = 1;
  std::unique_ptr<model_handle> handle;
  std::vector<std::unique_ptr<batcher>> batches; /* one a batch: each keeps its rows */
  std::vector<const hornfels_array *> arrays;
  std::vector<buffer> result_memory;
  std::vector<hornfels_result> results;
  const peak_loops &(*const loops)(); /* null: the program was not built to be measured */
  int64_t (*const count_heap_calls)();
  const device_bench *const device; /* null: the model runs on this processor */
  device_limits limits{};           /* of the device, with --peaks */
  std::unique_ptr<lap_recorder> laps; /* where the program has them */
  double step_seconds = 0;            /* about */
  int64_t steps = 0, allocated = 0, heap_calls = 0;
  samples step_times{size_t{1} << 18}, epoch_times{size_t{1} << 12};
  samples graph_times{size_t{1} << 14}; /* of steps on a device, without the calls and the data's way there */
};

step_kind kind_of(const hornfels_model &model, const std::string &name) {
  if (name.empty())
    return model.training ? step_kind::train : step_kind::predict;
  return name == "train" ? step_kind::train : name == "evaluate" ? step_kind::evaluate : step_kind::predict;
}

const char *name_of(step_kind kind) {
  return kind == step_kind::train ? "train" : kind == step_kind::evaluate ? "evaluate" : "predict";
}

/* Ids in a batch's rows of an input, the mean of all batches. */
double mean_ids(const std::vector<const hornfels_array *> &arrays, int32_t input) {
  double ids = 0;
  for (const hornfels_array *batch : arrays)
    ids += input < 0 ? 0 : static_cast<double>(batch[input].size);
  return ids / static_cast<double>(arrays.size());
}

bencher::bencher(const hornfels_model &table, const options &chosen_options, const bench_support &support)
    : model(table), chosen(chosen_options), kind(kind_of(table, chosen.step)),
      threads(chosen.threads > 0 ? chosen.threads : 1), seconds(chosen.seconds > 0 ? chosen.seconds : 1.0),
      loops(support.loops), count_heap_calls(support.heap_calls), device(support.device) {
  if (chosen.peaks && !loops && !device)
    throw failure(exit_usage, "error: --peaks is for programs that `hornfels bench` builds");
  if (!has_data(chosen))
    make_data();
  else
    read_data();
  handle = std::make_unique<model_handle>(model, batch, threads);
  handle->initialize(chosen.seed);
  make_batches();
  make_results();
  if (!support.laps)
    return;
  laps = std::make_unique<lap_recorder>(*support.laps, kind == step_kind::train      ? support.laps->train
                                                       : kind == step_kind::evaluate ? support.laps->evaluate
                                                                                     : support.laps->predict);
}

void bencher::read_data() {
  const data_file file = open_data(chosen.data, chosen.reading);
  data = bind(model, file, {"_train", ""}, kind != step_kind::predict);
  rows = split_rows(chosen, data.rows).training;
  batch = choose_batch(model, chosen, rows.count);
}

/* So many different batches that their data do not stay in the innermost cache, as they do not in training.
 */
int64_t rotation(int64_t batch_bytes) {
  constexpr int64_t bytes = int64_t{4} << 20;
  return std::clamp<int64_t>(bytes / std::max<int64_t>(batch_bytes, 1), 3, 256);
}

void bencher::make_data() {
  batch = choose_batch(model, chosen, INT64_MAX);
  const bool targets = kind != step_kind::predict;
  data = make_synthetic(model, batch * rotation(batch * row_bytes(model, targets)), targets, chosen.seed);
  rows = {0, data.rows};
}

/* Full batches, in the order of the first epoch. */
void bencher::make_batches() {
  std::vector<uint32_t> order(static_cast<size_t>(rows.count));
  std::iota(order.begin(), order.end(), static_cast<uint32_t>(rows.first));
  shuffle(order.data(), order.size(), chosen.seed, 0);
  const int64_t most = rotation(batch * row_bytes(model, kind != step_kind::predict));
  for (int64_t i = 0; i < std::min(most, rows.count / batch); ++i) {
    batches.push_back(std::make_unique<batcher>(data, batch));
    arrays.push_back(batches.back()->gather(order.data() + i * batch, batch));
  }
}

void bencher::make_results() {
  for (int32_t i = 0; i < model.outputs; ++i) {
    const hornfels_tensor &output = model.output_info[i];
    const int64_t elements =
        batch * checked_product(output.shape, static_cast<size_t>(output.rank), int64_t{1} << 32);
    result_memory.emplace_back(static_cast<size_t>(elements) * type_bytes(output.type));
    results.push_back({result_memory.back().as<void>(), elements});
  }
}

void bencher::step(size_t index) {
  const hornfels_array *const arguments = arrays[index % arrays.size()];
  if (kind == step_kind::train)
    handle->train(arguments, batch);
  else if (kind == step_kind::evaluate)
    handle->evaluate(arguments, batch);
  else
    handle->predict(arguments, results.data(), batch);
}

/* A device is still at work when a step of training returns. */
void bencher::wait_for_device() {
  if (device && kind != step_kind::predict)
    handle->metrics();
}

/* The first step may touch memory for the first time; its heap must not grow all the same. */
void bencher::warm_up() {
  const int64_t before = heap_bytes();
  step(0);
  wait_for_device();
  allocated = before < 0 || device ? -1 : heap_bytes() - before; /* of a device CUDA's own, too */
  const double start = seconds_now(), wanted = std::min(seconds / 10, 0.5);
  size_t done = 0;
  double passed = 0;
  while (done < 3 || passed < wanted) {
    step(++done);
    wait_for_device();
    passed = seconds_now() - start;
  }
  step_seconds = passed / static_cast<double>(done);
}

void bencher::time_steps() {
  const double sample = std::max(device ? shortest_device_sample : shortest_sample, seconds / 1e5);
  const size_t repeats = static_cast<size_t>(std::max(1.0, std::ceil(sample / step_seconds)));
  constexpr size_t least_samples = 5;
  const int64_t before = heap_bytes(), calls_before = count_heap_calls ? count_heap_calls() : 0;
  if (laps && !device)
    laps->begin();
  const double start = seconds_now();
  double now = start;
  for (size_t done = 0; !step_times.full() && (now - start < seconds || done < least_samples * repeats);) {
    const double began = now;
    for (size_t i = 0; i < repeats; ++i)
      step(done++);
    wait_for_device();
    if (laps && !device)
      laps->add(repeats);
    now = seconds_now();
    step_times.add((now - began) / static_cast<double>(repeats));
    steps = static_cast<int64_t>(done);
  }
  if (laps && !device)
    laps->end();
  heap_calls = count_heap_calls ? count_heap_calls() - calls_before : 0;
  if (before >= 0 && !device)
    allocated = std::max(allocated, heap_bytes() - before);
}

/* core/backend.h's numbers */
int32_t number_of(step_kind kind) { return kind == step_kind::train ? 3 : kind == step_kind::evaluate ? 2 : 1; }

/* The step's graph again and again, on the rows of the last batch, which are there already. */
void bencher::time_device_steps() {
  const int32_t number = number_of(kind);
  const auto run = [&](int64_t count) {
    double passed = 0;
    handle->ask([&](void *h) { return device->time_steps(h, number, batch, count, &passed); });
    return passed;
  };
  int64_t repeats = 1;
  for (constexpr int64_t most = 1 << 20; repeats < most && run(repeats) < shortest_device_sample;)
    repeats *= 2;
  constexpr int least_samples = 5;
  const double start = seconds_now();
  for (int i = 0; !graph_times.full() && (i < least_samples || seconds_now() - start < seconds); ++i)
    graph_times.add(run(repeats) / static_cast<double>(repeats));
}

void bencher::time_device_kernels() {
  const int32_t number = number_of(kind);
  std::vector<unsigned char> ran(static_cast<size_t>(laps->kernels()));
  const auto run = [&](int64_t count) {
    std::vector<double> times(static_cast<size_t>(count) * ran.size());
    handle->ask([&](void *h) {
      return device->time_kernels(h, number, batch, count, laps->kernels(), times.data(), ran.data());
    });
    return times;
  };
  constexpr int64_t together = 5, most = 200;
  const double start = seconds_now();
  for (int64_t done = 0; done < together || (done < most && seconds_now() - start < seconds); done += together)
    laps->add_seconds(run(together), ran);
}

void bencher::measure_device() {
  const char *const math = laps ? laps->math() : "fp32";
  handle->ask([&](void *h) { return device->measure_limits(h, math, &limits); });
}

/* As `train` does it: rows shuffled, batches gathered, the last one with the rows that remain, metrics read
 * after each step. */
void bencher::time_epoch(int64_t epoch) {
  std::vector<uint32_t> order(static_cast<size_t>(rows.count));
  batcher gathering(data, batch);
  const double start = seconds_now();
  std::iota(order.begin(), order.end(), static_cast<uint32_t>(rows.first));
  shuffle(order.data(), order.size(), chosen.seed, static_cast<uint64_t>(epoch));
  handle->reset_metrics();
  for (int64_t done = 0; done < rows.count; done += batch) {
    const int64_t count = std::min(batch, rows.count - done);
    const hornfels_array *const arguments = gathering.gather(order.data() + done, count);
    if (kind == step_kind::train)
      handle->train(arguments, count);
    else if (kind == step_kind::evaluate)
      handle->evaluate(arguments, count);
    else
      handle->predict(arguments, results.data(), count);
    if (kind != step_kind::predict)
      handle->metrics();
  }
  epoch_times.add(seconds_now() - start);
}

void bencher::time_epochs() {
  const double start = seconds_now();
  constexpr int64_t least_epochs = 3;
  for (int64_t epoch = 0; !epoch_times.full() && (epoch < least_epochs || seconds_now() - start < seconds);
       ++epoch)
    time_epoch(epoch);
}

void bencher::warn_when_not_finite() {
  if (kind == step_kind::train && !std::isfinite(handle->metrics().front()))
    print_error(std::string(model.name) +
                ": warning: the loss is no longer finite; the times are those of such numbers");
}

constexpr double to_us = 1e6, to_ms = 1e3;

std::string bencher::json() {
  std::string line = "{\"model\": " + json_string(model.name) + ", \"step\": \"" + name_of(kind) + "\"" +
                     format(", \"batch\": %lld, \"threads\": %d", static_cast<long long>(batch), threads) +
                     ", \"data\": " + (has_data(chosen) ? json_string(data_names(chosen)) : "null");
  const auto add = [&](const char *key, double value) {
    line += std::string(", \"") + key + "\": " + json_number(std::round(value * 1e4) / 1e4);
  };
  samples &times = device ? graph_times : step_times;
  add("median_us", times.median() * to_us);
  add("min_us", times.least() * to_us);
  add("p10_us", times.quantile(0.1) * to_us);
  add("p90_us", times.quantile(0.9) * to_us);
  if (device)
    add("call_us", step_times.median() * to_us);
  line += format(", \"steps\": %lld", static_cast<long long>(steps));
  if (allocated >= 0)
    line += format(", \"allocations_bytes\": %lld", static_cast<long long>(allocated));
  if (!epoch_times.empty()) {
    line += format(", \"rows\": %lld", static_cast<long long>(rows.count));
    add("epoch_ms", epoch_times.median() * to_ms);
    add("epoch_min_ms", epoch_times.least() * to_ms);
  }
  if (count_heap_calls)
    add("heap_calls", static_cast<double>(heap_calls) / static_cast<double>(steps)); /* of a step */
  if (laps)
    line += ", \"lanes\": " + std::to_string(laps->lanes()) +
            ", \"kernels\": " + laps->json(batch, [&](int32_t input) { return mean_ids(arrays, input); });
  if (chosen.peaks)
    line += ", \"machine\": " + (device ? machine_json(limits) : machine_json(loops(), threads));
  return line + "}\n";
}

std::string bencher::text() {
  std::string result = std::string(model.name) + ": " + name_of(kind) +
                       (device ? format(", batches of %lld, on a device, ", static_cast<long long>(batch))
                               : format(", batches of %lld, %d %s, ", static_cast<long long>(batch), threads,
                                        threads == 1 ? "thread" : "threads")) +
                       (has_data(chosen) ? data_names(chosen) : "synthetic data") + "\n";
  const double median = step_times.median();
  if (device)
    result += format("  graph  %10.3f us median, %.3f least: the step on the device alone, its data there\n",
                     graph_times.median() * to_us, graph_times.least() * to_us);
  result += format("  step   %10.3f us median, %.3f least, %.3f to %.3f for 80 %% of %lld steps\n",
                   median * to_us, step_times.least() * to_us, step_times.quantile(0.1) * to_us,
                   step_times.quantile(0.9) * to_us, static_cast<long long>(steps));
  result += format("  rows   %10.0f a second\n", static_cast<double>(batch) / median);
  if (!epoch_times.empty())
    result += format("  epoch  %10.3f ms median, %.3f least, %lld rows\n", epoch_times.median() * to_ms,
                     epoch_times.least() * to_ms, static_cast<long long>(rows.count));
  if (allocated >= 0)
    result += format("  heap   %10lld bytes allocated\n", static_cast<long long>(allocated));
  return result;
}

exit_code bencher::run() {
  warm_up();
  time_steps();
  if (device)
    time_device_steps();
  if (device && laps)
    time_device_kernels();
  if (device && chosen.peaks)
    measure_device();
  if (has_data(chosen))
    time_epochs();
  warn_when_not_finite();
  print(chosen.json ? json() : text());
  return exit_done;
}

} // namespace

exit_code bench(const hornfels_model &model, const options &chosen, const bench_support &support) {
  return bencher(model, chosen, support).run();
}

} // namespace hornfels
