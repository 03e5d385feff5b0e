// What the interpreter says when something is wrong, and where.
#include "frontend/horn/Interpreter.h"

#include <algorithm>
#include <fmt/format.h>

namespace hornfels::frontend {

SourceRange Interpreter::userPlace(SourceRange range) const {
  if (range.isValid() && !diagnostics.sources().isLibrary(range.file))
    return range;
  for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame)
    if ((*frame)->callSite.isValid() && !diagnostics.sources().isLibrary((*frame)->callSite.file))
      return (*frame)->callSite;
  return range;
}

Diagnostic &Interpreter::error(SourceRange range, const std::string &text) {
  const SourceManager &sources = diagnostics.sources();
  bool inLibrary = range.isValid() && sources.isLibrary(range.file);
  size_t user = frames.size(); // the innermost frame that was called from the user's text
  if (inLibrary)
    while (user > 0 &&
           (!frames[user - 1]->callSite.isValid() || sources.isLibrary(frames[user - 1]->callSite.file)))
      --user;
  if (inLibrary && user == 0)
    return diagnostics.error(range, text);
  if (inLibrary) {
    const Frame &called = *frames[user - 1];
    Diagnostic &reported = diagnostics.error(called.callSite, called.definition->name.text + ": " + text);
    return reported;
  }
  Diagnostic &reported = diagnostics.error(range, text);
  // Inside a layer or function of the user's: who called it. A call that the place lies in says nothing new.
  auto encloses = [&](SourceRange call) {
    return call.file == range.file && call.begin <= range.begin && call.end >= range.end;
  };
  int notes = 0;
  for (size_t i = frames.size(); i-- > 0 && notes < 3;) {
    const Frame &called = *frames[i];
    if (!called.callSite.isValid() || called.definition->kind == DefinitionKind::Model ||
        sources.isLibrary(called.callSite.file) || encloses(called.callSite))
      continue;
    reported.note(called.callSite, fmt::format("in {}, called from here", called.definition->name.text));
    ++notes;
  }
  return reported;
}

void Interpreter::noteTensor(Diagnostic &diagnostic, const TensorInfo &tensor) {
  if (!tensor.place.isValid() || diagnostics.sources().isLibrary(tensor.place.file))
    return;
  diagnostic.note(tensor.place, show(tensor) + " is made here");
}

void Interpreter::noteShapes(Diagnostic &diagnostic, const TensorInfo &a, const TensorInfo &b) {
  noteTensor(diagnostic, a);
  if (&a != &b && !(a.place == b.place))
    noteTensor(diagnostic, b);
  // The sizes that disagree, counted from the last axis as in broadcasting, with the text that gave each.
  for (size_t back = 1; back <= std::min(a.shape.size(), b.shape.size()); ++back) {
    size_t i = a.shape.size() - back, j = b.shape.size() - back;
    if (a.shape[i] == b.shape[j] || a.shape[i] == batchSize || b.shape[j] == batchSize)
      continue;
    auto cite = [&](const TensorInfo &t, size_t axis) {
      if (axis < t.axisPlaces.size() && t.axisPlaces[axis].isValid() &&
          !diagnostics.sources().isLibrary(t.axisPlaces[axis].file))
        diagnostic.note(t.axisPlaces[axis], fmt::format("{} is given by `{}`", t.shape[axis],
                                                        diagnostics.sources().text(t.axisPlaces[axis])));
    };
    cite(a, i);
    cite(b, j);
  }
}

void Interpreter::stepLimit(SourceRange range) {
  error(range, fmt::format("limit of {} elaboration steps reached", "1,000,000"));
  throw Stopped{true};
}

void Interpreter::countStep(SourceRange range) {
  if (++steps > maximumSteps)
    stepLimit(range);
}

/// Names the cycle, when there is one: `a → b → a`, each with its place.
void Interpreter::reportRecursion(SourceRange range) {
  // The innermost call whose definition is running already, further out.
  size_t last = frames.size() - 1, first = 0;
  for (size_t inner = frames.size(); inner-- > 1 && first == 0;)
    for (size_t outer = inner; outer-- > 0 && first == 0;)
      if (frames[outer]->definition == frames[inner]->definition) {
        first = outer + 1;
        last = inner;
      }
  std::string text = fmt::format("limit of {} nested calls reached", maximumDepth);
  if (first > 0) {
    std::string cycle;
    for (size_t i = first - 1; i <= last; ++i)
      cycle += (i == first - 1 ? "" : " → ") + frames[i]->definition->name.text;
    text =
        fmt::format("{} calls itself without end: {} ({})", frames[last]->definition->name.text, cycle, text);
  }
  Diagnostic &reported = diagnostics.error(userPlace(range), text);
  for (size_t i = first; first > 0 && i <= last && i < first + 8; ++i)
    reported.note(frames[i]->callSite, fmt::format("{} calls {} here", frames[i - 1]->definition->name.text,
                                                   frames[i]->definition->name.text));
  throw Stopped{};
}

} // namespace hornfels::frontend
