// What the compiler has to say about the user's text: errors and warnings, each with its place and notes.
#pragma once

#include "frontend/horn/Source.h"

#include <deque>
#include <functional>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace hornfels::frontend {

enum class Severity { Error, Warning };

/// A note belongs to the diagnostic above it. Without a place it is a line of text below the caret.
struct Note {
  SourceRange range;
  std::string text;
};

struct Diagnostic {
  Severity severity = Severity::Error;
  SourceRange range;
  std::string text;
  std::vector<Note> notes;

  /// Adds a note with a place of its own (its line is shown with a caret), or, without one, a hint.
  Diagnostic &note(SourceRange place, std::string noteText);
  Diagnostic &note(std::string noteText);

  /// Adds "did you mean `name`?" unless `name` is empty.
  Diagnostic &didYouMean(std::string_view name);
};

/// Collects diagnostics in the order they are found. One place and text is reported once.
class Diagnostics {
public:
  explicit Diagnostics(const SourceManager &sources) : sourceManager(sources) {}

  /// The reference stays valid, so that notes can be added: `diagnostics.error(r, "...").note("...")`.
  Diagnostic &error(SourceRange range, std::string text) {
    return add(Severity::Error, range, std::move(text));
  }
  Diagnostic &warning(SourceRange range, std::string text) {
    return add(Severity::Warning, range, std::move(text));
  }

  bool hasErrors() const { return errors != 0; }
  unsigned errorCount() const { return errors; }
  unsigned warningCount() const { return warnings; }
  const std::deque<Diagnostic> &all() const { return kept; }

  /// Everything as text, without colour codes, in the order of the files and their text: the first `limit` errors, all warnings before the last of
  /// them, then how many errors more.
  std::string render(unsigned limit = 20) const;

  const SourceManager &sources() const { return sourceManager; }

  /// What else to say of a place, as a note; empty for nothing. Of a model read from JSON: the path to the value.
  std::function<std::string(SourceRange)> describePlace;

private:
  Diagnostic &add(Severity severity, SourceRange range, std::string text);

  const SourceManager &sourceManager;
  std::deque<Diagnostic> kept;
  std::set<std::tuple<Severity, FileId, uint32_t, uint32_t, std::string>> said;
  Diagnostic overflow; // receives the notes of diagnostics that are counted only
  unsigned errors = 0;
  unsigned warnings = 0;
};

/// One diagnostic as text: `file:line:col: error: ...`, the source line, the caret, the notes.
std::string render(const Diagnostic &diagnostic, const SourceManager &sources);

/// The number of insertions, deletions, replacements and swaps of neighbours between two names, or `limit +
/// 1`.
unsigned editDistance(std::string_view a, std::string_view b, unsigned limit);

/// Finds the candidate nearest to a misspelled name: offer each, then ask. Empty when none is near (more than
/// a third of the letters differ). Capitals and underscores count only between equally near ones; then the first wins.
class Nearest {
public:
  explicit Nearest(std::string_view misspelled);
  void offer(std::string_view candidate);
  const std::string &name() const { return best; }

private:
  std::string spelled, wanted; // as it is, and normalised
  std::string best;
  unsigned distance;
};

/// `Nearest` over a list of names.
template <typename Names> std::string nearest(std::string_view misspelled, const Names &candidates) {
  Nearest search(misspelled);
  for (const auto &candidate : candidates)
    search.offer(candidate);
  return search.name();
}
inline std::string nearest(std::string_view misspelled, std::initializer_list<std::string_view> candidates) {
  return nearest<std::initializer_list<std::string_view>>(misspelled, candidates);
}

} // namespace hornfels::frontend
