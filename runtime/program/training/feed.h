/* The rows of a data set on their way into a model's steps. */
#ifndef HORNFELS_PROGRAM_FEED_H
#define HORNFELS_PROGRAM_FEED_H

#include <memory>

#include "batches.h"
#include "model_handle.h"

namespace hornfels {

/* Gathers each batch in this process, or, where the model is on a device with room for the whole data set, sends that once
 * and names rows from then on. The same batches either way. The handle and the data must outlive it. */
class feed {
public:
  feed(model_handle &handle, const dataset &data, int64_t batch);
  ~feed();
  feed(const feed &) = delete;
  feed &operator=(const feed &) = delete;

  model_handle &handle() const { return model; }
  const dataset &data() const { return set; }
  int64_t batch() const { return rows_of_step; }
  /* Several steps may be asked for at once. */
  bool is_resident() const { return number >= 0; }

  /* What train() takes its rows from; it must stay until the next order. */
  void set_order(const uint32_t *rows, int64_t count);
  /* A step for each batch of `count` rows of the order, from place `first` on. Not resident: for one batch. */
  void train(int64_t first, int64_t count);
  /* The same of rows first, first + 1, ... of the data set, without weights of classes. */
  void evaluate(int64_t first, int64_t count);

private:
  model_handle &model;
  const dataset &set;
  const int64_t rows_of_step;
  int32_t number = -1; /* on the device */
  std::unique_ptr<batcher> here;
  const uint32_t *order = nullptr;
};

} // namespace hornfels

#endif
