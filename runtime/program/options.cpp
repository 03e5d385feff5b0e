#include "options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "failure.h"
#include "nearest.h"
#include "runtime/core/text.h"
#include "runtime/program/training/model_handle.h"

namespace hornfels {

namespace {

enum : unsigned { for_train = 1, for_evaluate = 2, for_predict = 4, for_bench = 8, for_data = 7, for_all = 15,
                for_selftest = 16, for_generate = 32 };

/* A value's text, and the name it was given by, for the message. */
struct given {
  std::string option, value;
};

[[noreturn]] void wrong(const given &g, const std::string &expected) {
  throw failure(exit_usage, "error: " + g.option + ": " + quoted(g.value) + " is not " + expected);
}

template <class Number> Number whole(const given &g, Number least, Number most) {
  Number value{};
  const char *const end = g.value.data() + g.value.size();
  const std::from_chars_result result = std::from_chars(g.value.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end || value < least || value > most)
    wrong(g, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return value;
}

double real(const given &g, double below, const char *expected) {
  double value = 0;
  const char *const end = g.value.data() + g.value.size();
  const std::from_chars_result result = std::from_chars(g.value.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end || !(value > 0) || !(value < below))
    wrong(g, expected);
  return value;
}

/* 0 is the limit of small temperatures. */
double temperature(const given &g) {
  return g.value == "0" ? 0 : real(g, 1e6, "a number from 0 up");
}

/* What goes before the first character that is made. */
std::string seed_text(const given &g) {
  if (g.value.empty())
    wrong(g, "a text of one character or more");
  return g.value;
}

double part(const given &g) {
  return g.value == "0" ? 0 : real(g, 1.0, "a number from 0 to below 1");
}

std::string path(const given &g) {
  if (g.value.empty())
    wrong(g, "a file name");
  return g.value;
}

/* A whole number, or "none". */
choice number_or_none(const given &g) {
  if (g.value == "none")
    return {true, true, 0};
  constexpr int64_t largest = INT32_MAX;
  int64_t number = 0;
  const char *const end = g.value.data() + g.value.size();
  const std::from_chars_result result = std::from_chars(g.value.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end || number < 0 || number > largest)
    wrong(g, "a whole number from 0 to " + std::to_string(largest) + ", or none");
  return {true, false, number};
}

std::pair<std::string, std::string> named_file(const given &g) {
  const size_t equals = g.value.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == g.value.size())
    wrong(g, "NAME=FILE: the name of an array, as x_train, and its .npy or IDX file");
  return {g.value.substr(0, equals), g.value.substr(equals + 1)};
}

std::string picture(const given &g) {
  for (const std::string &end : {std::string(".svg"), std::string(".html")})
    if (g.value.size() > end.size() && g.value.compare(g.value.size() - end.size(), end.size(), end) == 0)
      return g.value;
  wrong(g, "a file name that ends in .svg or .html");
}

std::string step_name(const given &g) {
  for (const char *name : {"train", "evaluate", "predict"})
    if (g.value == name)
      return name;
  wrong(g, "train, evaluate or predict");
}

constexpr int64_t most = int64_t{1} << 31;

struct option {
  const char *name;
  const char *value; /* null: a flag */
  unsigned commands;
  const char *help;
  void (*set)(options &, const given &);
};

/* The one list of all options. */
const option table[] = {
    {"--data", "FILE", for_all, "arrays by name in an .npz, columns of a .csv, one .npy or IDX array, or the characters of a .txt",
     [](options &o, const given &g) { o.data = path(g); }},
    {"--input", "NAME=FILE", for_all, "an array of the data in a .npy or IDX file; once for each array",
     [](options &o, const given &g) { o.reading.inputs.push_back(named_file(g)); }},
    {"--test-data", "FILE", for_train, "what is tested at the end, where --data has no test arrays",
     [](options &o, const given &g) { o.test_data = path(g); }},
    {"--test-split", "X", for_all, "shuffle, and keep the last part X of the rows for the test (0.2 of Keras's files)",
     [](options &o, const given &g) { o.reading.test_split = part(g); }},
    {"--data-seed", "N|none", for_all, "of the order of Keras's files and of --test-split (113)",
     [](options &o, const given &g) { o.reading.seed = number_or_none(g); }},
    {"--num-words", "N", for_all, "ids from N on become --oov-char (the model's vocabulary)",
     [](options &o, const given &g) { o.reading.num_words = whole<int64_t>(g, 1, most); }},
    {"--skip-top", "N", for_all, "ids below N become --oov-char (0)",
     [](options &o, const given &g) { o.reading.skip_top = whole<int64_t>(g, 0, most); }},
    {"--maxlen", "N", for_all, "leave out rows of N ids or more",
     [](options &o, const given &g) { o.reading.maxlen = whole<int64_t>(g, 1, most); }},
    {"--start-char", "N|none", for_all, "the id that begins each row of Keras's files (1)",
     [](options &o, const given &g) { o.reading.start_char = number_or_none(g); }},
    {"--oov-char", "N|none", for_all, "the id of words that are left out; none: leave them out (2)",
     [](options &o, const given &g) { o.reading.oov_char = number_or_none(g); }},
    {"--index-from", "N", for_all, "what is added to the words of Keras's files (3)",
     [](options &o, const given &g) { o.reading.index_from = number_or_none(g); }},
    {"--epochs", "N", for_train, "times that all rows are gone through",
     [](options &o, const given &g) { o.epochs = whole<int64_t>(g, 1, most); }},
    {"--batch-size", "N", for_data, "rows of a step",
     [](options &o, const given &g) { o.batch_size = whole<int64_t>(g, 1, most); }},
    {"--batch", "N", for_bench, "rows of a step",
     [](options &o, const given &g) { o.batch_size = whole<int64_t>(g, 1, most); }},
    {"--step", "NAME", for_bench, "what is timed: train, evaluate or predict (train)",
     [](options &o, const given &g) { o.step = step_name(g); }},
    {"--seconds", "X", for_bench, "how long (1); as long again for epochs where there are data",
     [](options &o, const given &g) { o.seconds = real(g, 86400, "a number of seconds above 0, a day at most"); }},
    {"--peaks", nullptr, for_bench, "measure the machine too, where the program was built for it",
     [](options &o, const given &) { o.peaks = true; }},
    {"--json", nullptr, for_bench, "print one object of JSON", [](options &o, const given &) { o.json = true; }},
    {"--learning-rate", "X", for_train, "the optimizer's first learning rate",
     [](options &o, const given &g) { o.learning_rate = real(g, 1e38, "a number above 0"); }},
    {"--seed", "N", for_train | for_bench | for_generate, "of first weights, shuffling, dropout, made-up data and made text (0)",
     [](options &o, const given &g) { o.seed = whole<uint64_t>(g, 0, UINT64_MAX); }},
    {"--validation", "N", for_train | for_bench, "hold out the first N rows",
     [](options &o, const given &g) { o.validation = whole<int64_t>(g, 1, most); }},
    {"--validation-split", "X", for_train, "hold out the last part X of the rows, 0 to 1",
     [](options &o, const given &g) { o.validation_split = real(g, 1.0, "a number between 0 and 1"); }},
    {"--validation-data", "FILE", for_train, "hold out no rows: validate on a file of its own",
     [](options &o, const given &g) { o.validation_data = path(g); }},
    {"--initial-epoch", "N", for_train, "count epochs from N on, as when N are done already (0)",
     [](options &o, const given &g) { o.initial_epoch = whole<int64_t>(g, 0, most); }},
    {"--class-weight", "C=W,...", for_train, "weights of the classes in the loss, as 0=1,1=3.5",
     [](options &o, const given &g) { o.class_weight = parse_class_weights(g.option, g.value); }},
    {"--early-stopping", "M[,...]", for_train,
     "stop when M (val_loss) no longer improves: patience=0, min_delta=0, baseline=, restore_best_weights, "
     "start_from_epoch=0, mode=auto",
     [](options &o, const given &g) { o.early_stopping = parse_early_stopping(g.option, g.value); }},
    {"--reduce-lr-on-plateau", "M[,...]", for_train,
     "lower the learning rate when M no longer improves: factor=0.1, patience=10, min_delta=0.0001, cooldown=0, "
     "min_lr=0, mode=auto",
     [](options &o, const given &g) { o.plateau = parse_plateau(g.option, g.value); }},
    {"--learning-rate-schedule", "NAME,...", for_train,
     "the rate as a function of the step: exponential_decay,decay_steps=1000,decay_rate=0.96 and Keras's others",
     [](options &o, const given &g) { o.schedule = parse_schedule(g.option, g.value); }},
    {"--model-checkpoint", "FILE[,...]", for_train,
     "weights of each epoch, w-{epoch:02d}-{val_loss:.2f}.npz: save_best_only, monitor=val_loss, save_freq=epoch, "
     "initial_value_threshold=, mode=auto",
     [](options &o, const given &g) { o.model_checkpoint = parse_model_checkpoint(g.option, g.value); }},
    {"--csv-log", "FILE", for_train, "write the metrics of every epoch as a table, line by line",
     [](options &o, const given &g) { o.csv_log = path(g); }},
    {"--csv-append", nullptr, for_train, "keep the lines that the table has",
     [](options &o, const given &) { o.csv_append = true; }},
    {"--tensorboard", "DIR", for_train, "write the metrics of every epoch as TensorBoard reads them",
     [](options &o, const given &g) { o.tensorboard = path(g); }},
    {"--plot", "FILE", for_train, "draw the metrics of every epoch, as .svg or .html",
     [](options &o, const given &g) { o.plot = picture(g); }},
    {"--plot-smooth", "X", for_train, "draw smoothed curves too, X of the value before, as 0.9 (folds: 0.9)",
     [](options &o, const given &g) { o.plot_smooth = real(g, 1.0, "a number between 0 and 1"); }},
    {"--plot-skip", "N", for_train, "epochs at the beginning that smoothed curves leave out (10)",
     [](options &o, const given &g) { o.plot_skip = whole<int64_t>(g, 0, most); }},
    {"--kfold", "K", for_train, "hold out each of K parts of the rows once; scores, their mean, the mean history; --weights w-{fold}.npz",
     [](options &o, const given &g) { o.kfold = whole<int64_t>(g, 2, most); }},
    {"--checkpoint", "DIR", for_train, "keep all that is needed to go on after a crash in this folder",
     [](options &o, const given &g) { o.checkpoint = path(g); }},
    {"--checkpoint-every", "STEPS", for_train, "write it every so many steps (each epoch)",
     [](options &o, const given &g) { o.checkpoint_every = whole<int64_t>(g, 1, most); }},
    {"--resume", nullptr, for_train, "go on from the checkpoint where there is one",
     [](options &o, const given &) { o.resume = true; }},
    {"--no-shuffle", nullptr, for_train, "take the rows in the order of the file",
     [](options &o, const given &) { o.shuffle = false; }},
    {"--threads", "N", for_all | for_generate, "threads that work (as many as there are processors; bench: 1)",
     [](options &o, const given &g) { o.threads = whole<int>(g, 1, 64); }},
    {"--weights", "FILE", for_data | for_selftest | for_generate,
     "the .npz or .safetensors that train writes, and evaluate, predict and generate read",
     [](options &o, const given &g) { o.weights = path(g); }},
    {"--initial-weights", "FILE", for_train, "the .npz or .safetensors to start from, the optimizer's state too where it has one",
     [](options &o, const given &g) { o.initial_weights = path(g); }},
    {"--with-optimizer", nullptr, for_train, "write the optimizer's state into --weights too",
     [](options &o, const given &) { o.with_optimizer = true; }},
    {"--history", "FILE", for_train, "write the metrics of every epoch as JSON",
     [](options &o, const given &g) { o.history = path(g); }},
    {"--output", "FILE", for_predict, "where the predictions go: .npy, .csv, .txt, or .npz with an array for each output",
     [](options &o, const given &g) { o.output = path(g); }},
    {"--write", "FILE", for_selftest, "keep what comes out, an .npz, to compare with later or elsewhere",
     [](options &o, const given &g) { o.output = path(g); }},
    {"--vector", "FILE", for_selftest, "what came out where --write kept it: it must be the same, to 1e-5",
     [](options &o, const given &g) { o.test_vector = path(g); }},
    {"--classes", "FILE", for_predict, "the names of the classes, one a line, for predictions in text",
     [](options &o, const given &g) { o.classes = path(g); }},
    {"--text", "TEXT", for_predict, "instead of --data: one row, the words of this text; prints the prediction",
     [](options &o, const given &g) {
       o.text = g.value;
       o.has_text = true;
     }},
    {"--word-index", "FILE", for_predict, "the words of --text, as Keras's JSON has them: {\"the\": 1, ...}",
     [](options &o, const given &g) { o.word_index = path(g); }},
    {"--seed-text", "TEXT", for_generate, "what the text begins with (the beginning of a line)",
     [](options &o, const given &g) { o.seed_text = seed_text(g); }},
    {"--length", "N", for_generate, "characters that are made (400)",
     [](options &o, const given &g) { o.length = whole<int64_t>(g, 1, most); }},
    {"--temperature", "X", for_generate, "below 1 likelier characters, above 1 rarer ones; 0: the likeliest (1)",
     [](options &o, const given &g) { o.temperature = temperature(g); }},
    {"--timing", nullptr, for_train, "print the seconds of each epoch's steps, validation aside",
     [](options &o, const given &) { o.timing = true; }},
    {"--verbose", "0|1|2", for_data, "0 nothing while it works, 1 a bar on a terminal, 2 a line an epoch",
     [](options &o, const given &g) { o.verbose = whole<int>(g, 0, 2); }},
};

struct named_command {
  const char *name;
  command what;
  unsigned mask;
  const char *help;
};

const named_command commands[] = {
    {"train", command::train, for_train, "train the model and write its weights"},
    {"evaluate", command::evaluate, for_evaluate, "loss and metrics on the test arrays"},
    {"predict", command::predict, for_predict, "write the model's outputs"},
    {"generate", command::generate, for_generate, "make text, character by character"},
    {"bench", command::bench, for_bench, "how long a step takes; with --data also an epoch"},
    {"selftest", command::selftest, for_selftest, "whether the model computes right on this machine; needs no data"},
    {"help", command::help, 0, "this text, or that of one command"},
};

const named_command *find_command(const std::string &name) {
  for (const named_command &one : commands)
    if (name == one.name)
      return &one;
  return nullptr;
}

const named_command &require_command(const std::string &name) {
  if (const named_command *found = find_command(name))
    return *found;
  std::vector<std::string> known;
  for (const named_command &one : commands)
    known.push_back(one.name);
  throw failure(exit_usage, "error: unknown command " + quoted(name) + did_you_mean(name, known));
}

/* The option of a name among those of a command; an error says what it is near to, or where it belongs. */
const option &require_option(const std::string &name, const named_command &of) {
  std::vector<std::string> known;
  for (const option &one : table) {
    const bool here = (one.commands & of.mask) != 0;
    if (name == one.name && here)
      return one;
    if (name == one.name)
      throw failure(exit_usage, "error: " + name + " is not an option of " + of.name);
    if (here)
      known.push_back(one.name);
  }
  throw failure(exit_usage, "error: unknown option " + quoted(name) + did_you_mean(name, known));
}

bool asks_for_help(const std::string &word) { return word == "--help" || word == "-h"; }

void require_training(const hornfels_model &model, const std::string &to_do) {
  if (!model.training)
    throw failure(exit_usage, std::string("error: ") + model.name + " (" + model.source +
                                  ") has no `train` block, so it cannot " + to_do);
}

bool ends_in(const std::string &text, const std::string &end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/* Of --data, --text and --output. */
void require_of_predict(const options &o, bool has_data) {
  const auto wrong_together = [](const char *text) { throw failure(exit_usage, std::string("error: ") + text); };
  if (o.has_text && has_data)
    wrong_together("--text and --data exclude each other");
  if (o.has_text && o.word_index.empty())
    wrong_together("--text goes with --word-index FILE");
  if (!o.has_text && !o.word_index.empty())
    wrong_together("--word-index goes with --text TEXT");
  if (o.has_text && (o.reading.maxlen > 0 || o.reading.test_split >= 0))
    wrong_together("--text is one row: --maxlen and --test-split choose among rows");
  if (!o.has_text && o.output.empty())
    wrong_together("predict needs --output FILE");
  if (!o.classes.empty() && !ends_in(o.output, ".txt") && !(o.has_text && o.output.empty()))
    wrong_together("--classes names the classes of text: --output FILE.txt");
}

void require_given(const options &o, const named_command &of) {
  const auto need = [&](const std::string &value, const char *option) {
    if (value.empty())
      throw failure(exit_usage, std::string("error: ") + of.name + " needs " + option + " FILE");
  };
  const bool has_data = !o.data.empty() || !o.reading.inputs.empty();
  if (!o.data.empty() && !o.reading.inputs.empty())
    throw failure(exit_usage, "error: --data and --input exclude each other");
  if (!o.test_data.empty() && o.reading.test_split > 0)
    throw failure(exit_usage, "error: --test-data and --test-split exclude each other");
  if (of.what == command::bench) {
    if (o.validation > 0 && !has_data)
      throw failure(exit_usage, "error: --validation holds out rows of --data FILE");
    return;
  }
  if (of.what == command::selftest)
    return;
  if (!has_data && !o.has_text && of.what != command::generate)
    need(o.data, "--data");
  if (of.what != command::train && !model_handle::has_embedded())
    need(o.weights, "--weights");
  if (of.what == command::predict)
    require_of_predict(o, has_data);
  if (o.validation > 0 && o.validation_split > 0)
    throw failure(exit_usage, "error: --validation and --validation-split exclude each other");
  if (!o.validation_data.empty() && (o.validation > 0 || o.validation_split > 0))
    throw failure(exit_usage, std::string("error: --validation-data and ") +
                                  (o.validation > 0 ? "--validation" : "--validation-split") + " exclude each other");
  const std::pair<const char *, bool> not_with_folds[] = {
      {"--validation", o.validation > 0},        {"--validation-split", o.validation_split > 0},
      {"--validation-data", !o.validation_data.empty()},
      {"--model-checkpoint", o.model_checkpoint.given},
      {"--csv-log", !o.csv_log.empty()},         {"--tensorboard", !o.tensorboard.empty()},         {"--checkpoint", !o.checkpoint.empty()},
      {"--initial-epoch", o.initial_epoch > 0}};
  for (const auto &one : not_with_folds)
    if (o.kfold > 0 && one.second)
      throw failure(exit_usage, std::string("error: --kfold and ") + one.first +
                                    " exclude each other: each fold is held out once and has a model of its own");
  if (o.kfold > 0 && !o.weights.empty() && o.weights.find("{fold}") == std::string::npos)
    throw failure(exit_usage, "error: --weights: with --kfold each fold has a file of its own: " + quoted(o.weights) +
                                  " must say where the fold's number goes, as w-{fold}.npz");
  if (o.schedule.kind != rate_schedule::none && o.plateau.given)
    throw failure(exit_usage, "error: --learning-rate-schedule and --reduce-lr-on-plateau exclude each other");
  const auto require_with = [&](bool given, const char *option, const std::string &with, const char *what) {
    if (given && with.empty())
      throw failure(exit_usage, std::string("error: ") + option + " goes with " + what);
  };
  require_with(o.csv_append, "--csv-append", o.csv_log, "--csv-log FILE");
  require_with(o.checkpoint_every > 0, "--checkpoint-every", o.checkpoint, "--checkpoint DIR");
  require_with(o.with_optimizer, "--with-optimizer", o.weights, "--weights FILE");
  require_with(o.plot_smooth > 0, "--plot-smooth", o.plot, "--plot FILE");
  require_with(o.resume, "--resume", o.checkpoint, "--checkpoint DIR");
}

/* The schedule of the `train` block, where no option gives a rate or another schedule. */
void take_schedule(const hornfels_model &model, options &o) {
  const char *const schedule = model.training ? model.training->learning_rate_schedule : nullptr;
  if (!schedule || o.learning_rate > 0 || o.schedule.kind != rate_schedule::none)
    return;
  if (o.plateau.given)
    throw failure(exit_usage, std::string("error: --reduce-lr-on-plateau: the model has a learning rate schedule, ") +
                                  schedule + "; --learning-rate R takes its place");
  o.schedule = parse_schedule("the learning rate schedule of the model", schedule);
}

} // namespace

options parse_options(const hornfels_model &model, const std::vector<std::string> &arguments) {
  options result;
  if (arguments.empty())
    throw failure(exit_usage, help_text(model, ""));
  const std::string &first = arguments[0];
  if (first == "--version") {
    if (arguments.size() > 1)
      throw failure(exit_usage, "error: --version takes nothing after it");
    result.what = command::version;
    return result;
  }
  if (asks_for_help(first))
    return result;
  if (first.size() > 1 && first[0] == '-')
    throw failure(exit_usage,
                  "error: " + quoted(first) + " before a command; expected train, evaluate, predict, generate, bench or selftest");
  const named_command &chosen = require_command(first);
  result.what = chosen.what;
  if (chosen.what == command::help) {
    if (arguments.size() > 2)
      throw failure(exit_usage, "error: help takes the name of one command");
    if (arguments.size() == 2)
      result.topic = require_command(arguments[1]).name;
    return result;
  }
  if (chosen.mask & (for_train | for_evaluate))
    require_training(model, chosen.name);
  std::set<std::string> seen;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string &word = arguments[i];
    if (asks_for_help(word)) {
      result.what = command::help;
      result.topic = chosen.name;
      return result;
    }
    if (word.size() < 2 || word[0] != '-')
      throw failure(exit_usage, "error: unexpected argument " + quoted(word));
    const size_t equals = word.find('=');
    given g{word.substr(0, equals), ""};
    const option &one = require_option(g.option == "-o" ? "--output" : g.option, chosen);
    if (!seen.insert(one.name).second && one.name != std::string("--input"))
      throw failure(exit_usage, "error: " + g.option + " is given twice");
    if (!one.value && equals != std::string::npos)
      throw failure(exit_usage, "error: " + g.option + " takes no value");
    if (one.value && equals != std::string::npos)
      g.value = word.substr(equals + 1);
    else if (one.value) {
      /* A value may begin with one dash (a negative number, to be refused by name; a file): not with two. */
      if (i + 1 == arguments.size() || arguments[i + 1].compare(0, 2, "--") == 0)
        throw failure(exit_usage, "error: " + g.option + " needs a value: " + one.value);
      g.value = arguments[++i];
    }
    one.set(result, g);
  }
  if (chosen.what == command::train)
    take_schedule(model, result);
  require_given(result, chosen);
  if (!result.test_data.empty())
    result.reading.test_split = 0;
  if (result.step == "train" || result.step == "evaluate")
    require_training(model, result.step);
  return result;
}

namespace {

/* Name and value, then what it does: lines of 80 columns, the text from column 27 on. */
std::string option_help(const option &one) {
  constexpr size_t indent = 27, width = 80;
  std::string text = std::string("  ") + one.name + (one.value ? std::string(" ") + one.value : "") +
                     (std::string(one.name) == "--output" ? ", -o" : "");
  text = text.size() < indent ? text + std::string(indent - text.size(), ' ') : text + "\n" + std::string(indent, ' ');
  size_t column = indent;
  const std::string help = one.help;
  for (size_t at = 0; at < help.size();) {
    const size_t end = std::min(help.find(' ', at), help.size());
    if (column > indent && column + 1 + end - at > width) {
      text += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      text += ' ';
      ++column;
    }
    text.append(help, at, end - at);
    column += end - at;
    at = end + 1;
  }
  return text + "\n";
}

} // namespace

std::string help_text(const hornfels_model &model, const std::string &topic) {
  const named_command *of = topic.empty() ? nullptr : find_command(topic);
  std::string text = std::string(model.name) + ", a model compiled from " + model.source + "\n\n";
  if (!of || of->mask == 0) {
    text += "commands\n";
    for (const named_command &one : commands)
      text += format("  %-10s %s\n", one.name, one.help);
    return text + "\n" + model.name + " help COMMAND lists its options; --version tells what was built\n";
  }
  text += std::string(model.name) + " " + of->name + ": " + of->help + "\n";
  for (const option &one : table)
    if (one.commands & of->mask)
      text += option_help(one);
  if (model.training && of->what == command::train)
    text += format("\nWithout options: %lld epochs, batches of %lld, learning rate %g.\n",
                   static_cast<long long>(model.training->epochs),
                   static_cast<long long>(model.training->batch_size), model.training->learning_rate);
  return text;
}

} // namespace hornfels
