// `bench`: a model's programs, fused and not, against each other and against the machine.
#include "frontend/driver/BenchReport.h"
#include "frontend/driver/Cache.h"
#include "frontend/driver/Commands.h"
#include "frontend/driver/Console.h"
#include "frontend/driver/Process.h"
#include "frontend/driver/Request.h"
#include "frontend/horn/Source.h"

#include "llvm/Support/JSON.h"

#include <charconv>
#include <fmt/format.h>

namespace hornfels::driver {

using frontend::printable;
namespace json = llvm::json;

namespace {

constexpr int rounds = 5;

/// A program that ended with a message of its own, which has been printed.
struct ProgramFailed {
  int exitCode;
};

template <typename Number>
void requireNumber(const CommandLine &line, const std::string &option, Number least, Number most,
                   const char *expected) {
  if (!line.has(option))
    return;
  std::string text = line.get(option);
  Number value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= least) || !(value <= most))
    throw Failure{WrongCommandLine,
                  fmt::format("option `--{}` takes {}, found `{}`", option, expected, printable(text))};
}

double secondsOf(const CommandLine &line) {
  return line.has("seconds") ? std::stod(line.get("seconds")) : 2.0;
}

/// The four programs: as they are used, and with a clock between their kernels. Of a device the same two: the clock runs
/// where it is asked for alone.
struct Programs {
  std::string fused, unfused, fusedLaps, unfusedLaps;
  std::string cpu; // that they are compiled for; of a device "sm_80, sm_90"
};

Compilation compileOne(CompileRequest request, bool fuse, bool laps) {
  request.fuse = fuse;
  request.laps = laps;
  return compileModel(request);
}

/// Nothing when the model has errors, which have been printed.
std::optional<Programs> buildAll(const CompileRequest &request) {
  bool cuda = !request.architectures.empty();
  Compilation fused = compileOne(request, true, cuda);
  printError(fused.messages);
  if (fused.hasErrors)
    return std::nullopt;
  auto program = [&](const Compilation &project) { return cachedProgram(project, request.cpu); };
  if (cuda) {
    std::string one = program(fused), other = program(compileOne(request, false, true));
    return Programs{one, other, one, other, fmt::format("{}", fmt::join(request.architectures, ", "))};
  }
  return Programs{program(fused), program(compileOne(request, false, false)),
                  program(compileOne(request, true, true)), program(compileOne(request, false, true)),
                  fused.cpu};
}

/// Runs `PROGRAM bench ... --json` and reads what it prints.
class Runner {
public:
  explicit Runner(const CommandLine &line) : folder(TemporaryFolder::make()), arguments({"bench", "--json"}) {
    for (const char *name : {"step", "batch", "threads", "data", "validation"})
      if (line.has(name))
        arguments.push_back(fmt::format("--{}={}", name, line.get(name)));
  }

  json::Object run(const std::string &program, double seconds, const std::vector<std::string> &more = {}) {
    std::vector<std::string> command{program};
    command.insert(command.end(), arguments.begin(), arguments.end());
    command.push_back(fmt::format("--seconds={}", seconds));
    command.insert(command.end(), more.begin(), more.end());
    ProcessResult result = runProcess(command, folder.path());
    if (result.startError)
      throw Failure{SystemFailed, printable(program) + ": " + errorText(result.startError)};
    if (result.exitCode != 0) {
      printError(result.output);
      throw ProgramFailed{result.exitCode};
    }
    size_t begin = result.output.find("{\"model\": ");
    if (begin == std::string::npos)
      throw Failure{SystemFailed,
                    "internal error: a program printed no figures: " + printable(result.output)};
    warn(result.output.substr(0, begin));
    return parse(result.output.substr(begin));
  }

private:
  /// What a program has to say it says once.
  void warn(const std::string &text) {
    if (text.empty() || text == warned)
      return;
    printError(text);
    warned = text;
  }

  static json::Object parse(const std::string &text) {
    llvm::Expected<json::Value> value =
        json::parse(llvm::StringRef(text).take_until([](char c) { return c == '\n'; }));
    if (!value || !value->getAsObject())
      throw Failure{SystemFailed, "internal error: a program's figures are no JSON: " +
                                      (value ? text : llvm::toString(value.takeError()))};
    return std::move(*value->getAsObject());
  }

  TemporaryFolder folder;
  std::vector<std::string> arguments;
  std::string warned;
};

double numberOf(const json::Object &object, llvm::StringRef key) { return object.getNumber(key).value_or(0); }

/// The best that was seen in any round.
void raise(Peaks &best, const json::Object *seen) {
  if (!seen)
    return;
  auto one = [&](double &value, const char *key) { value = std::max(value, numberOf(*seen, key)); };
  one(best.f32, "f32"), one(best.f64, "f64"), one(best.l1, "l1"), one(best.l2, "l2"), one(best.l3, "l3");
  one(best.memory, "memory"), one(best.tf32, "tf32"), one(best.bf16, "bf16");
}

void readDevice(Machine &machine, const json::Object &object) {
  machine.processor = object.getString("device").value_or("").str();
  machine.capability = static_cast<int>(numberOf(object, "capability"));
  machine.multiprocessors = static_cast<int>(numberOf(object, "multiprocessors"));
  machine.l2Bytes = numberOf(object, "l2_bytes");
  raise(machine.oneThread, object.getObject("peaks"));
}

void readMachine(Machine &machine, const json::Object &run) {
  const json::Object *object = run.getObject("machine");
  if (!object)
    return;
  if (object->get("device"))
    return readDevice(machine, *object);
  machine.processor = object->getString("processor").value_or("").str();
  machine.l1Bytes = numberOf(*object, "l1_bytes");
  machine.l2Bytes = numberOf(*object, "l2_bytes");
  machine.l3Bytes = numberOf(*object, "l3_bytes");
  raise(machine.oneThread, object->getObject("one_thread"));
  raise(machine.allThreads, object->getObject("all_threads"));
}

/// What was measured of a side in all rounds.
struct Rounds {
  std::vector<json::Object> steps, laps;

  double medianOf(const char *key) const {
    std::vector<double> values;
    for (const json::Object &step : steps)
      values.push_back(numberOf(step, key));
    return median(values);
  }
};

KernelTime readKernel(const Rounds &measured, size_t index) {
  KernelTime kernel;
  std::vector<double> times;
  for (const json::Object &round : measured.laps) {
    const json::Object &entry = *(*round.getArray("kernels"))[index].getAsObject();
    times.push_back(numberOf(entry, "us"));
    double least = numberOf(entry, "min_us");
    kernel.minUs = times.size() == 1 ? least : std::min(kernel.minUs, least);
    kernel.name = entry.getString("name").value_or("").str();
    kernel.layer = entry.getString("layer").value_or("").str();
    kernel.ran |= numberOf(entry, "ran") > 0;
    kernel.flops = numberOf(entry, "flops");
    kernel.read = numberOf(entry, "read");
    kernel.written = numberOf(entry, "written");
    kernel.touched = numberOf(entry, "touched");
    kernel.products = numberOf(entry, "products") > 0;
  }
  kernel.us = median(times);
  return kernel;
}

BenchSide readSide(const Rounds &measured) {
  BenchSide side;
  side.step = {measured.medianOf("median_us"),
               measured.medianOf("min_us"),
               measured.medianOf("p10_us"),
               measured.medianOf("p90_us"),
               {},
               measured.medianOf("call_us")};
  for (const json::Object &round : measured.steps)
    side.step.minUs = std::min(side.step.minUs, numberOf(round, "min_us"));
  if (measured.steps.front().get("epoch_ms"))
    side.step.epochMs = measured.medianOf("epoch_ms");
  for (const json::Object &round : measured.laps)
    side.allocations = std::max(side.allocations, numberOf(round, "heap_calls"));
  for (size_t i = 0; i < measured.laps.front().getArray("kernels")->size(); ++i)
    if (KernelTime kernel = readKernel(measured, i); kernel.ran)
      side.kernels.push_back(kernel);
  return side;
}

/// The sides take turns, and who is first changes: what else the machine does meets both.
void measure(const CommandLine &line, const Programs &programs, BenchReport &report) {
  Runner runner(line);
  Rounds fused, unfused;
  std::vector<double> ratios;
  bool oneRun = programs.fused == programs.fusedLaps; // says everything
  double seconds = secondsOf(line) / rounds / (oneRun ? 6 : 3);
  for (int round = 0; round < rounds; ++round) {
    auto step = [&](bool isFused) {
      Rounds &side = isFused ? fused : unfused;
      bool measuresMachine = oneRun && isFused;
      side.steps.push_back(runner.run(isFused ? programs.fused : programs.unfused, seconds,
                                      measuresMachine ? std::vector<std::string>{"--peaks"} : std::vector<std::string>{}));
    };
    step(round % 2 == 0);
    step(round % 2 != 0);
    ratios.push_back(numberOf(unfused.steps.back(), "median_us") / numberOf(fused.steps.back(), "median_us"));
    fused.laps.push_back(oneRun ? fused.steps.back() : runner.run(programs.fusedLaps, seconds / 2, {"--peaks"}));
    unfused.laps.push_back(oneRun ? unfused.steps.back() : runner.run(programs.unfusedLaps, seconds / 2));
    readMachine(report.machine, fused.laps.back());
  }
  const json::Object &first = fused.steps.front();
  report.model = first.getString("model").value_or("").str();
  report.step = first.getString("step").value_or("").str();
  report.batch = static_cast<int>(numberOf(first, "batch"));
  report.threads = static_cast<int>(numberOf(first, "threads"));
  report.data = line.get("data");
  report.rounds = rounds;
  report.ratio = median(ratios);
  report.fused = readSide(fused);
  report.unfused = readSide(unfused);
}

} // namespace

int runBench(const CommandLine &line) {
  requireNumber<long>(line, "batch", 1, 1L << 31, "a whole number above 0");
  requireNumber<long>(line, "threads", 1, 64, "a whole number from 1 to 64");
  requireNumber<long>(line, "validation", 1, 1L << 31, "a whole number above 0");
  requireNumber<double>(line, "seconds", 1e-3, 86400, "a number of seconds, 0.001 to 86400");
  if (line.has("validation") && !line.has("data"))
    throw Failure{WrongCommandLine, "`--validation` holds out rows of `--data FILE`"};
  CompileRequest request = requestOf(line);
  if (line.has("plot"))
    checkPictureOutput(line.get("plot"), request.path, line.has("force"));
  try {
    std::optional<Programs> programs = buildAll(request);
    if (!programs)
      return WrongInput;
    BenchReport report;
    report.cpu = programs->cpu;
    report.real = request.realIsF64 ? "f64" : "f32";
    report.math = request.architectures.empty() ? "" : request.math;
    measure(line, *programs, report);
    if (line.has("plot"))
      installPicture(benchSvg(report), line.get("plot"));
    printOut(line.has("json") ? benchJson(report) : renderBench(report));
  } catch (const ProgramFailed &failed) {
    return failed.exitCode;
  }
  return Done;
}

} // namespace hornfels::driver
