/* What the program can do; each throws a failure when it cannot. */
#ifndef HORNFELS_PROGRAM_COMMANDS_H
#define HORNFELS_PROGRAM_COMMANDS_H

#include "options.h"
#include "program.h"
#include "runtime/program/data/data_paths.h"
#include "runtime/program/report/progress.h"
#include "runtime/program/training/feed.h"

namespace hornfels {

exit_code train(const hornfels_model &model, const options &chosen);
/* `train` with --kfold. */
exit_code train_folds(const hornfels_model &model, const options &chosen);
exit_code evaluate(const hornfels_model &model, const options &chosen);
exit_code predict(const hornfels_model &model, const options &chosen);
/* Prints a text and its continuation: each character is drawn from the prediction for what stands before it. */
exit_code generate(const hornfels_model &model, const options &chosen);
/* Throws a failure with exit_system when a check fails. */
exit_code selftest(const hornfels_model &model, const options &chosen);
exit_code bench(const hornfels_model &model, const options &chosen, const bench_support &support);

/* Metrics of rows first, ..., first + count - 1, in the order of the file. Shows progress where `bar` is
 * given. Ends early when a signal comes. The values hold until the handle's next call. */
const std::vector<double> &evaluate_rows(feed &rows, int64_t first, int64_t count, progress *bar = nullptr);

/* The names of the model's metrics, "loss" first. */
std::vector<std::string> metric_names(const hornfels_model &model);

/* Prints "test loss 0.2934", a line for each metric. */
void print_test_metrics(const std::vector<std::string> &names, const std::vector<double> &values);

/* Rows of a step: what the user said, else the `train` block, else 32; never more than there are. */
int64_t choose_batch(const hornfels_model &model, const options &chosen, int64_t rows);

} // namespace hornfels

#endif
