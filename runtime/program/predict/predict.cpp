#include <algorithm>

#include "prediction_lines.h"
#include "runtime/core/text.h"
#include "runtime/program/commands.h"
#include "runtime/program/data/word_index.h"

namespace hornfels {

namespace {

bool ends_in(const std::string &text, const std::string &end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/* Shape of all predictions of an output. */
std::vector<int64_t> whole_shape(const hornfels_tensor &output, int64_t rows) {
  std::vector<int64_t> shape(output.shape, output.shape + output.rank);
  shape.insert(shape.begin(), rows);
  return shape;
}

/* Elements of a row of an output; a failure when all rows together cannot be counted. */
int64_t row_elements(const hornfels_tensor &output, int64_t rows) {
  const std::vector<int64_t> shape = whole_shape(output, rows);
  const int64_t all = checked_product(shape.data(), shape.size(), int64_t{1} << 58);
  if (all < 0)
    throw failure(exit_system, format("error: the predictions of %s are too many", output.name));
  return all / rows;
}

/* Runs the model over all rows; `take(results)` is called after each batch with the number of rows. */
template <class Take>
void run(model_handle &handle, batcher &batches, std::vector<hornfels_result> &results, progress &bar,
         Take take) {
  const int64_t rows = batches.data().rows, batch = batches.capacity();
  int64_t step = 0;
  for (int64_t done = 0; done < rows; done += batch) {
    const int64_t count = std::min(batch, rows - done);
    handle.predict(batches.gather_range(done, count), results.data(), count);
    take(done, count);
    if (bar.due(++step))
      bar.draw({});
  }
  bar.finish({});
}

struct output_array {
  const hornfels_tensor *tensor;
  int64_t elements; /* of a row */
  size_t width;     /* bytes of an element */
  char kind;
};

std::vector<output_array> list_outputs(const hornfels_model &model, int64_t rows) {
  std::vector<output_array> list;
  for (int32_t i = 0; i < model.outputs; ++i) {
    output_array output{model.output_info + i, row_elements(model.output_info[i], rows), 0, 'f'};
    npy_type_of(output.tensor->type, output.kind, output.width);
    list.push_back(output);
  }
  return list;
}

/* One output: each batch goes to the file as it comes. */
void write_npy(model_handle &handle, batcher &batches, const output_array &output, const std::string &path,
               progress &bar) {
  file_error error;
  output_file file;
  require(file.open(path, error), error);
  const std::vector<int64_t> shape = whole_shape(*output.tensor, batches.data().rows);
  const std::string header = npy_header_bytes(output.kind, output.width, shape.data(), shape.size());
  require(file.write(header.data(), header.size(), error), error);
  const int64_t capacity = batches.capacity() * output.elements;
  buffer values(static_cast<size_t>(capacity) * output.width);
  std::vector<hornfels_result> results{{values.as<void>(), capacity}};
  run(handle, batches, results, bar, [&](int64_t, int64_t count) {
    require(file.write(values.as<void>(), static_cast<size_t>(count * output.elements) * output.width, error),
            error);
  });
  require(file.commit(error), error);
}

/* Several outputs: an archive holds one array after the other, so all predictions wait in memory. */
void write_npz(model_handle &handle, batcher &batches, const std::vector<output_array> &outputs,
               const std::string &path, progress &bar) {
  file_error error;
  npz_writer file;
  require(file.open(path, error), error);
  const int64_t rows = batches.data().rows;
  std::vector<buffer> values;
  std::vector<hornfels_result> results;
  for (const output_array &output : outputs) {
    values.emplace_back(static_cast<size_t>(rows * output.elements) * output.width);
    results.push_back({values.back().as<void>(), rows * output.elements});
  }
  run(handle, batches, results, bar, [&](int64_t done, int64_t count) {
    for (size_t i = 0; i < outputs.size(); ++i) {
      const int64_t next = (done + count) * outputs[i].elements;
      results[i].data = values[i].as<char>() + static_cast<size_t>(next) * outputs[i].width;
      results[i].size = rows * outputs[i].elements - next;
    }
  });
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::vector<int64_t> shape = whole_shape(*outputs[i].tensor, rows);
    require(file.begin(outputs[i].tensor->name, outputs[i].kind, outputs[i].width, shape.data(), shape.size(),
                       error) &&
                file.write(values[i].as<void>(), values[i].bytes(), error) && file.end(error),
            error);
  }
  require(file.commit(error), error);
}

/* Lines of all rows, each batch's as it comes; `write(text)` takes them. */
template <class Write>
void write_lines(model_handle &handle, batcher &batches, const std::vector<output_array> &outputs,
                 const prediction_lines &lines, progress &bar, Write write) {
  std::vector<buffer> values;
  std::vector<hornfels_result> results;
  for (const output_array &output : outputs) {
    const int64_t capacity = batches.capacity() * output.elements;
    values.emplace_back(static_cast<size_t>(capacity) * output.width);
    results.push_back({values.back().as<void>(), capacity});
  }
  write(lines.header());
  std::string text;
  run(handle, batches, results, bar, [&](int64_t done, int64_t count) {
    text.clear();
    lines.add(results, done, count, text);
    write(text);
  });
}

void write_lines_file(model_handle &handle, batcher &batches, const std::vector<output_array> &outputs,
                      const prediction_lines &lines, const std::string &path, progress &bar) {
  file_error error;
  output_file file;
  require(file.open(path, error), error);
  write_lines(handle, batches, outputs, lines, bar,
              [&](const std::string &text) { require(file.write(text.data(), text.size(), error), error); });
  require(file.commit(error), error);
}

/* The output must be a file that can be written, none of those that are read. */
void require_output_file(const hornfels_model &model, const options &chosen) {
  const bool takes_all =
      ends_in(chosen.output, ".npz") || ends_in(chosen.output, ".csv") || ends_in(chosen.output, ".txt");
  if (model.outputs > 1 && !takes_all)
    throw failure(exit_usage, format("error: --output: %s has %d outputs, so the file must be an .npz, .csv or .txt",
                                     model.name, static_cast<int>(model.outputs)));
  for (const std::string &input : {chosen.weights, chosen.classes, chosen.word_index})
    if (!input.empty() && same_file(chosen.output, input))
      throw failure(exit_system, "error: --output is also an input: " + quoted(input));
  require_not_data(chosen, "--output", chosen.output);
  file_error error;
  require(check_output(chosen.output, error), error);
}

dataset read_rows(const hornfels_model &model, const options &chosen) {
  if (chosen.has_text)
    return bind_text(model, chosen);
  return bind(model, open_data(chosen.data, chosen.reading), {"", "_test"}, false);
}

} // namespace

exit_code predict(const hornfels_model &model, const options &chosen) {
  const bool prints = chosen.output.empty(), table = ends_in(chosen.output, ".csv");
  if (!prints)
    require_output_file(model, chosen);
  const prediction_lines lines(
      model, table ? prediction_lines::table : prediction_lines::text,
      chosen.classes.empty() ? std::vector<std::string>() : read_class_names(chosen.classes), quoted(chosen.classes));
  const dataset data = read_rows(model, chosen);
  const int64_t batch = choose_batch(model, chosen, data.rows);
  model_handle handle(model, batch, chosen.threads);
  handle.initialize(0);
  handle.load(chosen.weights);
  batcher batches(data, batch);
  progress bar(describe_display(), chosen.has_text ? 0 : chosen.verbose);
  bar.begin_epoch(1, 1, (data.rows + batch - 1) / batch);
  const std::vector<output_array> outputs = list_outputs(model, data.rows);
  if (prints)
    write_lines(handle, batches, outputs, lines, bar, print);
  else if (table || ends_in(chosen.output, ".txt"))
    write_lines_file(handle, batches, outputs, lines, chosen.output, bar);
  else if (ends_in(chosen.output, ".npz"))
    write_npz(handle, batches, outputs, chosen.output, bar);
  else
    write_npy(handle, batches, outputs.front(), chosen.output, bar);
  return exit_done;
}

} // namespace hornfels
