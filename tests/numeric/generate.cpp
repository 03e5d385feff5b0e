// Writes graphs, each fused and unfused: numeric_generate random|wide DIRECTORY FIRST_SEED COUNT TARGET...
//
// The targets take turns; the unfused side of a wide graph is for the next one. `cuda` as one of them is CUDA: then a pair of
// seeds has a turn, so that each real type comes to each, and one side of every graph is for the next target. Beside the sources stand
// numeric_table.cpp and targets.txt, a line "graph0_fused x86-64-v4" for each source. A seed that does not compile is
// named on stderr; the others are written all the same, and the exit code is 1.
#include "tests/numeric/Evaluate.h"
#include "tests/numeric/RandomGraph.h"
#include "tests/numeric/WideGraph.h"
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>

using namespace hornfels::tests;

static std::string listOf(const std::vector<std::pair<std::string, double>> &entries) {
  std::string text;
  char number[40];
  for (const auto &[name, value] : entries) {
    std::snprintf(number, sizeof number, "%.17g", value);
    // What is no number is compared as such.
    text += "{\"" + name + "\", " + (std::isfinite(value) ? number : "__builtin_nan(\"\")") + "}, ";
  }
  return "{" + text + "}";
}

static std::string textOf(const std::vector<Expected> &expected) {
  std::string text;
  for (const Expected &e : expected)
    text += "\n      {" + std::to_string(e.batch) + ", " + listOf(e.outputs) + ",\n       " +
            listOf(e.metrics) + ",\n       " + listOf(e.variables) + "},";
  return "{" + text + "}";
}

namespace {

/// A kind of graph, the batches that are evaluated and those that are compared.
struct Kind {
  ModelText (*graph)(uint64_t seed, const std::string &name);
  std::string (*name)(uint64_t seed);
  std::vector<int64_t> evaluated;
  const char *compared;
  bool crosses = false; // the unfused side is for another target
};

Kind kindOf(const std::string &name) {
  if (name == "wide")
    return {wideGraph, wideName, {1, 7, 34}, "1, 2, 7, 8, 9, 13, 64, 130", true};
  return {randomGraph, [](uint64_t seed) { return std::to_string(seed); }, {1, 5, 19}, "1, 5, 8, 19, 64, 517"};
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 6)
    return std::cerr << "usage: numeric_generate random|wide DIRECTORY FIRST_SEED COUNT TARGET...\n", 2;
  Kind kind = kindOf(argv[1]);
  const std::string directory = argv[2];
  const std::vector<std::string> targets(argv + std::min(argc, 5), argv + argc);
  const bool hasDevice = std::find(targets.begin(), targets.end(), "cuda") != targets.end();
  const uint64_t first = std::strtoull(argv[3], nullptr, 10), count = std::strtoull(argv[4], nullptr, 10);
  if (hasDevice) { // a thread of a device is a function call here
    kind.crosses = true;
    kind.compared = "1, 5, 8, 19, 66";
  }
  std::string declarations, table, sides;
  int failures = 0;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const uint64_t turn = (seed - first) / (hasDevice ? 2 : 1);
    std::string cpu = targets[turn % targets.size()];
    const std::string name = "graph" + std::to_string(seed),
                      other = kind.crosses ? targets[(turn + 1) % targets.size()] : cpu;
    bool good = true;
    for (bool fuse : {true, false}) {
      const std::string side = name + (fuse ? "_fused" : "_unfused");
      ModelText model = kind.graph(seed, side);
      // Six seeds have each real type for each target: of these the next six are cut for a large batch, one side or both.
      if (seed / (fuse ? 6 : 12) % 2 == 1)
        model.batchSize = ModelText::kLargeBatch;
      good &= writeModel(model, {fuse, fuse ? cpu : other}, directory);
      sides += side + " " + (fuse ? cpu : other) + "\n";
    }
    if (other != cpu)
      cpu += ", " + other;
    std::vector<Expected> expected;
    good = good && evaluate(kind.graph(seed, name), kind.evaluated, expected);
    if (!good) {
      std::cerr << "seed " << seed << " (" << cpu << ") is not compiled\n";
      ++failures;
      continue;
    }
    declarations +=
        "extern \"C\" const hornfels_model " + name + "_fused_model, " + name + "_unfused_model;\n";
    table += "    {\"" + kind.name(seed) + "\", \"" + cpu + "\", &" + name + "_fused_model, &" + name +
             "_unfused_model, " + textOf(expected) + "},\n";
  }
  std::ofstream out(directory + "/numeric_table.cpp");
  out << "#include \"tests/numeric/Table.h\"\n\n"
      << declarations << "\nnamespace hornfels::numeric {\nconst std::vector<int64_t> batches = {" << kind.compared
      << "};\nconst std::vector<Graph> graphs = {\n"
      << table << "};\n} // namespace hornfels::numeric\n";
  std::ofstream(directory + "/targets.txt") << sides;
  return out.flush() && failures == 0 ? 0 : 1;
}
