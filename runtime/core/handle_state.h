/* What a handle is. Part of handle.cpp, handle_steps.cpp and handle_variables.cpp. */
#ifndef HORNFELS_HANDLE_STATE_H
#define HORNFELS_HANDLE_STATE_H

#include "backend.h"
#include "call_checks.h"
#include "handle.h"
#include "live_handles.h"

#include <atomic>

namespace hornfels {

/* What a handle knows of a data set that its device has. */
struct bound_rows {
  int64_t rows;    /* 0: there is none */
  int64_t ordered; /* rows of its order; `rows` where none was set */
  unsigned char *seen; /* a bit for each row, to check an order with */
};

struct handle {
  const program *code;
  void *device;       /* of the program's backend; then all memory is there, and the next four are null */
  char *memory;       /* everything: variables, first values of the metrics, arena */
  char *metric_start; /* first values of the metrics' variables, one after another */
  char *arena;
  lazy_rows *lazy;
  void **variables;
  double *values;
  int64_t capacity, arena_size;
  int64_t steps_done;
  uint64_t seed;
  double learning_rate;
  hornfels_pool pool;
  bool has_pool;
  int32_t unset; /* weights and states not yet given a value */
  unsigned char *is_set;
  bound_rows sets[HORNFELS_DATA_SETS];
  int64_t steps_trained; /* by this handle, whatever set_step says */
  mutable std::atomic<bool> busy;
  mutable error_text error;
};

/* Null, a number that is no handle's, or one that was destroyed: null. */
inline handle *of(const void *opaque) { return static_cast<handle *>(find_live_handle(opaque)); }

inline bool is_saved(const hornfels_tensor &tensor) {
  return tensor.role == HORNFELS_WEIGHT || tensor.role == HORNFELS_STATE;
}

template <class... Values> int32_t fail(const handle &h, int32_t status, const char *format, Values... values) {
  return h.error.fail(status, format, values...);
}

/* One call at a time: a second one, from another thread or from inside, is refused and changes nothing. */
class call {
public:
  explicit call(const handle *h) : h_(h), entered_(h && !h->busy.exchange(true, std::memory_order_acquire)) {
    if (entered_)
      h->error.text[0] = 0;
  }
  ~call() {
    if (entered_)
      h_->busy.store(false, std::memory_order_release);
  }
  call(const call &) = delete;
  call &operator=(const call &) = delete;
  int32_t status() const { return !h_ ? HORNFELS_BAD_ARGUMENT : entered_ ? HORNFELS_OK : HORNFELS_BAD_STATE; }

private:
  const handle *h_;
  bool entered_;
};

/* Whether the weights have values and a batch fits. */
int32_t check_batch(const handle &h, const void *data, int64_t batch);

/* What is the same in every step of a batch. */
step make_step(const handle &h, int64_t batch);

/* What last_error() shows where create() made no handle; "": nothing. */
const char *why_not_created();

/* Copies the metrics' variables to their first values, or back. Not of a device. */
void save_metric_start(const handle &h, bool restore);

} // namespace hornfels

#endif
