/* Keras's CSVLogger: a line for each epoch, as Python's csv module writes it. */
#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callbacks.h"
#include "python_text.h"
#include "runtime/core/text.h"

namespace hornfels {

namespace {

/* The file grows line by line, so that it can be followed. Its own lines are kept in memory too: a run that
 * is resumed from a checkpoint puts back those of the epochs before it, whatever was written after. */
class csv_log : public callback {
public:
  csv_log(const std::string &file, bool append) : path(file) {
    descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    struct stat status;
    if (descriptor < 0 || fstat(descriptor, &status) != 0)
      throw problem();
    if (!S_ISREG(status.st_mode))
      throw failure(exit_system, quoted(path) + ": error: is not a regular file");
    if (append)
      start = status.st_size;
  }
  ~csv_log() override {
    if (descriptor >= 0)
      close(descriptor);
  }

  void epoch_end(callback_context &context, int64_t epoch, logs &values) override {
    std::string line;
    if (keys.empty()) {
      choose_keys(values);
      if (start == 0)
        line = header();
    }
    line += std::to_string(epoch);
    for (const std::string &key : keys) {
      const auto found =
          std::find_if(values.begin(), values.end(), [&](const auto &one) { return one.first == key; });
      line += "," + (found == values.end() ? "NA" : python_number(found->second));
    }
    line += "\r\n";
    const off_t at = start + static_cast<off_t>(lines.size());
    lines += line;
    if (!write(at, line))
      context.fail_later(problem());
  }

  void save(saved_state &state) const override {
    state.put_integers("@csv_log/start", {static_cast<int64_t>(start)});
    state.put_text("@csv_log/lines", lines);
    std::string all;
    for (const std::string &key : keys)
      all += key + "\n";
    state.put_text("@csv_log/keys", all);
  }
  void restore(const saved_state &state, int64_t) override {
    if (!state.has("@csv_log/lines"))
      return;
    struct stat status;
    start = static_cast<off_t>(state.integers("@csv_log/start", 1, INT64_MAX)[0]);
    lines = state.text("@csv_log/lines");
    keys.clear();
    const std::string all = state.text("@csv_log/keys");
    for (size_t at = 0, end; (end = all.find('\n', at)) != std::string::npos; at = end + 1)
      keys.push_back(all.substr(at, end - at));
    if (fstat(descriptor, &status) == 0 && start > status.st_size)
      start = status.st_size;
    if (!write(start, lines))
      throw problem();
  }

private:
  failure problem() const { return failure(exit_system, quoted(path) + ": error: " + std::strerror(errno)); }

  void choose_keys(const logs &values) {
    for (const auto &one : values)
      keys.push_back(one.first);
    std::sort(keys.begin(), keys.end());
    const auto held_out = [](const std::string &key) { return key.compare(0, 4, "val_") == 0; };
    if (std::any_of(keys.begin(), keys.end(), held_out))
      return;
    const size_t count = keys.size();
    for (size_t i = 0; i < count; ++i)
      keys.push_back("val_" + keys[i]);
  }

  std::string header() const {
    std::string line = "epoch";
    for (const std::string &key : keys)
      line += "," + key;
    return line + "\r\n";
  }

  /* Ends the file with `text` at `at`. */
  bool write(off_t at, const std::string &text) const {
    if (ftruncate(descriptor, at) != 0)
      return false;
    for (size_t done = 0; done < text.size();) {
      const ssize_t put =
          pwrite(descriptor, text.data() + done, text.size() - done, at + static_cast<off_t>(done));
      if (put < 0 && errno == EINTR)
        continue;
      if (put < 0)
        return false;
      done += static_cast<size_t>(put);
    }
    return true;
  }

  const std::string path;
  int descriptor = -1;
  off_t start = 0;
  std::string lines;
  std::vector<std::string> keys;
};

} // namespace

std::unique_ptr<callback> make_csv_log(const std::string &path, bool append) {
  return std::make_unique<csv_log>(path, append);
}

} // namespace hornfels
