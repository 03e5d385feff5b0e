// Any bytes as Keras's JSON: no crash, no error without a place in the text, and a model that is read prints
// to Horn that parses to the same. The library is a small one of its own: the real one is text that the build
// makes.
#include "frontend/horn/Loader.h"
#include "frontend/horn/Parser.h"
#include "frontend/horn/Printer.h"
#include "frontend/keras/Reader.h"

#include <cstdio>
#include <cstdlib>

using namespace hornfels::frontend;
using namespace hornfels::keras;

static constexpr EmbeddedSource library[] = {{"library/small.horn", R"(
fn linear(x) { return x }
fn relu(x) { return x }
fn random_normal(mean = 0.0, stddev = 0.05)(shape) { return shape }
fn mse(target, prediction) { return target }
fn binary_crossentropy(from_logits = false, label_smoothing = 0.0)(target, prediction) { return target }
fn accuracy(target, prediction) { return target }
layer dense(units: int, activation = linear, use_bias = true, kernel_initializer = zeros)(x) { return x }
layer flatten()(x) { return x }
layer reshape(target_shape: shape)(x) { return x }
layer dropout(rate: float)(x) { return x }
layer activation(activation: function)(x) { return x }
layer wrapped(layer: layer, merge_mode = "concat")(x) { return x }
layer sequential(*layers)(x) { return x }
layer concatenate(axis: int = -1)(xs) { return xs }
optimizer sgd(learning_rate: float = 0.01, momentum: float = 0.0)(w, g, step) { return w }
)"}};

std::span<const EmbeddedSource> hornfels::frontend::librarySources() { return library; }

[[noreturn]] static void fail(const char *what, const std::string &text) {
  std::fprintf(stderr, "%s\n%s\n", what, text.c_str());
  std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  ReadOptions options;
  options.tokens = {"review"};
  options.shapes = {{"x", {3}}};
  FileId file = sources.add("fuzz.json", std::string(reinterpret_cast<const char *>(data), size));
  KerasModel model = readKeras(file, options, sources, diagnostics);
  diagnostics.describePlace = [&](SourceRange range) { return jsonPath(model.root, range.begin); };
  std::string report = diagnostics.render();
  for (const Diagnostic &diagnostic : diagnostics.all())
    if (!diagnostic.range.isValid() || diagnostic.range.end < diagnostic.range.begin ||
        diagnostic.range.end > sources.text(file).size() + 1)
      fail("a diagnostic has no place", report);
  if (model.syntax.definitions.empty() != diagnostics.hasErrors())
    fail("no model and no error, or both", report);
  std::string printed = printHorn(model.syntax);
  SourceManager again;
  Diagnostics about(again);
  SyntaxFile syntax = parseHorn(again.add("fuzz.horn", printed), again, about);
  if (about.hasErrors())
    fail("what was made does not parse", printed + about.render());
  if (printHorn(syntax) != printed)
    fail("what was made parses to another tree", printed);
  return 0;
}
