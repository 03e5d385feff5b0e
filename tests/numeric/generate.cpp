// Writes random graphs, each fused and unfused: numeric_generate DIRECTORY FIRST_SEED COUNT TARGET...
//
// The targets take turns. Beside the sources stands numeric_table.cpp. A seed that does not compile is named
// on stderr; the others are written all the same, and the exit code is 1.
#include "tests/numeric/Evaluate.h"
#include "tests/numeric/RandomGraph.h"
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

int main(int argc, char **argv) {
  if (argc < 5)
    return std::cerr << "usage: numeric_generate DIRECTORY FIRST_SEED COUNT TARGET...\n", 2;
  const std::string directory = argv[1];
  const uint64_t first = std::strtoull(argv[2], nullptr, 10), count = std::strtoull(argv[3], nullptr, 10);
  const uint64_t targets = static_cast<uint64_t>(argc) - 4;
  std::string declarations, table;
  int failures = 0;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const std::string cpu = argv[4 + (seed - first) % targets], name = "graph" + std::to_string(seed);
    bool good = true;
    for (bool fuse : {true, false})
      good &= writeModel(randomGraph(seed, name + (fuse ? "_fused" : "_unfused")), {fuse, cpu}, directory);
    std::vector<Expected> expected;
    good = good && evaluate(randomGraph(seed, name), {1, 5, 19}, expected);
    if (!good) {
      std::cerr << "seed " << seed << " (" << cpu << ") is not compiled\n";
      ++failures;
      continue;
    }
    declarations +=
        "extern \"C\" const hornfels_model " + name + "_fused_model, " + name + "_unfused_model;\n";
    table += "    {" + std::to_string(seed) + ", \"" + cpu + "\", &" + name + "_fused_model, &" + name +
             "_unfused_model, " + textOf(expected) + "},\n";
  }
  std::ofstream out(directory + "/numeric_table.cpp");
  out << "#include \"tests/numeric/Table.h\"\n\n"
      << declarations << "\nnamespace hornfels::numeric {\nconst std::vector<Graph> graphs = {\n"
      << table << "};\n} // namespace hornfels::numeric\n";
  return out.flush() && failures == 0 ? 0 : 1;
}
