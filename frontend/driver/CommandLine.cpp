#include "frontend/driver/CommandLine.h"

#include "frontend/driver/Architectures.h"
#include "frontend/driver/Console.h"
#include "frontend/horn/Diagnostics.h"

#include <algorithm>
#include <fmt/format.h>

namespace hornfels::driver {

using frontend::nearest;
using frontend::printable;

namespace {

struct Option {
  std::string name;                      // the long name
  char letter = 0;                       // its short form
  std::string value = {};                // "PATH"; empty for a flag
  std::string commands = {};             // those that take it, separated by spaces
  std::vector<std::string> choices = {}; // the values of this version; empty: any
  std::vector<std::string> later = {};   // values that a later version will take
};

const std::string compiling = "build emit run summary check bench";

const std::vector<Option> &options() {
  static const std::vector<Option> table = {
      {.name = "output", .letter = 'o', .value = "PATH", .commands = "build emit import"},
      {.name = "force", .commands = "build emit import bench summary"},
      {.name = "model", .value = "NAME", .commands = compiling},
      {.name = "include", .letter = 'I', .value = "DIR", .commands = compiling + " help"},
      {.name = "target", .value = "cpu|cuda", .commands = "build emit run bench", .choices = {"cpu", "cuda"}},
      {.name = "cpu",
       .value = "native|x86-64-v3|x86-64-v4|armv8",
       .commands = "build emit run bench",
       .choices = {"native", "x86-64-v3", "x86-64-v4", "armv8"}},
      {.name = "fuse", .value = "all|none", .commands = "build emit run", .choices = {"all", "none"}},
      {.name = "lazy-rows",
       .value = "auto|never",
       .commands = "build emit run bench",
       .choices = {"auto", "never"}},
      {.name = "real",
       .value = "f32|f64|bf16",
       .commands = compiling,
       .choices = {"f32", "f64"},
       .later = {"bf16"}},
      {.name = "only",
       .value = "predict",
       .commands = "build emit run summary check",
       .choices = {"predict"}},
      {.name = "loss", .value = "clip", .commands = compiling, .choices = {"clip"}},
      {.name = "dump", .value = "DIR", .commands = "build emit run"},
      {.name = "emit", .value = "STAGE", .commands = "emit"},
      {.name = "step",
       .value = "train|evaluate|predict",
       .commands = "bench",
       .choices = {"train", "evaluate", "predict"}},
      {.name = "batch", .value = "N", .commands = "bench"},
      {.name = "threads", .value = "N", .commands = "bench"},
      {.name = "seconds", .value = "X", .commands = "bench"},
      {.name = "data", .value = "FILE", .commands = "bench"},
      {.name = "validation", .value = "N", .commands = "bench"},
      {.name = "json", .commands = "bench"},
      {.name = "plot", .value = "FILE.svg", .commands = "bench"},
      {.name = "arch", .value = "sm_80,...", .commands = "build emit run bench"},
      {.name = "shape", .value = "INPUT=N", .commands = compiling + " import"},
      {.name = "tokens", .value = "INPUT", .commands = compiling + " import"},
      {.name = "embed-weights", .value = "FILE", .commands = "build emit run"},
      {.name = "gemm",
       .value = "own|cublaslt",
       .commands = "build emit run bench",
       .choices = {"own"},
       .later = {"cublaslt"}},
      {.name = "math",
       .value = "fp32|tf32|bf16",
       .commands = "build emit run bench",
       .choices = {"fp32", "tf32", "bf16"}},
      {.name = "laps", .commands = "build emit"},
      {.name = "memory", .commands = "summary"},
      {.name = "graph", .value = "FILE.svg", .commands = "summary"},
      {.name = "from", .value = "URL", .commands = "data"},
      {.name = "help", .letter = 'h'},
      {.name = "version"},
  };
  return table;
}

const std::vector<std::string> commands = {"build", "emit",  "run",    "summary", "check",
                                           "help",  "bench", "import", "data"};
bool contains(const std::vector<std::string> &list, const std::string &item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

bool takes(const Option &option, const std::string &command) {
  return (" " + option.commands + " ").find(" " + command + " ") != std::string::npos;
}

[[noreturn]] void refuse(std::string text) { throw Failure{WrongCommandLine, std::move(text)}; }

std::string quoted(const std::string &argument) { return "`" + printable(argument) + "`"; }

std::string suggestion(const std::string &name, const std::string &dashes = {}) {
  return name.empty() ? "" : fmt::format("; did you mean `{}{}`?", dashes, name);
}

/// Walks the arguments once.
class Reader {
public:
  explicit Reader(const std::vector<std::string> &arguments) : arguments(arguments) {}

  CommandLine read() {
    while (next < arguments.size() && !stopped()) {
      const std::string &argument = arguments[next++];
      if (!optionsEnded && argument == "--")
        optionsEnded = true;
      else if (!optionsEnded && argument.size() > 2 && argument.compare(0, 2, "--") == 0)
        readLong(argument);
      else if (!optionsEnded && argument.size() > 1 && argument[0] == '-')
        readShort(argument);
      else
        readOperand(argument);
    }
    result.programArguments.assign(arguments.begin() + static_cast<long>(next), arguments.end());
    check();
    return std::move(result);
  }

private:
  /// What follows the model of `run` belongs to the program.
  bool stopped() const { return result.command == "run" && !result.operands.empty(); }

  void readOperand(const std::string &argument) {
    if (!result.command.empty()) {
      result.operands.push_back(argument);
      return;
    }
    if (!contains(commands, argument))
      refuse(fmt::format("unknown command {}{}", quoted(argument), suggestion(nearest(argument, commands))));
    result.command = argument;
  }

  void readLong(const std::string &argument) {
    size_t equals = argument.find('=');
    std::string name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
    const auto &table = options();
    auto option = std::find_if(table.begin(), table.end(), [&](const Option &o) { return o.name == name; });
    if (option == table.end()) {
      std::vector<std::string> names;
      for (const Option &o : table)
        names.push_back(o.name);
      refuse(fmt::format("unknown option {}{}", quoted("--" + name), suggestion(nearest(name, names), "--")));
    }
    if (option->value.empty() && equals != std::string::npos)
      refuse(
          fmt::format("option `--{}` takes no value, found {}", name, quoted(argument.substr(equals + 1))));
    if (equals != std::string::npos)
      store(*option, "--" + name, argument.substr(equals + 1));
    else
      store(*option, "--" + name, valueOf(*option, "--" + name));
  }

  void readShort(const std::string &argument) {
    const auto &table = options();
    auto option =
        std::find_if(table.begin(), table.end(), [&](const Option &o) { return o.letter == argument[1]; });
    if (option == table.end())
      refuse(fmt::format("unknown option {}; a file of that name is given as {}", quoted(argument),
                         quoted("./" + argument)));
    std::string spelled = argument.substr(0, 2);
    if (argument.size() == 2)
      store(*option, spelled, valueOf(*option, spelled));
    else if (option->value.empty())
      refuse(fmt::format("option `{}` takes no value, found {}", spelled, quoted(argument.substr(2))));
    else
      store(*option, spelled, argument.substr(argument[2] == '=' ? 3 : 2));
  }

  std::string valueOf(const Option &option, const std::string &spelled) {
    if (option.value.empty())
      return {};
    if (next == arguments.size())
      refuse(fmt::format("option `{}` needs a value: {}", spelled, option.value));
    return arguments[next++];
  }

  void store(const Option &option, const std::string &spelled, const std::string &value) {
    if (!option.value.empty() && value.empty())
      refuse(fmt::format("option `{}` needs a value: {}", spelled, option.value));
    if (option.name == "include") {
      result.includeDirectories.push_back(value);
      return;
    }
    if (contains(option.later, value))
      refuse(fmt::format("option `{}`: {} is not in this version", spelled, value));
    if (!option.choices.empty() && !contains(option.choices, value))
      refuse(fmt::format("option `{}` takes {}, found {}{}", spelled, option.value, quoted(value),
                         suggestion(nearest(value, option.choices))));
    if (!result.values.emplace(option.name, value).second)
      refuse(fmt::format("option `--{}` is given twice", option.name));
  }

  /// What can be said only when the command is known.
  void check() {
    if (result.has("version")) {
      result.command = "version";
      return;
    }
    if (result.has("help")) {
      result.operands = result.command == "help" ? result.operands : std::vector<std::string>{};
      result.command = "help";
      return;
    }
    if (result.command.empty())
      refuse("expected a command");
    for (const Option &option : options()) {
      bool given = option.name == "include" ? !result.includeDirectories.empty() : result.has(option.name);
      if (given && !takes(option, result.command))
        refuse(fmt::format("`{}` takes no option `--{}`", result.command, option.name));
    }
    checkOperands();
    checkTarget();
    if (result.command == "emit" && !result.has("output") && !result.has("emit"))
      refuse("`emit` needs `--output DIR`");
    if (result.has("emit") && result.has("output"))
      refuse("`--emit` prints to standard output and takes no `--output`");
  }

  /// Options that only one of the targets has.
  void checkTarget() {
    bool cuda = result.get("target") == "cuda";
    for (const char *name : {"arch", "gemm", "math", "laps"})
      if (result.has(name) && !cuda)
        refuse(fmt::format("option `--{}` is for `--target=cuda`", name));
    for (const char *name : {"cpu", "lazy-rows", "threads"})
      if (result.has(name) && cuda)
        refuse(fmt::format("option `--{}` is for `--target=cpu`", name));
    if (result.get("math", "fp32") != "fp32" && result.get("real", "f32") != "f32")
      refuse(fmt::format("option `--math={}` is for `--real=f32`", result.get("math")));
    if (result.has("arch"))
      parseArchitectures(result.get("arch"));
  }

  void checkOperands() {
    bool wantsModel = result.command != "help" && result.command != "data";
    if (result.command == "data" && result.operands.empty())
      refuse("`data` needs the name of a data set: imdb, reuters, boston or mnist");
    if (wantsModel && result.operands.empty())
      refuse(fmt::format("`{}` needs a model: hornfels {} MODEL", result.command, result.command));
    if (result.operands.size() > 1)
      refuse(fmt::format("`{}` takes one {}, found {}: the second is {}", result.command,
                         wantsModel ? "model" : "name", result.operands.size(), quoted(result.operands[1])));
    if (wantsModel && result.operands[0].empty())
      refuse("the name of the model is empty");
  }

  const std::vector<std::string> &arguments;
  size_t next = 0;
  bool optionsEnded = false;
  CommandLine result;
};

} // namespace

CommandLine parseCommandLine(const std::vector<std::string> &arguments) { return Reader(arguments).read(); }

std::string usage() {
  return R"(usage: hornfels COMMAND MODEL.horn [OPTIONS]

  build   MODEL [-o PROGRAM]     a program: PROGRAM train | evaluate | predict
  emit    MODEL -o DIR           its C++ sources, a header, a CMakeLists.txt
  run     MODEL ARGUMENTS...     build into a cache and run: hornfels run MODEL train --data FILE.npz
  summary MODEL                  layers, shapes and parameters
  check   MODEL                  every error at once
  import  MODEL.json [-o FILE]   a model of Keras (`to_json()`) as Horn source; every command takes the JSON too
  bench   MODEL                  fused against unfused, kernel by kernel, and both against the machine
  data    imdb|reuters|boston|mnist
                                 fetch a public data set into a cache, check it, print its path
  help    [NAME]                 this text; or what the library says of a layer, loss, metric, optimizer

  -o, --output PATH              what to write; replaced only if the tool wrote it, or with --force
  --model NAME                   of a file with several models
  --cpu=native|x86-64-v3|x86-64-v4|armv8
                                 the processor; native for build and run, x86-64-v3 for emit
  --target=cpu|cuda              C++ for the processor, or CUDA for NVIDIA's devices (build and run need nvcc)
  --arch=sm_80,sm_90             with cuda: the devices; they and all later ones run it. sm_90a: that one alone
  --math=fp32|tf32|bf16          with cuda: what products are computed in; sums are always fp32
  --gemm=own|cublaslt            with cuda: whose products (cublaslt: not in this version)
  --laps                         with cuda: a program whose `bench` times each kernel (`hornfels bench` makes its own)
  --fuse=all|none                fused kernels, or one kernel for each operation
  --lazy-rows=auto|never         where the rows of a table without gradient stay as they are, a step with
                                 few ids may leave them out (the bits are the same)
  --real=f32|f64                 the model's floating type
  --only=predict                 leave training out
  --loss=clip                    losses on clipped probabilities instead of logits
  --embed-weights FILE           put weights into the program, which then needs no --weights
  --dump=DIR                     write every stage of the compilation
  --emit=STAGE                   with emit: print one stage and stop there
  --step=train|evaluate|predict  with bench: what is timed; --batch N, --threads N, --seconds X,
                                 --data FILE [--validation N]: real rows instead of synthetic ones
  --memory, --graph FILE.svg     with summary: the bytes that training takes; the layers as a picture
  --json, --plot FILE.svg        with bench: the figures as data; bars and a roofline as a picture
  --from=URL                     with data: another place, or a file or folder (nothing is fetched then)
  --tokens=INPUT, --shape=INPUT=N
                                 of Keras's JSON: an input of shape (None, V) as rows of ids below V (A,B for
                                 several); the sizes that the file leaves open (INPUT=N,M for several)
  -I DIR                         where imported files may lie
  --version
)";
}

} // namespace hornfels::driver
