/* `selftest`: whether the program computes here what it computed elsewhere, without any data. */
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>

#include "runtime/core/crc32.h"
#include "runtime/core/npz.h"
#include "runtime/core/text.h"
#include "runtime/core/weights_file.h"
#include "runtime/program/commands.h"
#include "synthetic.h"

namespace hornfels {

namespace {

constexpr int64_t rows = 19; /* a vector of 16 rows and a rest */
constexpr uint64_t seed = 20171201;
constexpr double tolerance = 1e-5; /* of |a - b| / (1 + |b|) between machines, and between batches of any size */

/* Named arrays: all predictions before a step, the loss, all predictions after it. */
using vector_of_arrays = std::map<std::string, saved_state::array>;

bool is_real(const saved_state::array &array) { return array.kind == 'f' && (array.width == 4 || array.width == 8); }

double element(const saved_state::array &array, size_t i) {
  if (array.width == 8) {
    double value;
    std::memcpy(&value, array.bytes.data() + 8 * i, 8);
    return value;
  }
  float value;
  std::memcpy(&value, array.bytes.data() + 4 * i, 4);
  return static_cast<double>(value);
}

/* What is wrong with `found` beside `expected`; empty: within the tolerance (whole numbers: the same). */
std::string difference(const std::string &name, const saved_state::array &found, const saved_state::array &expected) {
  if (found.kind != expected.kind || found.width != expected.width || found.shape != expected.shape)
    return name + " is " + shape_text(found.shape.data(), found.shape.size()) + ", the vector has " +
           shape_text(expected.shape.data(), expected.shape.size());
  if (!is_real(found))
    return found.bytes == expected.bytes ? "" : name + " differs";
  for (size_t i = 0; i < found.bytes.size() / found.width; ++i) {
    const double a = element(found, i), b = element(expected, i);
    if (!(std::fabs(a - b) <= tolerance * (1 + std::fabs(b))))
      return name + format("[%zu] is %.9g, expected %.9g", i, a, b);
  }
  return "";
}

std::string difference(const vector_of_arrays &found, const vector_of_arrays &expected) {
  for (const auto &one : expected) {
    const auto same = found.find(one.first);
    if (same == found.end())
      return one.first + " is missing here";
    const std::string wrong = difference(one.first, same->second, one.second);
    if (!wrong.empty())
      return wrong;
  }
  return found.size() == expected.size() ? "" : "this model has more outputs than the vector";
}

bool same_bytes(const vector_of_arrays &a, const vector_of_arrays &b) {
  for (const auto &one : a) {
    const auto other = b.find(one.first);
    if (other == b.end() || other->second.bytes != one.second.bytes)
      return false;
  }
  return a.size() == b.size();
}

/* The first number that is not finite; empty: all are. */
std::string not_finite(const vector_of_arrays &arrays) {
  for (const auto &one : arrays)
    for (size_t i = 0; is_real(one.second) && i < one.second.bytes.size() / one.second.width; ++i)
      if (!std::isfinite(element(one.second, i)))
        return one.first + format("[%zu] is %g", i, element(one.second, i));
  return "";
}

uint32_t checksum(const vector_of_arrays &arrays) {
  uint32_t sum = 0;
  for (const auto &one : arrays)
    sum = crc32(sum, one.second.bytes.data(), one.second.bytes.size());
  return sum;
}

class test {
public:
  test(const hornfels_model &of, const options &said)
      : model(of), chosen(said), data(make_synthetic(of, rows, of.training != nullptr, seed)) {}

  /* Predictions of all rows, `batch` at a time. */
  vector_of_arrays predict(model_handle &handle, int64_t batch, const std::string &prefix) {
    batcher batches(data, batch);
    vector_of_arrays found;
    std::vector<hornfels_result> results(static_cast<size_t>(model.outputs));
    for (int64_t done = 0; done < rows; done += batch) {
      const int64_t count = std::min(batch, rows - done);
      for (int32_t i = 0; i < model.outputs; ++i) {
        saved_state::array &all = array_of(model.output_info[i], found[prefix + model.output_info[i].name]);
        const size_t row = all.bytes.size() / static_cast<size_t>(rows);
        results[static_cast<size_t>(i)] = {&all.bytes[0] + static_cast<size_t>(done) * row,
                                           static_cast<int64_t>(row / all.width) * count};
      }
      handle.predict(batches.gather_range(done, count), results.data(), count);
    }
    return found;
  }

  std::unique_ptr<model_handle> make(int threads) const {
    auto handle = std::make_unique<model_handle>(model, rows, threads);
    handle->initialize(seed);
    if (!chosen.weights.empty() || model_handle::has_embedded())
      handle->load(chosen.weights);
    return handle;
  }

  /* A step; its loss, and all weights and states after it. */
  vector_of_arrays train(model_handle &handle, saved_state::array &loss) {
    batcher batches(data, rows);
    handle.reset_metrics();
    handle.train(batches.gather_range(0, rows), rows);
    loss = {'f', 8, {}, std::vector<char>(8)};
    std::memcpy(&loss.bytes[0], &handle.metrics()[0], 8);
    return handle.weights();
  }

private:
  static saved_state::array &array_of(const hornfels_tensor &output, saved_state::array &array) {
    if (!array.bytes.empty())
      return array;
    npy_type_of(output.type, array.kind, array.width);
    array.shape.assign(output.shape, output.shape + output.rank);
    array.shape.insert(array.shape.begin(), rows);
    const int64_t elements =
        checked_product(array.shape.data(), array.shape.size(), int64_t{1} << 40); /* it fits a handle's arena */
    array.bytes.resize(static_cast<size_t>(elements) * array.width);
    return array;
  }

  const hornfels_model &model;
  const options &chosen;
  dataset data;
};

/* Prints a line for each check, and remembers whether one failed. */
struct report {
  bool failed = false;
  void check(const std::string &what, const std::string &wrong) {
    failed = failed || !wrong.empty();
    print((wrong.empty() ? "ok      " : "FAILED  ") + what + (wrong.empty() ? "" : ": " + wrong) + "\n");
  }
};

void write_vector(const std::string &path, const vector_of_arrays &arrays) {
  file_error error;
  npz_writer file;
  require(file.open(path, error), error);
  for (const auto &one : arrays)
    require(file.begin(one.first, one.second.kind, one.second.width, one.second.shape.data(), one.second.shape.size(),
                       error) &&
                file.write(one.second.bytes.data(), one.second.bytes.size(), error) && file.end(error),
            error);
  require(file.commit(error), error);
}

/* The stored vector; only arrays of the size of ours are read. */
vector_of_arrays read_vector(const std::string &path, const vector_of_arrays &ours) {
  file_error error;
  const std::unique_ptr<weights_reader> file = open_weights(path, error);
  require(file != nullptr, error);
  vector_of_arrays arrays;
  for (const auto &one : ours) {
    npy_header header;
    bool found = false;
    require(file->describe(one.first, header, found, error), error);
    if (!found)
      throw failure(exit_input, quoted(path) + ": error: no array " + one.first + ": is it a vector of this model?");
    saved_state::array array{header.kind, header.width, std::vector<int64_t>(header.shape, header.shape + header.rank), {}};
    if (array.shape != one.second.shape || array.kind != one.second.kind || array.width != one.second.width)
      throw failure(exit_input, quoted(path) + ": error: " + one.first + " is " + header.text() + ", this model's is " +
                                    shape_text(one.second.shape.data(), one.second.shape.size()));
    array.bytes.resize(one.second.bytes.size());
    require(file->read(one.first, &array.bytes[0], error), error);
    arrays[one.first] = std::move(array);
  }
  return arrays;
}

} // namespace

exit_code selftest(const hornfels_model &model, const options &chosen) {
  if (!model.initialize && chosen.weights.empty() && !model_handle::has_embedded())
    throw failure(exit_usage, format("error: %s can only predict: selftest needs --weights FILE", model.name));
  file_error error;
  if (!chosen.output.empty())
    require(check_output(chosen.output, error), error);
  report to;
  test of(model, chosen);
  const std::unique_ptr<model_handle> one = of.make(1), two = of.make(2);
  vector_of_arrays vector = of.predict(*one, rows, "predict/");
  to.check(format("predictions of %lld rows are finite", static_cast<long long>(rows)), not_finite(vector));
  to.check("one row at a time they are the same, to 1e-5", difference(of.predict(*one, 1, "predict/"), vector));
  to.check("with 2 threads they are the same, byte for byte",
           same_bytes(of.predict(*two, rows, "predict/"), vector) ? "" : "they differ");
  const std::unique_ptr<model_handle> copy = of.make(1);
  copy->set_weights(one->weights());
  to.check("read and set again, the weights give the same bytes",
           same_bytes(of.predict(*copy, rows, "predict/"), vector) ? "" : "they differ");
  if (model.training) {
    saved_state::array loss, other;
    const vector_of_arrays before = one->weights(), after = of.train(*one, loss);
    to.check(format("a step of training has a finite loss (%.6g)", element(loss, 0)),
             std::isfinite(element(loss, 0)) ? "" : "it has not");
    to.check("weights after it are finite", not_finite(after));
    to.check("it changes them", same_bytes(before, after) ? "all are as before" : "");
    to.check("again from the start it gives the same bytes",
             same_bytes(of.train(*copy, other), after) && other.bytes == loss.bytes ? "" : "they differ");
    to.check("with 2 threads it gives the same bytes",
             same_bytes(of.train(*two, other), after) && other.bytes == loss.bytes ? "" : "they differ");
    vector["loss"] = loss;
    for (auto &array : of.predict(*one, rows, "after/"))
      vector.insert(std::move(array));
  }
  if (!chosen.test_vector.empty())
    to.check("all is as in " + quoted(chosen.test_vector) + ", to 1e-5",
             difference(vector, read_vector(chosen.test_vector, vector)));
  if (!chosen.output.empty() && !to.failed)
    write_vector(chosen.output, vector);
  print(format("checksum %08x\n", checksum(vector)));
  if (to.failed)
    throw failure(exit_system, "error: selftest failed");
  return exit_done;
}

} // namespace hornfels
