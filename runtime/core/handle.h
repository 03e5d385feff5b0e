/* What is the same in every generated model: its handle, the checks of the ABI, memory, and how a step is run.
 *
 * A generated file gives a `program` and four functions of a `step`; the functions of the ABI (abi.h) are here. No
 * function allocates but create. */
#ifndef HORNFELS_HANDLE_H
#define HORNFELS_HANDLE_H

#include "abi.h"
#include "denormals.h"
#include "lazy_rows.h"

#include <stddef.h>

namespace hornfels {

/* What a generated step function is given. */
struct step {
  void *const *variables;         /* in the order of variable_info */
  const hornfels_array *data;     /* inputs, then targets */
  const hornfels_result *outputs; /* of predict */
  double *values;                 /* of train and evaluate: the metrics, so far */
  char *arena;                    /* fixed part, then the part with a row for each sample */
  int64_t fixed_bytes, capacity;
  int64_t batch;
  double learning_rate;
  int64_t count; /* of this step, from 1 */
  uint64_t seed;
  const hornfels_pool *pool;
  lazy_rows *lazy; /* of each table that may be updated lazily */

  /* The buffer at an offset of the fixed part. */
  template <class T> T *fixed(int64_t offset) const {
    return static_cast<T *>(static_cast<void *>(arena + offset));
  }
  /* The buffer at an offset, in bytes for each sample, of the other part. */
  template <class T> T *rows(int64_t offset) const {
    return static_cast<T *>(static_cast<void *>(arena + fixed_bytes + offset * capacity));
  }
  template <class T> T *variable(int index) const { return static_cast<T *>(variables[index]); }
  template <class T> const T *input(int index) const { return static_cast<const T *>(data[index].data); }
  template <class T> T *output(int index) const { return static_cast<T *>(outputs[index].data); }
};

struct backend;

/* What a generated model is, beyond hornfels_model. Where its steps run on a device the four functions are null here, and
 * the backend (backend.h) has its own. */
struct program {
  const hornfels_model *model;
  int64_t fixed_bytes, bytes_per_sample; /* of the arena */
  void (*initialize)(const step &);
  void (*predict)(const step &);
  void (*evaluate_step)(const step &);
  void (*train_step)(const step &);
  const int32_t *panels = nullptr; /* columns of a panel for each variable, 0: row by row; null: none is packed */
  const lazy_table *lazy = nullptr; /* tables that may be updated lazily */
  int32_t lazy_tables = 0;
  const backend *device = nullptr; /* null: memory and steps are this process's */
};

/* The functions of the ABI for a given program. */
int32_t create(const program &program, void **handle, int64_t capacity);
void destroy(void *handle);
int32_t set_pool(void *handle, const hornfels_pool *pool);
int32_t initialize(void *handle, uint64_t seed);
int32_t train_step(void *handle, const hornfels_array *data, int64_t batch);
int32_t evaluate_step(void *handle, const hornfels_array *data, int64_t batch);
int32_t predict(void *handle, const hornfels_array *inputs, const hornfels_result *outputs, int64_t batch);
int32_t reset_metrics(void *handle);
int32_t get_metrics(const void *handle, double *values);
int32_t get_variable(const void *handle, int32_t index, void *data, int64_t size);
int32_t set_variable(void *handle, int32_t index, const void *data, int64_t size);
int32_t set_learning_rate(void *handle, double rate);
double get_learning_rate(const void *handle);
int32_t set_seed(void *handle, uint64_t seed);
uint64_t get_seed(const void *handle);
int32_t set_step(void *handle, int64_t step);
int64_t get_step(const void *handle);
const char *last_error(const void *handle);
int64_t arena_bytes(const void *handle);

/* The same of models on devices, where `program.device` is not null. */
extern const hornfels_device functions_of_devices;

/* Calls body(begin, end) for rows 0 .. rows: in chunks of `chunk` rows where a pool may share them out, else all at once,
 * which saves what a chunk has to find first (the ids of its rows in every sample). Rows are independent and a chunk is a
 * multiple of the body's tile, so that the same tiles are computed, bit for bit. */
template <class Body> void parallel(const hornfels_pool *pool, int64_t rows, int64_t chunk, const Body &body) {
  struct context {
    const Body &body;
    int64_t rows, chunk;
    static void run(void *self, int64_t index) {
      const flush_denormals mode; /* the pool may be somebody else's, its threads in any mode */
      const context &c = *static_cast<const context *>(self);
      const int64_t begin = index * c.chunk, end = begin + c.chunk;
      c.body(long(begin), long(end < c.rows ? end : c.rows));
    }
  };
  context c{body, rows, chunk};
  const int64_t chunks = (rows + chunk - 1) / chunk;
  if (pool && chunks > 1)
    pool->run(pool->pool, chunks, context::run, &c);
  else
    body(0, long(rows));
}

/* The same, but one block of `block` rows after another also where nobody shares them out: what goes through a loop with
 * a block finds in cache what it left there. Shared out, a small batch makes at least four blocks of whole tiles. */
template <class Body>
void in_blocks(const hornfels_pool *pool, int64_t rows, int64_t block, int64_t tile, const Body &body) {
  if (pool) {
    const int64_t quarter = (rows + 4 * tile - 1) / (4 * tile) * tile;
    return parallel(pool, rows, quarter < block ? quarter : block, body);
  }
  for (int64_t begin = 0; begin < rows; begin += block)
    body(long(begin), long(begin + block < rows ? begin + block : rows));
}

} // namespace hornfels

#endif
