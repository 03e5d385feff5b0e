/* The common part of the C ABI of every generated model: what the training program and an embedding program see.
 *
 * A generated model NAME exports one table, `const hornfels_model NAME_model`, and the same functions under their own
 * names (NAME_create, NAME_train_step, ...) in NAME.h. C99 and C++17; needs nothing but <stdint.h>. */
#ifndef HORNFELS_ABI_H
#define HORNFELS_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HORNFELS_ABI_VERSION 1

/* What a function of the ABI returns; the text is in last_error(). */
enum hornfels_status {
  HORNFELS_OK = 0,
  HORNFELS_BAD_ARGUMENT = 1,  /* null pointer, wrong size, batch above the capacity, id out of range */
  HORNFELS_BAD_STATE = 2,     /* neither initialised nor loaded; a second call while one is running */
  HORNFELS_OUT_OF_MEMORY = 3,
  HORNFELS_BAD_FILE = 4,      /* load: not readable, not weights of this model */
  HORNFELS_BAD_DEVICE = 5     /* of models on a device: there is none, it is not one that they run on, it failed */
};

/* Element types of arrays. Tokens are ids with row offsets; their ids have the width that the vocabulary needs. */
enum hornfels_type {
  HORNFELS_F32 = 0,
  HORNFELS_F64 = 1,
  HORNFELS_I32 = 2,
  HORNFELS_I64 = 3,
  HORNFELS_U8 = 4,
  HORNFELS_BOOL = 5,
  HORNFELS_TOKENS16 = 6, /* uint16_t ids, vocabulary up to 65,536 */
  HORNFELS_TOKENS32 = 7  /* int32_t ids */
};

/* How rows of tokens must be given to a step. */
enum hornfels_token_rows {
  HORNFELS_ROWS_AS_IS = 0,
  HORNFELS_ROWS_SORTED = 1, /* ids ascending, repeats kept */
  HORNFELS_ROWS_SETS = 2    /* ids strictly ascending: each id once */
};

/* What a variable is. */
enum hornfels_role {
  HORNFELS_WEIGHT = 0,    /* trainable; saved with the weights */
  HORNFELS_STATE = 1,     /* not trainable (moving averages); saved with the weights */
  HORNFELS_SLOT = 2,      /* the optimizer's */
  HORNFELS_METRIC = 3     /* a running metric; cleared by reset_metrics */
};

/* An input, output, target or variable: its type and its shape without the batch axis. */
typedef struct hornfels_tensor {
  const char *name;           /* "review", "dense/kernel" */
  int32_t type;               /* hornfels_type */
  int32_t role;               /* hornfels_role, of variables */
  int32_t rank;               /* number of axes, the batch not counted */
  int32_t token_rows;         /* hornfels_token_rows, of token inputs */
  const int64_t *shape;       /* [rank] */
  int64_t limit;              /* ids and class numbers must be in [0, limit); 0: no limit */
  int32_t accepts_classes;    /* 1: a target that also takes class numbers and makes them one-hot */
  const char *position;       /* where it is declared: "models/imdb.horn:2:12" */
  const char *limit_position; /* where the limit comes from: the layer that gives the number of classes */
} hornfels_tensor;

/* Data of a batch. Dense: `data` holds batch x shape elements, `size` says how many there are. Tokens: `data` holds
 * the ids, `size` their number, and row i is data[offsets[i] : offsets[i + 1]] with offsets[0] = 0. Addresses are
 * multiples of the element size. Ids and classes out of range, probabilities of classes that do not sum to 1 and
 * weights of samples below 0 are refused: the step changes nothing, the text has the row. */
typedef struct hornfels_array {
  const void *data;
  const int64_t *offsets;
  int64_t size;
} hornfels_array;

/* Where predict writes: batch x shape elements; `size` says how many fit. Apart from all inputs and results. */
typedef struct hornfels_result {
  void *data;
  int64_t size;
} hornfels_result;

/* Runs task(context, chunk) for chunk = 0 .. chunks-1, in any order and on any threads, and returns when all are
 * done. The chunks are independent of each other and of the number of threads, so results never depend on it. */
typedef struct hornfels_pool {
  void (*run)(void *pool, int64_t chunks, void (*task)(void *context, int64_t chunk), void *context);
  void *pool;
} hornfels_pool;

/* What the `train` block says; command-line options win over it. */
typedef struct hornfels_training {
  int64_t epochs;
  int64_t batch_size;
  double learning_rate;                  /* the first one */
  const char *learning_rate_schedule;    /* "exponential_decay,decay_steps=1000,decay_rate=0.96"; null: none */
} hornfels_training;

/* How the elements of a data set are kept; in a batch they are always of the tensor's own type. */
enum hornfels_form {
  HORNFELS_PLAIN = 0,   /* of the tensor's type; tokens: ids with offsets */
  HORNFELS_BYTES = 1,   /* uint8_t, one for each element: small integers as they are */
  HORNFELS_CLASSES = 2, /* int32_t class numbers of a target that accepts them: the last axis becomes one-hot */
  HORNFELS_WINDOWS = 3  /* uint8_t: row i begins at data[i * stride], rows may overlap */
};

/* All rows of an input or target. `array` is as in a step of so many rows, but for the type of its elements, which
 * `form` says; `size` counts what is there. */
typedef struct hornfels_rows {
  hornfels_array array;
  int32_t form;         /* hornfels_form */
  int64_t stride;       /* of windows */
  const void *training; /* null, or what train_rows takes in place of array.data (not of tokens): other weights of samples */
} hornfels_rows;

#define HORNFELS_DATA_SETS 4      /* of a handle on a device, by number from 0 */
#define HORNFELS_RECENT_STEPS 256 /* of training, whose metrics a device keeps */

/* What only a model on a device has: there it is dear to ask after every step, and to send every batch. */
typedef struct hornfels_device {
  /* What get_metrics would have given after each of the last `steps` steps of training, the oldest first:
   * values[steps][metrics]. Up to HORNFELS_RECENT_STEPS, and only steps of this handle. */
  int32_t (*get_recent_metrics)(const void *handle, int64_t steps, double *values);
  /* Copies data set `set` to the device, in the place of the one that was there: inputs, then targets. Values are checked
   * here as a step checks them. Where four fifths of the free memory are not enough the status is HORNFELS_OUT_OF_MEMORY,
   * no data set has this number, and steps with arrays of their own go on. No rows: the data set is forgotten. */
  int32_t (*bind_data)(void *handle, int32_t set, const hornfels_rows *data, int64_t rows);
  /* In which order train_rows takes the rows: numbers of rows, each at most once, which are copied. Null: from the first to
   * the last, as after bind_data. */
  int32_t (*set_order)(void *handle, int32_t set, const uint32_t *order, int64_t count);
  /* A step for each `batch` rows of rows first, first + 1, ..., first + rows - 1 of the order; the last one has what is left.
   * `batch` is at most the capacity. */
  int32_t (*train_rows)(void *handle, int32_t set, int64_t first, int64_t rows, int64_t batch);
  /* The same of the data set as it is, whatever the order: evaluate_step. */
  int32_t (*evaluate_rows)(void *handle, int32_t set, int64_t first, int64_t rows, int64_t batch);
} hornfels_device;

/* A generated model. Arrays are given in the order of input_info, then (train, evaluate) target_info. A handle is
 * used by one thread at a time (a second call, from another thread or from inside, is refused); different handles are
 * independent. One that is null or was destroyed is a bad argument. No function allocates but create, and on a device
 * bind_data; they refuse what they cannot have. */
typedef struct hornfels_model {
  int32_t abi;
  const char *name;
  const char *source; /* "models/imdb.horn:2:1" */
  const char *hash;   /* of the model's structure: names, types and shapes of all variables */
  int32_t inputs, outputs, targets, variables, metrics;
  const hornfels_tensor *input_info;
  const hornfels_tensor *output_info;
  const hornfels_tensor *target_info; /* last, where a model takes it: `sample_weight`, each sample's in the loss */
  const hornfels_tensor *variable_info;
  const char *const *metric_names;     /* "loss" first */
  const hornfels_training *training;   /* null: no `train` block, no train_step and no evaluate_step */

  /* A handle for batches of up to `capacity` samples. */
  int32_t (*create)(void **handle, int64_t capacity);
  /* Nothing happens to a handle that is null, was destroyed, or has a call running. */
  void (*destroy)(void *handle);
  /* The pool for the steps that follow; null: the calling thread alone. */
  int32_t (*set_pool)(void *handle, const hornfels_pool *pool);
  /* First values of every variable; step 0. */
  int32_t (*initialize)(void *handle, uint64_t seed);
  int32_t (*train_step)(void *handle, const hornfels_array *data, int64_t batch);
  int32_t (*evaluate_step)(void *handle, const hornfels_array *data, int64_t batch);
  int32_t (*predict)(void *handle, const hornfels_array *inputs, const hornfels_result *outputs, int64_t batch);
  int32_t (*reset_metrics)(void *handle);
  int32_t (*get_metrics)(const void *handle, double *values); /* [metrics], the values so far */
  /* Variables by index into variable_info, in plain row-major order; size in elements. */
  int32_t (*get_variable)(const void *handle, int32_t index, void *data, int64_t size);
  int32_t (*set_variable)(void *handle, int32_t index, const void *data, int64_t size);
  int32_t (*set_learning_rate)(void *handle, double rate);
  double (*get_learning_rate)(const void *handle);
  int32_t (*set_seed)(void *handle, uint64_t seed); /* of dropout and its like */
  uint64_t (*get_seed)(const void *handle);
  int32_t (*set_step)(void *handle, int64_t step); /* optimizer steps done */
  int64_t (*get_step)(const void *handle);
  /* Of the last call on this handle; "" if it was right. Of null: why this thread's last create made no handle. */
  const char *(*last_error)(const void *handle);
  int64_t (*arena_bytes)(const void *handle);
#ifdef __cplusplus
  const hornfels_device *device = nullptr; /* null: memory and steps are this process's */
#else
  const hornfels_device *device;
#endif
} hornfels_model;

#ifdef __cplusplus
}
#endif

#endif
