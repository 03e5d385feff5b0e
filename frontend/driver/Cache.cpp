#include "frontend/driver/Cache.h"

#include "frontend/driver/Console.h"
#include "frontend/driver/Toolchain.h"

#include <cstdlib>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hornfels::driver {

/// FNV-1a, 64 bits.
static uint64_t hashOf(const std::string &text, uint64_t hash = 0xcbf29ce484222325u) {
  for (unsigned char c : text)
    hash = (hash ^ c) * 0x100000001b3u;
  return hash;
}

/// Makes `path` a folder that belongs to this user alone, or answers false: a stranger's folder in /tmp could
/// hold a stranger's program.
static bool isOwnFolder(const std::string &path) {
  mkdir(path.c_str(), 0700);
  struct stat status;
  return lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
         (status.st_mode & 022) == 0 && access(path.c_str(), W_OK | X_OK) == 0;
}

std::string cacheFolder() {
  auto variable = [](const char *name) {
    const char *value = getenv(name);
    return std::string(value && value[0] == '/' ? value : "");
  };
  std::string base = variable("XDG_CACHE_HOME");
  if (base.empty() && !variable("HOME").empty()) {
    base = variable("HOME") + "/.cache";
    mkdir(base.c_str(), 0700);
  }
  if (!base.empty() && isOwnFolder(base + "/hornfels"))
    return base + "/hornfels";
  std::string temporary = variable("TMPDIR");
  for (const std::string &parent : {temporary, std::string("/tmp")}) {
    std::string folder = fmt::format("{}/hornfels-{}", parent, geteuid());
    if (!parent.empty() && isOwnFolder(folder))
      return folder;
  }
  throw Failure{SystemFailed, "no folder to keep things in: HOME and TMPDIR are not writable"};
}

/// The cached program's name: of all that decides what is in it.
static std::string keyOf(const Compilation &project, const std::string &cpu) {
  uint64_t hash = hashOf(HORNFELS_VERSION " " + cpu);
  const char *compiler = getenv(project.architectures.empty() ? "CXX" : "CUDACXX");
  hash = hashOf(compiler ? compiler : "c++", hash);
  struct stat tool;
  if (stat("/proc/self/exe", &tool) == 0) // another build of the tool brings another runtime
    hash = hashOf(fmt::format("{}.{} {}", tool.st_mtim.tv_sec, tool.st_mtim.tv_nsec, tool.st_size), hash);
  for (const GeneratedFile &file : project.files)
    hash = hashOf(file.path + '\0' + file.text + '\0', hash);
  return fmt::format("{:016x}", hash);
}

std::string cachedProgram(const Compilation &project, const std::string &cpu) {
  std::string program = cacheFolder() + "/" + keyOf(project, cpu);
  if (access(program.c_str(), X_OK) != 0) {
    TemporaryFolder folder = TemporaryFolder::make();
    compileProgram(project, cpu, folder, folder.path() + "/program");
    installProgram(folder.path() + "/program", program);
  }
  return program;
}

} // namespace hornfels::driver
