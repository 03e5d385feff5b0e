/* What `train` reads, and what it must not overwrite. */
#ifndef HORNFELS_PROGRAM_TRAIN_DATA_H
#define HORNFELS_PROGRAM_TRAIN_DATA_H

#include "checkpoint.h"
#include "runtime/program/data/dataset.h"
#include "runtime/program/options.h"
#include "split.h"

namespace hornfels {

/* The training arrays and, where there are such, rows of --validation-data and the test arrays. */
struct training_data {
  dataset data, held_out, test;
  row_split split; /* of `data` */
};

/* Tries out every file that is to be written. Throws a failure with exit_system where one is also read, or
 * named twice, or cannot be written. */
void check_outputs(const options &chosen);

/* Reads what the options name; a failure names the array. */
training_data read_training_data(const hornfels_model &model, const options &chosen);

/* The rows of a step, from the options and the `train` block, and a warning where `rows` are fewer. */
int64_t choose_training_batch(const hornfels_model &model, const options &chosen, int64_t rows);

/* What decides the course of a training: model, data, order, rows of a step, seed, first learning rate. */
run_identity identify_run(const hornfels_model &model, const options &chosen, const training_data &data,
                          int64_t batch);

} // namespace hornfels

#endif
