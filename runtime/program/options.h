/* The command line of the program. */
#ifndef HORNFELS_PROGRAM_OPTIONS_H
#define HORNFELS_PROGRAM_OPTIONS_H

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/core/abi.h"
#include "runtime/program/callbacks/callback_options.h"
#include "runtime/program/callbacks/schedule.h"
#include "runtime/program/data/data_options.h"
#include "runtime/program/training/class_weights.h"

namespace hornfels {

enum class command { train, evaluate, predict, generate, bench, selftest, help, version };

/* What the user asked for; where nothing was said, the model's `train` block decides. */
struct options {
  command what = command::help;
  std::string topic; /* of help: a command's name or nothing */
  data_options reading; /* how the data are read */
  std::string data, test_data, weights, initial_weights, history, output;
  std::string text, word_index, classes; /* of predict */
  bool has_text = false;
  std::string seed_text = "\n"; /* of generate */
  int64_t length = 400;
  double temperature = 1;
  std::string test_vector; /* of selftest */
  int64_t epochs = 0, batch_size = 0;
  uint64_t seed = 0;
  int64_t validation = 0;        /* rows, the first ones */
  double validation_split = 0.0; /* part of all rows, the last ones */
  int threads = 0;               /* 0: as many as the process may use processors */
  double learning_rate = 0.0;    /* 0: the model's */
  bool shuffle = true, timing = false;
  std::string step;     /* of bench: train, evaluate or predict; empty: what the model can */
  double seconds = 0.0; /* of bench; 0: one */
  bool json = false, peaks = false;
  /* of train */
  std::string validation_data, csv_log, checkpoint, plot, tensorboard;
  bool csv_append = false, resume = false, with_optimizer = false;
  class_weights class_weight;
  int64_t initial_epoch = 0, kfold = 0;
  double plot_smooth = -1; /* factor; -1: 0.9 for folds, else nothing is smoothed */
  int64_t plot_skip = 10;  /* epochs that smoothed curves leave out */
  int64_t checkpoint_every = 0; /* steps; 0: each epoch */
  early_stopping_options early_stopping;
  plateau_options plateau;
  rate_schedule schedule;
  model_checkpoint_options model_checkpoint;
  int verbose = -1; /* -1: a bar on a terminal, else a line an epoch */
};

/* Reads argv[1..]. Throws a failure with exit_usage that names the option, the value and what is allowed. */
options parse_options(const hornfels_model &model, const std::vector<std::string> &arguments);

/* The program's help, or that of one command ("train"). */
std::string help_text(const hornfels_model &model, const std::string &topic);

} // namespace hornfels

#endif
