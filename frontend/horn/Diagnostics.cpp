#include "frontend/horn/Diagnostics.h"

#include "frontend/horn/Unicode.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace hornfels::frontend {

namespace {

/// More than this are counted, not kept.
constexpr size_t keptDiagnostics = 1000;
/// Longer source lines are shown as a window around the caret.
constexpr size_t shownColumns = 160;
constexpr size_t shownBefore = 60;

/// The source line and below it the caret. A tab stays a tab in both, so that the caret stands right at any
/// tab width.
std::string excerpt(SourceRange range, const SourceManager &sources) {
  SourceRange line = sources.lineOf(range);
  std::string_view text = sources.text(line);
  size_t begin = std::min<size_t>(range.begin - line.begin, text.size());
  size_t end = std::clamp<size_t>(range.end - line.begin, begin, text.size());

  size_t from = 0;
  size_t to = text.size();
  bool cutLeft = false, cutRight = false;
  if (text.size() > shownColumns) {
    auto isInside = [&](size_t at) {
      return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
    };
    from = begin > shownBefore ? begin - shownBefore : 0;
    while (from > 0 && isInside(from))
      --from;
    to = std::min(text.size(), from + shownColumns);
    while (isInside(to))
      ++to;
    cutLeft = from > 0;
    cutRight = to < text.size();
    end = std::min(end, to);
  }

  std::string shown = "    ", caret = "    ";
  if (cutLeft) {
    shown += "...";
    caret += "   ";
  }
  for (size_t at = from; at < to;) {
    CodePoint point = decodeUtf8(text, at);
    bool isShowable =
        point.isValid && (point.value == '\t' || (!isControl(point.value) && !isInvisible(point.value)));
    if (isShowable)
      shown += text.substr(at, point.bytes);
    else
      shown += '?';
    if (at < begin)
      caret += point.value == '\t' ? '\t' : ' ';
    else if (at == begin)
      caret += '^';
    else if (at < end)
      caret += '~';
    at += point.bytes;
  }
  if (begin >= to)
    caret += '^';
  if (cutRight)
    shown += "...";
  while (!shown.empty() && (shown.back() == ' ' || shown.back() == '\t'))
    shown.pop_back();
  return shown + "\n" + caret + "\n";
}

std::string normalised(std::string_view name) {
  std::string out;
  for (char c : name)
    if (c != '_')
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

} // namespace

Diagnostic &Diagnostic::note(SourceRange place, std::string noteText) {
  notes.push_back({place, std::move(noteText)});
  return *this;
}
Diagnostic &Diagnostic::note(std::string noteText) { return note({}, std::move(noteText)); }

Diagnostic &Diagnostic::didYouMean(std::string_view name) {
  return name.empty() ? *this : note("did you mean `" + std::string(name) + "`?");
}

Diagnostic &Diagnostics::add(Severity severity, SourceRange range, std::string text) {
  if (!said.emplace(severity, range.file, range.begin, range.end, text).second) {
    overflow = {};
    return overflow; // said before: its notes are there already
  }
  ++(severity == Severity::Error ? errors : warnings);
  if (kept.size() >= keptDiagnostics) {
    overflow = {};
    return overflow;
  }
  kept.push_back({severity, range, std::move(text), {}});
  return kept.back();
}

std::string render(const Diagnostic &diagnostic, const SourceManager &sources) {
  std::string out;
  if (diagnostic.range.isValid())
    out = sources.positionText(diagnostic.range) + ": ";
  out += diagnostic.severity == Severity::Error ? "error: " : "warning: ";
  out += diagnostic.text + "\n";
  if (diagnostic.range.isValid())
    out += excerpt(diagnostic.range, sources);
  for (const Note &note : diagnostic.notes) {
    if (!note.range.isValid()) {
      out += "    note: " + note.text + "\n";
      continue;
    }
    out += sources.positionText(note.range) + ": note: " + note.text + "\n";
    out += excerpt(note.range, sources);
  }
  return out;
}

std::string Diagnostics::render(unsigned limit) const {
  // In the order of the text: a model is checked in several passes.
  std::vector<const Diagnostic *> ordered;
  for (const Diagnostic &diagnostic : kept)
    ordered.push_back(&diagnostic);
  std::stable_sort(ordered.begin(), ordered.end(), [](const Diagnostic *a, const Diagnostic *b) {
    return std::pair(a->range.file, a->range.begin) < std::pair(b->range.file, b->range.begin);
  });
  std::string out;
  unsigned shown = 0;
  for (const Diagnostic *each : ordered) {
    const Diagnostic &diagnostic = *each;
    if (diagnostic.severity == Severity::Error && shown++ == limit)
      break;
    std::string description =
        describePlace && diagnostic.range.isValid() ? describePlace(diagnostic.range) : std::string();
    if (description.empty()) {
      out += frontend::render(diagnostic, sourceManager);
      continue;
    }
    Diagnostic described = diagnostic;
    described.notes.insert(described.notes.begin(), {{}, std::move(description)});
    out += frontend::render(described, sourceManager);
  }
  if (errors > limit)
    out += "and " + std::to_string(errors - limit) + " more error" + (errors - limit == 1 ? "" : "s") + "\n";
  return out;
}

unsigned editDistance(std::string_view a, std::string_view b, unsigned limit) {
  size_t gap = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (gap > limit)
    return limit + 1;
  // d[i][j] = edits from a[0, i) to b[0, j); three rows are enough, the third for swaps of neighbours.
  std::vector<unsigned> beforeLast(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = static_cast<unsigned>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    std::swap(beforeLast, last);
    std::swap(last, row);
    row[0] = static_cast<unsigned>(i);
    unsigned smallest = row[0];
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], beforeLast[j - 2] + 1);
      smallest = std::min(smallest, row[j]);
    }
    if (smallest > limit)
      return limit + 1;
  }
  return std::min(row[b.size()], limit + 1);
}

Nearest::Nearest(std::string_view misspelled)
    : spelled(misspelled), wanted(normalised(misspelled)),
      distance(static_cast<unsigned>(wanted.size() < 3 ? 0 : (wanted.size() + 1) / 3) + 1) {}

void Nearest::offer(std::string_view candidate) {
  const unsigned found = editDistance(wanted, normalised(candidate), distance);
  if (found > distance || (best.empty() && found == distance))
    return;
  const auto asSpelled = [&](std::string_view name) {
    return editDistance(spelled, name, static_cast<unsigned>(spelled.size() + name.size()));
  };
  if (found == distance && asSpelled(candidate) >= asSpelled(best))
    return;
  distance = found;
  best = candidate;
}

} // namespace hornfels::frontend
