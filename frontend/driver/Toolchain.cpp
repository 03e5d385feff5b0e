#include "frontend/driver/Toolchain.h"

#include "frontend/driver/Architectures.h"
#include "frontend/driver/Console.h"
#include "frontend/driver/Process.h"
#include "frontend/horn/Source.h"

#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <sstream>
#include <unistd.h>

namespace hornfels::driver {

using frontend::printable;

/// build/release/bin/hornfels -> build/release/lib/libhornfels_runtime.a
static std::string runtimeLibrary() {
  char buffer[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", buffer, sizeof buffer);
  if (length < 0)
    throw Failure{SystemFailed, "/proc/self/exe: " + errorText(errno)};
  std::string tool(buffer, static_cast<size_t>(length));
  std::string library = parentOf(parentOf(tool)) + "/lib/libhornfels_runtime.a";
  if (access(library.c_str(), R_OK) != 0)
    throw Failure{SystemFailed,
                  fmt::format("{}: {}; it belongs beside the tool", printable(library), errorText(errno))};
  return library;
}

static std::vector<std::string> words(const std::string &text) {
  std::istringstream stream(text);
  std::vector<std::string> result;
  for (std::string word; stream >> word;)
    result.push_back(word);
  return result;
}

static std::string variableOf(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

/// What the compiler of a target is called in messages.
static std::string compilerName(const Compilation &project) {
  return project.architectures.empty() ? "C++ compiler" : "CUDA compiler";
}

static std::vector<std::string> cppCompiler(const std::string &cpu) {
  std::vector<std::string> command = words(variableOf("CXX"));
  if (command.empty())
    command = {"c++"};
  // The flags of the generated CMakeLists.txt: without the second, both compilers turn a vector sqrt into
  // calls.
  for (const char *flag :
       {"-std=c++17", "-O2", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast"})
    command.push_back(flag);
  command.push_back("-march=" + (cpu == "armv8" ? std::string("armv8-a") : cpu));
  return command;
}

/// nvcc where a toolkit puts it that nobody has added to PATH; "nvcc" where it is in PATH, or nowhere.
static std::string findNvcc() {
  static const std::string usual = "/usr/local/cuda/bin/nvcc";
  std::istringstream folders(variableOf("PATH"));
  for (std::string folder; std::getline(folders, folder, ':');)
    if (!folder.empty() && access((folder + "/nvcc").c_str(), X_OK) == 0)
      return "nvcc";
  return access(usual.c_str(), X_OK) == 0 ? usual : "nvcc";
}

/// Denormals count as zero on the device as they do on the CPU. One thread for each architecture.
static std::vector<std::string> cudaCompiler(const std::vector<std::string> &architectures) {
  std::vector<std::string> command = words(variableOf("CUDACXX"));
  if (command.empty())
    command = {findNvcc()};
  for (const char *flag : {"-std=c++17", "-O2", "-ftz=true", "-cudart=static", "--threads=0"})
    command.push_back(flag);
  for (const std::string &flag : architectureFlags(architectures))
    command.push_back(flag);
  return command;
}

std::vector<std::string> compilerCommand(const Compilation &project, const std::string &cpu,
                                         const std::string &folder, const std::string &program) {
  bool cuda = !project.architectures.empty();
  std::vector<std::string> command = cuda ? cudaCompiler(project.architectures) : cppCompiler(cpu);
  command.push_back("-I" + folder);
  for (const std::string &source : project.programSources)
    command.push_back(folder + "/" + source);
  command.push_back(runtimeLibrary());
  for (const std::string &library : words(HORNFELS_RUNTIME_LIBRARIES))
    command.push_back(library);
  if (project.countsHeapCalls) // runtime/program/bench/heap_calls.cpp
    for (const char *function : {"malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign", "_Znwm", "_Znam",
                                 "_ZnwmSt11align_val_t", "_ZnamSt11align_val_t"})
      command.push_back(std::string("-Wl,--wrap=") + function);
  if (cuda)
    command.push_back("-Xcompiler");
  command.push_back("-pthread");
  command.push_back("-o");
  command.push_back(program);
  return command;
}

/// What to do about a compiler that is not there.
static std::string hintOf(const Compilation &project) {
  return project.architectures.empty()
             ? ""
             : "\n  it is nvcc of the CUDA toolkit, looked for as $CUDACXX, in PATH and in /usr/local/cuda/bin; "
               "`hornfels emit --target=cuda` works without it";
}

void compileProgram(const Compilation &project, const std::string &cpu, TemporaryFolder &folder,
                    const std::string &program) {
  writeFiles(folder.path(), project.files);
  std::vector<std::string> command = compilerCommand(project, cpu, folder.path(), program);
  ProcessResult result = runProcess(command, folder.path());
  if (!result.succeeded()) {
    folder.keep();
    std::string compiler = fmt::format("{} `{}`", compilerName(project), printable(command[0]));
    std::string why = result.startError ? fmt::format("cannot run the {}: {}{}", compiler,
                                                      errorText(result.startError), hintOf(project))
                                        : fmt::format("the {} failed", compiler);
    throw Failure{SystemFailed,
                  fmt::format("{}\n  command: {}\n  sources: {}{}{}", why, commandText(command),
                              printable(folder.path()), result.output.empty() ? "" : "\n", result.output)};
  }
  markProgram(program);
}

void writeStages(const Compilation &compilation, const std::string &folder) {
  std::vector<GeneratedFile> files;
  int number = 0;
  for (const Stage &stage : compilation.stages) {
    bool isHorn = stage.name == "import";
    std::string text = stage.changed ? stage.text : fmt::format("// {} changed nothing\n", stage.name);
    files.push_back({fmt::format("{:02}-{}.{}", number, stage.name, isHorn ? "horn" : "mlir"), text});
    number += 10;
  }
  for (const GeneratedFile &file : compilation.files)
    if (file.path == compilation.modelName + (compilation.architectures.empty() ? ".cpp" : ".cu"))
      files.push_back({"90-" + file.path, file.text});
  installProject(files, folder);
}

} // namespace hornfels::driver
