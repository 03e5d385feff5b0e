/* Cross-validation over contiguous folds, as the book does it: each fold is held out once, a fresh model is
 * trained on the others, and scores and histories are averaged. */
#include <algorithm>

#include "adapt.h"
#include "fit.h"
#include "runtime/core/text.h"
#include "runtime/program/callbacks/data_watch.h"
#include "runtime/program/commands.h"
#include "runtime/program/report/plot.h"
#include "runtime/program/signals.h"
#include "train_data.h"

namespace hornfels {

namespace {

/* Rows of fold `i` of k: i * (n / k) and on; the rest of the division is never held out. */
std::vector<row_range> all_but(const row_range &fold, int64_t rows) {
  std::vector<row_range> others;
  if (fold.first > 0)
    others.push_back({0, fold.first});
  if (fold.first + fold.count < rows)
    others.push_back({fold.first + fold.count, rows - fold.first - fold.count});
  return others;
}

/* Epoch by epoch, over the folds that came so far. */
history mean_of(const std::vector<history> &folds) {
  history result(folds.front().first_epoch());
  size_t longest = 0;
  for (const history &fold : folds)
    longest = std::max(longest, fold.all().size());
  for (size_t epoch = 0; epoch < longest; ++epoch) {
    logs mean;
    double count = 0;
    for (const history &fold : folds) {
      if (epoch >= fold.all().size())
        continue;
      const logs &values = fold.all()[epoch];
      if (mean.empty())
        for (const auto &one : values)
          mean.emplace_back(one.first, 0.0);
      for (size_t i = 0; i < values.size(); ++i)
        mean[i].second += values[i].second;
      ++count;
    }
    for (auto &one : mean)
      one.second /= count;
    result.add(mean);
  }
  return result;
}

/* The mean history, and under "folds" that of each. */
void write_histories(const std::string &path, const history &mean, const std::vector<history> &folds) {
  std::string text = mean.json();
  text.resize(text.rfind("\n}"));
  text += ",\n  \"folds\": [\n";
  for (size_t i = 0; i < folds.size(); ++i) {
    std::string fold = folds[i].json();
    fold.pop_back();
    text += fold + (i + 1 < folds.size() ? ",\n" : "\n");
  }
  text += "  ]\n}\n";
  output_file file;
  file_error error;
  require(file.open(path, error) && file.write(text.data(), text.size(), error) && file.commit(error), error);
}

std::string score_text(const logs &scores) {
  std::string text;
  for (const auto &one : scores)
    text += " " + one.first + format(" %.6g", one.second);
  return text;
}

/* The options of fold `i`: a seed of its own, and a file of weights, where there is one, with its number. */
options options_of_fold(const options &chosen, int64_t i) {
  options result = chosen;
  result.seed += static_cast<uint64_t>(i);
  const std::string mark = "{fold}";
  for (size_t at = 0; (at = result.weights.find(mark, at)) != std::string::npos;) {
    const std::string number = std::to_string(i + 1);
    result.weights.replace(at, mark.size(), number);
    at += number.size();
  }
  return result;
}

} // namespace

exit_code train_folds(const hornfels_model &model, const options &chosen) {
  const int64_t epochs = chosen.epochs > 0 ? chosen.epochs : model.training->epochs, k = chosen.kfold;
  for (int64_t i = 0; i < (chosen.weights.empty() ? 1 : k); ++i)
    check_outputs(options_of_fold(chosen, i));
  const data_state files(chosen);
  const training_data data = read_training_data(model, chosen);
  const int64_t rows = data.data.rows, held_out = rows / k;
  if (held_out < 1)
    throw failure(exit_usage, format("error: --kfold: %lld folds of %lld rows", static_cast<long long>(k),
                                     static_cast<long long>(rows)));
  const int64_t batch = choose_training_batch(model, chosen, rows - held_out);
  const std::vector<std::string> names = metric_names(model);
  /* An epoch's lines are asked for: there are many. */
  progress bar(describe_display(), chosen.verbose < 0 ? 0 : chosen.verbose);
  watch_signals();
  std::vector<history> folds;
  logs sum;
  exit_code code = exit_done;
  for (int64_t i = 0; i < k; ++i) {
    const row_range fold{i * held_out, held_out};
    model_handle handle(model, batch, chosen.threads);
    const options of_fold = options_of_fold(chosen, i);
    handle.initialize(of_fold.seed);
    if (chosen.initial_weights.empty())
      adapt(handle, data.data, all_but(fold, rows), of_fold.seed, chosen.threads);
    else
      handle.load(chosen.initial_weights);
    if (chosen.learning_rate > 0)
      handle.set_learning_rate(chosen.learning_rate);
    feed all(handle, data.data, batch);
    const fit_rows parts{all, all_but(fold, rows), &all, fold};
    auto callbacks = make_callbacks(of_fold, names, true);
    callbacks.push_back(make_data_watch(files));
    fit one(of_fold, epochs, handle, parts, std::move(callbacks), bar, nullptr);
    if (!one.run()) {
      print_error(std::string(model.name) +
                  format(": stopped in fold %lld after ", static_cast<long long>(i + 1)) + one.where());
      require_output();
      return exit_code_of_signal(signal_received());
    }
    if (!of_fold.weights.empty())
      handle.save(of_fold.weights, of_fold.with_optimizer);
    const logs scores = make_logs(names, evaluate_rows(all, fold.first, fold.count), "val_");
    print(format("fold %lld of %lld:", static_cast<long long>(i + 1), static_cast<long long>(k)) +
          score_text(scores) + "\n");
    if (sum.empty())
      sum = scores;
    else
      for (size_t m = 0; m < sum.size(); ++m)
        sum[m].second += scores[m].second;
    folds.push_back(one.past());
    if (one.first_failure())
      code = one.first_failure()->code();
  }
  for (const auto &one : sum)
    print("mean " + one.first + format(" %.6g\n", one.second / static_cast<double>(k)));
  const history mean = mean_of(folds);
  if (!chosen.history.empty())
    write_histories(chosen.history, mean, folds);
  if (!chosen.plot.empty())
    write_plot(chosen.plot,
               std::string(model.name) + format(", mean of %lld folds", static_cast<long long>(k)), mean,
               {chosen.plot_smooth < 0 ? 0.9 : chosen.plot_smooth, chosen.plot_skip});
  return code;
}

} // namespace hornfels
