/* Keras's TensorBoard callback, its scalars: epoch_loss and so on under train/ and validation/. */
#include <cerrno>
#include <chrono>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callbacks.h"
#include "event_file.h"
#include "runtime/core/text.h"

namespace hornfels {

namespace {

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/* One event file, made when the first event comes. TensorBoard reads all files of a folder in the order of
 * their names, so that a run which is resumed goes on in one of its own. */
class event_log {
public:
  explicit event_log(const std::string &where) : folder(where) {}
  ~event_log() {
    if (descriptor >= 0)
      close(descriptor);
  }
  event_log(const event_log &) = delete;
  event_log &operator=(const event_log &) = delete;

  void add(int64_t step, const logs &values) {
    if (descriptor < 0)
      create();
    write(scalar_event(wall_time(), step, values));
  }

private:
  [[noreturn]] void fail(const std::string &what) const {
    throw failure(exit_system, quoted(what) + ": error: " + std::strerror(errno));
  }

  void create() {
    const double now = wall_time();
    char host[256] = "localhost";
    gethostname(host, sizeof host - 1);
    for (char *c = host; *c; ++c)
      if (*c == '/')
        *c = '_';
    path = folder + format("/events.out.tfevents.%010lld.%s.%ld.0.v2", static_cast<long long>(now), host,
                           static_cast<long>(getpid()));
    if (mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST)
      fail(folder);
    descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0)
      fail(path);
    write(version_event(now));
  }

  void write(const std::string &event) {
    const std::string record = event_record(event);
    for (size_t done = 0; done < record.size();) {
      const ssize_t put = ::write(descriptor, record.data() + done, record.size() - done);
      if (put < 0 && errno == EINTR)
        continue;
      if (put < 0)
        fail(path);
      done += static_cast<size_t>(put);
    }
  }

  const std::string folder;
  std::string path;
  int descriptor = -1;
};

class tensorboard : public callback {
public:
  explicit tensorboard(const std::string &folder)
      : train(folder + "/train"), validation(folder + "/validation") {
    if (mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST)
      throw failure(exit_system, quoted(folder) + ": error: cannot be made: " + std::strerror(errno));
    struct stat status;
    if (stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
      throw failure(exit_system, quoted(folder) + ": error: is not a directory");
  }

  void epoch_end(callback_context &context, int64_t epoch, logs &values) override {
    logs of_training, of_validation, evaluation;
    for (const auto &one : values) {
      if (one.first.compare(0, 4, "val_") == 0) {
        of_validation.emplace_back("epoch_" + one.first.substr(4), one.second);
        evaluation.emplace_back("evaluation_" + one.first.substr(4) + "_vs_iterations", one.second);
      } else if (one.first != "learning_rate") {
        of_training.emplace_back("epoch_" + one.first, one.second);
      }
    }
    of_training.emplace_back("epoch_learning_rate", context.handle.learning_rate());
    try {
      train.add(epoch, of_training);
      if (of_validation.empty())
        return;
      validation.add(context.handle.step(), evaluation);
      validation.add(epoch, of_validation);
    } catch (const failure &problem) {
      context.fail_later(problem);
    }
  }

private:
  event_log train, validation;
};

} // namespace

std::unique_ptr<callback> make_tensorboard(const std::string &folder) {
  return std::make_unique<tensorboard>(folder);
}

} // namespace hornfels
