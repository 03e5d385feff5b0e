// The table of kernels that `hornfels bench` reads: what each step calls, and what that has to do.
#include "codegen/project/ModelPrinter.h"

using namespace mlir;

namespace hornfels {

/// "{fixed, per_sample, per_id}" of a part of horn.work.
static std::string amount(DictionaryAttr work, StringRef part) {
  std::string text = "{";
  auto values = work ? work.getAs<DenseF64ArrayAttr>(part) : DenseF64ArrayAttr();
  for (unsigned i = 0; i < 3; ++i) {
    double value = values ? values[i] : 0;
    text += (i ? ", " : "") + literal(value, Float64Type::get(work.getContext()));
  }
  return text + "}";
}

static std::string entryOf(const Lap &lap) {
  std::string text =
      "    {" + quoted(lap.name) + ", " + quoted(lap.layer) + ", " + std::to_string(lap.tokens);
  if (!lap.work) {
    std::string once = "{" + std::to_string(lap.copiedBytes) + ", 0, 0}";
    std::string twice = "{" + std::to_string(2 * lap.copiedBytes) + ", 0, 0}";
    return text + ", {0, 0, 0}, " + once + ", " + once + ", " + twice + ", {0, 0, 0}, 0},\n";
  }
  for (StringRef part : {"flops", "read", "written", "touched", "gathered"})
    text += (part == "flops" ? ",\n     " : ", ") + amount(lap.work, part);
  return text + (lap.products ? ", 1" : ", 0") + "},\n";
}

std::string ModelPrinter::printLapTable() const {
  std::string lists, table;
  for (StringRef step : {"predict", "evaluate_step", "train_step"}) {
    auto found = laps.find(step);
    size_t count = found == laps.end() ? 0 : found->second.size();
    table += "{" + step.str() + "_kernels, " + std::to_string(count) + "}, ";
    lists += "\nstatic const lap_kernel " + step.str() + "_kernels[] = {\n";
    for (size_t i = 0; i < count; ++i)
      lists += entryOf(found->second[i]);
    lists += "    {}};\n";
  }
  int64_t lanes = vectorBytesOf(options.cpu) / static_cast<int64_t>(sizeof(float));
  table += options.target == "cuda" ? "nullptr, 0, " + quoted(options.math) : "kernel_ticks, " + std::to_string(lanes) + ", nullptr";
  return lists + "\nextern const lap_table " + name + "_laps;\nconst lap_table " + name + "_laps = {" + table + "};\n";
}

/// What main.cpp says in addition: the runtime finds it by its name. A device's steps can be timed without laps, too.
std::string ModelPrinter::printDeviceBenchSupport() const {
  std::string table = options.laps ? name + "_laps" : "";
  return "\n/* How `bench` takes the time on the device. */\n#include \"runtime/device/bench.h\"\n#include \"runtime/program/program.h\"\n" +
         (options.laps ? "\nextern const hornfels::lap_table " + table + ";" : std::string()) +
         "\nextern \"C\" const hornfels::bench_support hornfels_program_bench;\nextern \"C\" const hornfels::bench_support "
         "hornfels_program_bench = {\n    " +
         (options.laps ? "&" + table : "nullptr") + ", nullptr, nullptr, &hornfels::device::bench_on_device};\n";
}

std::string ModelPrinter::printBenchSupport() const {
  if (options.target == "cuda")
    return printDeviceBenchSupport();
  return "\n#include \"runtime/program/bench/heap_calls.h\"\n"
         "#include \"runtime/program/bench/peak_loops.h\"\n"
         "#include \"runtime/program/program.h\"\n\nextern const hornfels::lap_table " +
         name +
         "_laps;\nextern \"C\" const hornfels::bench_support hornfels_program_bench;\nextern \"C\" const "
         "hornfels::bench_support hornfels_program_bench = {&" +
         name + "_laps, hornfels::heap_calls, hornfels::target_peak_loops, nullptr};\n";
}

} // namespace hornfels
