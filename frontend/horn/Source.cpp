#include "frontend/horn/Source.h"

#include "frontend/horn/Unicode.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hornfels::frontend {

FileId SourceManager::add(std::string name, std::string text, bool isLibrary) {
  if (text.starts_with("\xEF\xBB\xBF"))
    text.erase(0, 3);
  Source source{printable(name), std::move(text), {0}, isLibrary};
  // A table of every line would be four times the text when all lines are empty.
  std::string_view rest = source.text;
  for (; rest.size() > pieceBytes; rest.remove_prefix(pieceBytes)) {
    auto count = std::count(rest.begin(), rest.begin() + pieceBytes, '\n');
    source.linesBefore.push_back(source.linesBefore.back() + static_cast<uint32_t>(count));
  }
  sources.push_back(std::move(source));
  return static_cast<FileId>(sources.size());
}

std::string_view SourceManager::text(SourceRange range) const {
  if (!range.isValid())
    return {};
  std::string_view all = get(range.file).text;
  size_t begin = std::min<size_t>(range.begin, all.size());
  size_t end = std::clamp<size_t>(range.end, begin, all.size());
  return all.substr(begin, end - begin);
}

/// Where the line of `at` begins.
uint32_t SourceManager::lineStart(const Source &source, size_t at) {
  size_t lineFeed = at == 0 ? std::string::npos : source.text.rfind('\n', at - 1);
  return lineFeed == std::string::npos ? 0 : static_cast<uint32_t>(lineFeed + 1);
}

SourceRange SourceManager::lineOf(SourceRange range) const {
  if (!range.isValid())
    return {};
  const Source &source = get(range.file);
  size_t at = std::min<size_t>(range.begin, source.text.size());
  uint32_t begin = lineStart(source, at);
  auto end = static_cast<uint32_t>(std::min(source.text.find('\n', at), source.text.size()));
  if (end > begin && source.text[end - 1] == '\r')
    --end;
  return {range.file, begin, end};
}

Position SourceManager::position(SourceRange range) const {
  if (!range.isValid())
    return {"<unknown>", 0, 0};
  const Source &source = get(range.file);
  size_t at = std::min<size_t>(range.begin, source.text.size());
  size_t piece = std::min(at / pieceBytes, source.linesBefore.size() - 1);
  std::string_view all = source.text;
  std::string_view since = all.substr(piece * pieceBytes, at - piece * pieceBytes);
  auto line =
      source.linesBefore[piece] + static_cast<unsigned>(std::count(since.begin(), since.end(), '\n')) + 1;
  uint32_t begin = lineStart(source, at);
  return {source.name, line, static_cast<unsigned>(countCodePoints(all.substr(begin, at - begin))) + 1};
}

std::string SourceManager::positionText(SourceRange range) const {
  if (!range.isValid())
    return "<unknown>";
  Position place = position(range);
  return std::string(place.file) + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

std::string SourceManager::lineText(SourceRange range) const {
  if (!range.isValid())
    return "<unknown>";
  Position place = position(range);
  return std::string(place.file) + ":" + std::to_string(place.line);
}

namespace {

/// Closes the descriptor at the end of the scope.
struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0)
      close(number);
  }
};

FileText systemError(int code) {
  std::string text = std::strerror(code);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z' &&
      code != EIO) // "Input/output error" starts like a name
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return {FileText::Status::SystemError, {}, std::move(text)};
}

FileText tooLarge(size_t maxBytes) {
  return {
      FileText::Status::TooLarge, {}, "larger than the limit of " + std::to_string(maxBytes >> 20) + " MiB"};
}

} // namespace

FileText readRegularFile(const std::string &path, size_t maxBytes) {
  if (path.find('\0') != std::string::npos)
    return systemError(EINVAL);
  // O_NONBLOCK: opening a FIFO that nobody writes to must not wait.
  Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (file.number < 0)
    return systemError(errno);
  struct stat status {};
  if (fstat(file.number, &status) != 0)
    return systemError(errno);
  if (S_ISDIR(status.st_mode))
    return {FileText::Status::SystemError, {}, "is a directory, not a regular file"};
  if (!S_ISREG(status.st_mode))
    return {FileText::Status::SystemError, {}, "not a regular file"};
  if (static_cast<uintmax_t>(status.st_size) > maxBytes)
    return tooLarge(maxBytes);

  FileText result;
  result.text.reserve(static_cast<size_t>(status.st_size));
  char piece[1 << 15];
  while (true) { // the size is only a hint: files in /proc say 0, others grow
    ssize_t count = read(file.number, piece, sizeof piece);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return systemError(errno);
    if (count == 0)
      return result;
    if (result.text.size() + static_cast<size_t>(count) > maxBytes)
      return tooLarge(maxBytes);
    result.text.append(piece, static_cast<size_t>(count));
  }
}

std::string printable(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (size_t at = 0; at < text.size();) {
    CodePoint point = decodeUtf8(text, at);
    if (point.isValid && !isControl(point.value) && !isInvisible(point.value)) {
      out += text.substr(at, point.bytes);
    } else {
      for (char byte : text.substr(at, point.bytes)) {
        auto value = static_cast<unsigned char>(byte);
        out += {'\\', 'x', digits[value >> 4], digits[value & 15]};
      }
    }
    at += point.bytes;
  }
  return out;
}

} // namespace hornfels::frontend
