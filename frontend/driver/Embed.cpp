#include "frontend/driver/Embed.h"

#include "frontend/driver/Console.h"
#include "frontend/horn/Source.h"
#include "runtime/core/text.h"
#include "runtime/core/weights_file.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace hornfels::driver {

using frontend::printable;

namespace {

constexpr size_t kAlignment = 64;
constexpr uint64_t kMostBytes = uint64_t(1) << 31;

void require(bool success, const file_error &error) {
  if (!success)
    throw Failure{error.kind == file_error::system ? SystemFailed : WrongInput, error.text};
}

std::string shapeOf(const EmbeddedVariable &variable) {
  return fmt::format("{}{}{}", variable.kind == 'b' ? "bool" : std::string(1, variable.kind),
                     variable.kind == 'b' ? "" : std::to_string(8 * variable.width),
                     shape_text(variable.shape.data(), variable.shape.size()));
}

/// The elements of one variable, as the program wants them.
std::string elementsOf(const weights_reader &file, const std::string &path, const EmbeddedVariable &variable) {
  file_error error;
  npy_header header;
  bool found = false;
  require(file.describe(variable.name, header, found, error), error);
  if (!found)
    throw Failure{WrongInput, fmt::format("{}: no array {}, {}", printable(path), printable(variable.name), shapeOf(variable))};
  bool widens = variable.kind == 'f' && variable.width == 8 && header.kind == 'f' && header.width == 4;
  if (header.kind != variable.kind || (header.width != variable.width && !widens) ||
      !std::equal(header.shape, header.shape + header.rank, variable.shape.begin(), variable.shape.end()))
    throw Failure{WrongInput, fmt::format("{}: {} is {}, this model needs {}", printable(path), printable(variable.name),
                                          header.text(), shapeOf(variable))};
  if (header.data_bytes > kMostBytes)
    throw Failure{WrongInput, fmt::format("{}: {} has more than 2 GiB", printable(path), printable(variable.name))};
  std::string bytes(static_cast<size_t>(header.elements) * header.width, '\0');
  require(file.read(variable.name, bytes.data(), error), error);
  if (!widens)
    return bytes;
  std::string wide(static_cast<size_t>(header.elements) * sizeof(double), '\0');
  for (size_t i = 0; i < static_cast<size_t>(header.elements); ++i) {
    float narrow;
    std::memcpy(&narrow, bytes.data() + i * sizeof narrow, sizeof narrow);
    double value = narrow;
    std::memcpy(wide.data() + i * sizeof value, &value, sizeof value);
  }
  return wide;
}

} // namespace

std::string embeddedWeights(const std::string &path, const std::vector<EmbeddedVariable> &variables) {
  file_error error;
  std::unique_ptr<weights_reader> file = open_weights(path, error);
  require(file != nullptr, error);
  for (const std::string &name : file->names())
    if (name.compare(0, 1, "@") != 0 && std::none_of(variables.begin(), variables.end(), [&](const EmbeddedVariable &one) {
          return one.name == name;
        }))
      throw Failure{WrongInput, fmt::format("{}: {} is no variable of this model", printable(path), printable(name))};
  std::string all;
  for (const EmbeddedVariable &variable : variables)
    if (variable.isSaved) {
      all += elementsOf(*file, path, variable);
      all.resize((all.size() + kAlignment - 1) / kAlignment * kAlignment);
      if (all.size() > kMostBytes)
        throw Failure{WrongInput, printable(path) + ": more than 2 GiB of weights"};
    }
  require(file->unchanged(error), error);
  return all;
}

EmbeddingFiles embeddingFiles(const std::string &name) {
  EmbeddingFiles files;
  const std::string begin = name + "_weights_begin", end = name + "_weights_end";
  files.header = "/* The weights of --embed-weights, which " + name + "_weights.cpp puts into the program. */\n"
                 "#ifndef HORNFELS_WEIGHTS_OF_" + name + "\n"
                 "#define HORNFELS_WEIGHTS_OF_" + name + "\n\n"
                 "#include \"" + name + ".h\"\n\n"
                 "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
                 "/* As hornfels_weights_from_memory() takes them. */\n"
                 "extern const unsigned char " + begin + "[], " + end + "[];\n\n"
                 "/* Sets every weight and state from them; 0 or a hornfels_status. */\n"
                 "static inline int32_t " + name + "_load_embedded(" + name + " *model) {\n"
                 "  return hornfels_weights_from_memory(&" + name + "_model, model, " + begin + ",\n"
                 "                                      (size_t)(" + end + " - " + begin + "));\n"
                 "}\n\n"
                 "#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
  files.source = "/* The bytes of " + name + "_weights.bin, which lies beside this file. */\n"
                 "__asm__(\".pushsection .rodata\\n\"\n"
                 "        \".balign 64\\n\"\n"
                 "        \".globl " + begin + "\\n\"\n"
                 "        \".globl " + end + "\\n\"\n"
                 "        \"" + begin + ":\\n\"\n"
                 "        \".incbin \\\"" + name + "_weights.bin\\\"\\n\"\n"
                 "        \"" + end + ":\\n\"\n"
                 "        \".popsection\\n\");\n";
  files.main = "\n#include \"" + name + "_weights.h\"\n"
               "#include \"runtime/program/program.h\"\n\n"
               "extern \"C\" const hornfels::embedded_weights hornfels_program_weights;\n"
               "extern \"C\" const hornfels::embedded_weights hornfels_program_weights = {" + begin + ",\n"
               "                                                                        " + end + "};\n";
  files.cmake = "\ntarget_sources(" + name + " PRIVATE " + name + "_weights.cpp)\n";
  return files;
}

} // namespace hornfels::driver
