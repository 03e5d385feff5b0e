/* Text from a model of characters: each next one is drawn from the prediction for those before it. */
#include <algorithm>
#include <cstring>

#include "draw.h"
#include "runtime/core/text.h"
#include "runtime/program/commands.h"
#include "runtime/program/data/text_windows.h"
#include "runtime/program/signals.h"
#include "runtime/program/training/shuffle.h"

namespace hornfels {

namespace {

/* The last characters of a text, as the model takes them. */
class window {
public:
  window(const hornfels_tensor &input, int64_t characters)
      : type(input.type), size(characters), ids(static_cast<size_t>(size) * type_bytes(type)) {
    std::memset(ids.as<char>(), 0, ids.bytes());
  }
  /* Adds a character; the oldest one goes where there is no place. */
  void push(uint8_t character) {
    if (filled == size) {
      std::memmove(ids.as<char>(), ids.as<char>() + type_bytes(type), ids.bytes() - type_bytes(type));
      --filled;
    }
    if (type == HORNFELS_I64)
      ids.as<int64_t>()[filled++] = character;
    else if (type == HORNFELS_I32)
      ids.as<int32_t>()[filled++] = character;
    else
      ids.as<uint8_t>()[filled++] = character;
  }
  int64_t length() const { return filled; }
  hornfels_array array() const { return {ids.as<void>(), nullptr, size}; }

private:
  int32_t type;
  int64_t size, filled = 0;
  buffer ids;
};

class generator {
public:
  generator(const hornfels_model &model, const options &chosen);
  /* The next character; it goes into the window. */
  uint8_t next();

private:
  void require_output_of_characters() const;
  void begin(const std::string &seed_text);
  /* The prediction for the last character of the window. */
  const double *predict();

  const options &chosen;
  const hornfels_tensor &output;
  const text_shape shape;
  const int64_t classes;
  model_handle handle;
  window past;
  buffer predicted;           /* of the window */
  std::vector<double> values; /* of the last character */
  splitmix random;
};

/* The seed is mixed once, as that of the order of rows is: near ones have nothing in common. */
generator::generator(const hornfels_model &model, const options &o)
    : chosen(o), output(model.output_info[0]), shape(shape_of_text(model, "", false)),
      classes(output.rank > 0 ? output.shape[output.rank - 1] : 0), handle(model, 1, o.threads),
      past(model.input_info[0], shape.window), random(splitmix::mix(o.seed)) {
  require_output_of_characters();
  predicted =
      buffer(static_cast<size_t>(classes * (shape.every_place ? shape.window : 1)) * type_bytes(output.type));
  values.resize(static_cast<size_t>(classes));
  begin(o.seed_text);
  handle.initialize(0);
  handle.load(o.weights);
}

void generator::require_output_of_characters() const {
  const bool real = output.type == HORNFELS_F32 || output.type == HORNFELS_F64;
  if (handle.table().outputs == 1 && real && output.rank == (shape.every_place ? 2 : 1) && classes <= 256)
    return;
  throw failure(exit_input, std::string(output.position ? output.position : "?") + ": error: " + output.name +
                                " is " + tensor_text(output) +
                                format(", expected a number for each of at most 256 characters, of the "
                                       "window or of each of its %lld places, and no other output",
                                       static_cast<long long>(shape.window)));
}

void generator::begin(const std::string &seed_text) {
  for (size_t i = 0; i < seed_text.size(); ++i) {
    const uint8_t c = static_cast<uint8_t>(seed_text[i]);
    if (c >= shape.vocabulary)
      throw failure(
          exit_usage,
          format(
              "error: --seed-text: byte 0x%02X, number %zu, is outside the vocabulary, which is %lld: see %s",
              c, i + 1, static_cast<long long>(shape.vocabulary), shape.limited_by));
    past.push(c);
  }
  /* Of a window that is not full only predictions for each place can be used. */
  if (!shape.every_place && past.length() < shape.window)
    throw failure(
        exit_usage,
        format("error: --seed-text has %zu characters, this model needs %lld to predict the next one",
               seed_text.size(), static_cast<long long>(shape.window)));
}

const double *generator::predict() {
  const hornfels_array input = past.array();
  const hornfels_result result{predicted.as<void>(),
                               static_cast<int64_t>(predicted.bytes() / type_bytes(output.type))};
  handle.predict(&input, &result, 1);
  /* What a place sees lies before it, or it would have been trained on what it is to predict: what stands
   * behind the last character does not matter. */
  const int64_t first = shape.every_place ? (past.length() - 1) * classes : 0;
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = output.type == HORNFELS_F64
                    ? predicted.as<double>()[static_cast<size_t>(first) + i]
                    : static_cast<double>(predicted.as<float>()[static_cast<size_t>(first) + i]);
  return values.data();
}

uint8_t generator::next() {
  const double *const p = predict();
  const double uniform = static_cast<double>(random.next() >> 11) * 0x1p-53;
  const int64_t drawn = draw_class(p, classes, !are_probabilities(p, classes), chosen.temperature, uniform);
  if (drawn < 0)
    throw failure(exit_input, (chosen.weights.empty() ? std::string("the weights in the program")
                                                      : quoted(chosen.weights)) +
                                  ": error: " + output.name + " is not a number");
  past.push(static_cast<uint8_t>(drawn));
  return static_cast<uint8_t>(drawn);
}

/* Bytes that would command a terminal are not shown there. */
std::string shown(const std::string &text, bool terminal) {
  std::string result = text;
  for (char &c : result)
    if (const unsigned char byte = static_cast<unsigned char>(c);
        terminal && ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f))
      c = '?';
  return result;
}

} // namespace

exit_code generate(const hornfels_model &model, const options &chosen) {
  generator text(model, chosen);
  const bool terminal = describe_display().terminal;
  watch_signals();
  std::string made = chosen.seed_text;
  for (int64_t i = 0; i < chosen.length && !signal_received() && !output_broken(); ++i) {
    made += static_cast<char>(text.next());
    print(shown(made, terminal));
    made.clear();
  }
  print("\n");
  require_output();
  return signal_received() ? exit_code_of_signal(signal_received()) : exit_done;
}

} // namespace hornfels
