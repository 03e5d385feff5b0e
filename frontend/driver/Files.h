// Writing what the tool makes: into a temporary folder first, into place in one rename.
#pragma once

#include "frontend/driver/Signals.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hornfels::driver {

/// A file of a project: its path relative to the project's folder, and its bytes.
struct GeneratedFile {
  std::string path;
  std::string text;
};

/// A new folder, removed with all that is in it when the object is destroyed or a signal ends the tool.
class TemporaryFolder {
public:
  /// Under TMPDIR, where that can be used, else /tmp. Throws Failure{SystemFailed}.
  static TemporaryFolder make();
  /// Under `parent`, so that what is in it can be renamed to its place.
  static TemporaryFolder makeIn(const std::string &parent);

  /// Absolute, without symbolic links.
  const std::string &path() const { return folder; }

  /// Leaves the folder where it is.
  void keep() { removal.reset(); }

  TemporaryFolder(TemporaryFolder &&other) noexcept = default;
  ~TemporaryFolder();

private:
  explicit TemporaryFolder(std::string path);
  std::string folder;
  std::unique_ptr<Cleanup> removal;
};

/// Writes each file below `folder`, making subfolders. A path that is absolute or has ".." in it is an error
/// of ours. Throws Failure{SystemFailed}.
void writeFiles(const std::string &folder, const std::vector<GeneratedFile> &files);

/// Appends the tool's mark to a finished program. It is what tells `mayReplace` later that the tool made it.
void markProgram(const std::string &path);

/// Checks, before any work, that `output` can be written: its folder exists and is writable, it is not the
/// input (not even with `force`), not a folder, and where it exists it carries the tool's mark or `force` is
/// given. Throws Failure{SystemFailed} or, without the mark, Failure{WrongCommandLine}.
void checkProgramOutput(const std::string &output, const std::string &input, bool force);

/// The same for a project's folder: free, empty, marked by the tool, or `force`.
void checkProjectOutput(const std::string &output, const std::string &input, bool force);

/// Moves `program` to `output` in one step, as an executable file. Throws Failure{SystemFailed}.
void installProgram(const std::string &program, const std::string &output);

/// The same two for a picture: it carries a comment as its mark.
void checkPictureOutput(const std::string &output, const std::string &input, bool force);
void installPicture(const std::string &svg, const std::string &output);

/// The same two for Horn source, whose mark is a comment too.
void checkTextOutput(const std::string &output, const std::string &input, bool force);
void installText(const std::string &text, const std::string &output);

/// Puts a project's folder in the place of `output` in one step. What an earlier project wrote there is gone
/// afterwards; files that others put there stay. Two tools at once: each waits for the other, then one is
/// second.
void installProject(const std::vector<GeneratedFile> &files, const std::string &output);

/// The folder part of a path, "." when it has none; and the rest.
std::string parentOf(const std::string &path);
std::string nameOf(const std::string &path);

/// A whole regular file, or nothing.
std::optional<std::string> readSmallFile(const std::string &path);

} // namespace hornfels::driver
