// Source text and places in it. Knows nothing of the language, of MLIR or of diagnostics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace hornfels::frontend {

/// The limits on Horn text. Each has an error message that names it.
namespace limits {
inline constexpr size_t fileBytes = size_t{16} << 20;
inline constexpr size_t lineBytes = size_t{1} << 20;
inline constexpr size_t nameBytes = 1024;
inline constexpr unsigned nesting = 128;          // brackets, blocks, prefix operators, in one another
inline constexpr unsigned expressionHeight = 256; // operators in one chain, `a + a + ... + a`
inline constexpr unsigned nodes = 500'000;        // syntax nodes in one file
inline constexpr unsigned importDepth = 64;
inline constexpr unsigned imports = 1000; // in one program
} // namespace limits

/// Index of a source in its SourceManager; 0 is "no source".
using FileId = uint32_t;

/// The half-open byte range [begin, end) of one source. A default range is no place at all.
struct SourceRange {
  FileId file = 0;
  uint32_t begin = 0;
  uint32_t end = 0;

  bool isValid() const { return file != 0; }
  friend bool operator==(const SourceRange &, const SourceRange &) = default;
};

/// The range from the start of `first` to the end of `last`, which lie in one source.
inline SourceRange join(SourceRange first, SourceRange last) { return {first.file, first.begin, last.end}; }

/// Line and column from 1; a column is a code point (a tab is one).
struct Position {
  std::string_view file;
  unsigned line = 0;
  unsigned column = 0;
};

/// Owns the text of every file of one compilation: Horn files, library sources, and the JSON a model was read
/// from.
class SourceManager {
public:
  /// Takes `text` under the display name `name`. A byte order mark at the start is dropped.
  FileId add(std::string name, std::string text, bool isLibrary = false);

  std::string_view name(FileId file) const { return get(file).name; }
  std::string_view text(FileId file) const { return get(file).text; }
  bool isLibrary(FileId file) const { return file != 0 && get(file).isLibrary; }

  /// The source text in `range`, as written.
  std::string_view text(SourceRange range) const;

  Position position(SourceRange range) const;

  /// "models/lenet.horn:6:14"; for an invalid range "<unknown>".
  std::string positionText(SourceRange range) const;

  /// "models/lenet.horn:6", as generated comments cite it.
  std::string lineText(SourceRange range) const;

  /// The whole line that `range` begins in, without its line end.
  SourceRange lineOf(SourceRange range) const;

  size_t size() const { return sources.size(); }

private:
  struct Source {
    std::string name;
    std::string text;
    std::vector<uint32_t> linesBefore; // number of line feeds before each piece of the text
    bool isLibrary = false;
  };
  static constexpr size_t pieceBytes = 4096;
  const Source &get(FileId file) const { return sources[file - 1]; }
  static uint32_t lineStart(const Source &source, size_t at);

  std::deque<Source> sources; // a deque: views of names and texts stay valid
};

/// The result of reading a file: its bytes, or why not.
struct FileText {
  enum class Status { Ok, SystemError, TooLarge };
  Status status = Status::Ok;
  std::string text;
  std::string error; // "no such file or directory", "not a regular file", "larger than the limit of 16 MiB"
};

/// Reads a regular file of at most `maxBytes`. Never blocks: directories, FIFOs and devices are refused
/// unread.
FileText readRegularFile(const std::string &path, size_t maxBytes = limits::fileBytes);

/// `text` with control characters and bytes that are not UTF-8 written as \xNN, for names in messages.
std::string printable(std::string_view text);

} // namespace hornfels::frontend
