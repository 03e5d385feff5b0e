#include "data_watch.h"

#include <sys/stat.h>

#include "runtime/core/text.h"
#include "runtime/program/data/data_paths.h"
#include "runtime/program/failure.h"

namespace hornfels {

data_state::file data_state::look(const std::string &path) {
  file result{path};
  struct stat status;
  if (stat(path.c_str(), &status) == 0) {
    result.exists = true;
    result.bytes = static_cast<int64_t>(status.st_size);
    result.seconds = static_cast<int64_t>(status.st_mtim.tv_sec);
    result.nanoseconds = static_cast<int64_t>(status.st_mtim.tv_nsec);
  }
  return result;
}

data_state::data_state(const options &chosen) {
  for (const std::string &path : data_paths(chosen))
    files.push_back(look(path));
  if (!chosen.validation_data.empty())
    files.push_back(look(chosen.validation_data));
}

std::string data_state::difference() const {
  for (const file &before : files) {
    const file now = look(before.path);
    const std::string start = quoted(before.path) + ": error: the data ";
    if (before.exists && !now.exists)
      return start + "went away during training";
    if (before.bytes != now.bytes)
      return start + format("changed during training: %lld bytes, %lld now", static_cast<long long>(before.bytes),
                            static_cast<long long>(now.bytes));
    if (before.seconds != now.seconds || before.nanoseconds != now.nanoseconds)
      return start + "changed during training";
  }
  return "";
}

namespace {

class data_watch : public callback {
public:
  explicit data_watch(const data_state &state_at_start) : state(state_at_start) {}
  void epoch_end(callback_context &context, int64_t, logs &) override {
    if (said)
      return;
    const std::string difference = state.difference();
    said = !difference.empty();
    if (said)
      context.fail_later(failure(exit_system, difference));
  }

private:
  const data_state state;
  bool said = false;
};

} // namespace

std::unique_ptr<callback> make_data_watch(const data_state &state) { return std::make_unique<data_watch>(state); }

} // namespace hornfels
