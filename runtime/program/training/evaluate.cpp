#include <algorithm>

#include "pace.h"
#include "runtime/core/text.h"
#include "runtime/program/commands.h"
#include "runtime/program/signals.h"

namespace hornfels {

std::vector<std::string> metric_names(const hornfels_model &model) {
  return std::vector<std::string>(model.metric_names, model.metric_names + model.metrics);
}

int64_t choose_batch(const hornfels_model &model, const options &chosen, int64_t rows) {
  const int64_t wanted = chosen.batch_size > 0 ? chosen.batch_size
                         : model.training      ? model.training->batch_size
                                               : 32;
  return std::max<int64_t>(1, std::min(wanted, rows));
}

const std::vector<double> &evaluate_rows(feed &rows, int64_t first, int64_t count, progress *bar) {
  model_handle &handle = rows.handle();
  const std::vector<std::string> names = metric_names(handle.table());
  pace looks(handle.on_device());
  handle.reset_metrics();
  looks.start();
  for (int64_t done = 0, step = 0; done < count && !signal_received();) {
    const int64_t steps = rows.is_resident() ? looks.room() : 1;
    const int64_t some = std::min(steps * rows.batch(), count - done);
    rows.evaluate(first + done, some);
    done += some;
    const int64_t ran = (some + rows.batch() - 1) / rows.batch();
    step += ran;
    looks.ran(ran);
    const bool draws = bar && bar->due(step);
    if (!draws && !(handle.on_device() && looks.due()))
      continue;
    const std::vector<double> &values = handle.metrics();
    looks.looked();
    if (draws)
      bar->draw(make_logs(names, values));
  }
  return handle.metrics();
}

void print_test_metrics(const std::vector<std::string> &names, const std::vector<double> &values) {
  for (size_t i = 0; i < names.size(); ++i)
    print("test " + names[i] + format(" %.6g\n", values[i]));
}

exit_code evaluate(const hornfels_model &model, const options &chosen) {
  const data_file file = open_data(chosen.data, chosen.reading);
  const dataset data = bind(model, file, {"_test"}, true);
  const int64_t batch = choose_batch(model, chosen, data.rows);
  model_handle handle(model, batch, chosen.threads);
  handle.initialize(0);
  handle.load(chosen.weights);
  feed rows(handle, data, batch);
  progress bar(describe_display(), chosen.verbose);
  bar.begin_epoch(1, 1, (data.rows + batch - 1) / batch);
  const std::vector<double> values = evaluate_rows(rows, 0, data.rows, &bar);
  const std::vector<std::string> names = metric_names(model);
  bar.finish(make_logs(names, values));
  print_test_metrics(names, values);
  return exit_done;
}

} // namespace hornfels
