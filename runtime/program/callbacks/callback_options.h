/* What the options of the callbacks say: "val_loss,patience=3,restore_best_weights". Defaults are Keras's. */
#ifndef HORNFELS_PROGRAM_CALLBACK_OPTIONS_H
#define HORNFELS_PROGRAM_CALLBACK_OPTIONS_H

#include <cstdint>
#include <string>

namespace hornfels {

enum class monitor_mode { automatic, min, max };

/* What is watched, and which way it should go. */
struct monitor_options {
  bool given = false;
  std::string monitor = "val_loss";
  monitor_mode mode = monitor_mode::automatic;
  double min_delta = 0.0;
  bool verbose = true; /* messages; --verbose 0 silences them too */
};

struct early_stopping_options : monitor_options {
  int64_t patience = 0, start_from_epoch = 0;
  bool has_baseline = false, restore_best_weights = false;
  double baseline = 0.0;
};

struct plateau_options : monitor_options {
  plateau_options() { min_delta = 1e-4; }
  double factor = 0.1, min_lr = 0.0;
  int64_t patience = 10, cooldown = 0;
};

struct model_checkpoint_options : monitor_options {
  std::string path; /* with {epoch:02d}, {val_loss:.4f} and their like */
  bool save_best_only = false, has_threshold = false;
  double initial_value_threshold = 0.0;
  int64_t save_freq = 0; /* steps; 0: at the end of each epoch */
};

/* Each reads the value of its option; `option` is its name, for messages. Throws a failure with exit_usage
 * that names the key, its value and what is allowed. */
early_stopping_options parse_early_stopping(const std::string &option, const std::string &value);
plateau_options parse_plateau(const std::string &option, const std::string &value);
model_checkpoint_options parse_model_checkpoint(const std::string &option, const std::string &value);

} // namespace hornfels

#endif
