/* The files that a command line gives as data. */
#ifndef HORNFELS_PROGRAM_DATA_PATHS_H
#define HORNFELS_PROGRAM_DATA_PATHS_H

#include "runtime/program/options.h"

namespace hornfels {

bool has_data(const options &chosen);

/* All but --validation-data. */
std::vector<std::string> data_paths(const options &chosen);

/* Their names, for messages. */
std::string data_names(const options &chosen);

/* Throws when the file that `option` names to be written is one of them. */
void require_not_data(const options &chosen, const std::string &option, const std::string &path);

} // namespace hornfels

#endif
