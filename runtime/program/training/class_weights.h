/* Weights of samples and of classes in the loss, as Keras has them. */
#ifndef HORNFELS_PROGRAM_CLASS_WEIGHTS_H
#define HORNFELS_PROGRAM_CLASS_WEIGHTS_H

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runtime/program/data/dataset.h"

namespace hornfels {

/* Pairs of a class number and its weight; classes that are not named have the weight 1. */
using class_weights = std::vector<std::pair<int64_t, double>>;

/* "0=1,1=3.5". Throws a failure with exit_usage. */
class_weights parse_class_weights(const std::string &option, const std::string &value);

/* Gives each row, where it trains, the weight of its class: the number, the place of the largest of a one-hot row, or a single
 * value rounded. Throws a failure: exit_usage where the model takes no weights or has several targets,
 * exit_input where the data have weights of samples too or a class number that the model has not. */
void apply_class_weights(const hornfels_model &model, dataset &data, const class_weights &weights,
                         bool has_sample_weights);

/* Throws a failure that names the first row whose weight is negative or not finite. */
void check_sample_weights(const hornfels_model &model, const dataset &data);

} // namespace hornfels

#endif
