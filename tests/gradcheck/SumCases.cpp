// Reductions, contractions and ragged tokens.
#include "tests/gradcheck/Cases.h"

namespace hornfels::gradcheck {

static const Domain both{0.1, 2, true};
static const Domain spread{-2, 2, false, true};

std::vector<Case> reductionCases() {
  std::vector<Case> cases;
  struct Row {
    const char *from, *axes, *to;
  };
  const Row rows[] = {{"?x7", "[1]", "?"},      {"?x7", "[0]", "7"},     {"?x7", "[0, 1]", ""},
                      {"?x3x5", "[1]", "?x5"},  {"?x3x5", "[2]", "?x3"}, {"?x3x5", "[1, 2]", "?"},
                      {"?x3x5", "[0, 2]", "3"}, {"?x3x5", "[0]", "3x5"}, {"17", "[0]", ""},
                      {"4x9", "[0]", "9"},      {"4x9", "[1]", "4"},     {"?x1", "[1]", "?"},
                      {"1x5", "[0]", "5"},      {"?", "[0]", ""},        {"3x4", "[]", "3x4"}};
  for (const char *op : {"reduce_sum", "reduce_max", "reduce_min", "reduce_prod"})
    for (const Row &r : rows) {
      // A product of many: near 1, so that it stays of order 1.
      const bool picks = std::string(op) == "reduce_max" || std::string(op) == "reduce_min";
      const Domain domain = std::string(op) == "reduce_prod" ? Domain{0.8, 1.25, true}
                            : picks                          ? spread
                                                             : both;
      cases.push_back({op,
                       {{"x", real(r.from), domain}},
                       "@y = horn." + std::string(op) + " @x axes " + r.axes + " : " + real(r.from),
                       real(r.to)});
    }
  // Equal extrema share the gradient.
  const std::string six = real("2x3");
  cases.push_back({"reduce_max",
                   {{"x", six, {}, true, {1, 3, 3, 2, 0, -1}, {0, 0.5, 0.5, 1, 0, 0}}},
                   "@y = horn.reduce_max @x axes [1] : " + six,
                   real("2")});
  cases.push_back({"reduce_min",
                   {{"x", six, {}, true, {1, 1, 1, 2, 0, -1}, {1. / 3, 1. / 3, 1. / 3, 0, 0, 1}}},
                   "@y = horn.reduce_min @x axes [1] : " + six,
                   real("2")});
  cases.push_back({"reduce_max",
                   {{"x", six, {}, true, {1, 3, 3, 1, 0, 3}, {0.5, 1, 0.5, 0.5, 0, 0.5}}},
                   "@y = horn.reduce_max @x axes [0] : " + six,
                   real("3")});
  for (const char *axis : {"1", "2"}) {
    const std::string to = axis[0] == '1' ? "?x5" : "?x3";
    cases.push_back({"argmax",
                     {{"x", real("?x3x5"), spread}, {"w", real(to), both}},
                     "@i = horn.argmax @x axis " + std::string(axis) + " : " + real("?x3x5") +
                         "\n@f = horn.cast @i : tensor<" + to + "xi32> to " + real(to) +
                         "\n@y = horn.mul @f, @w : " + real(to),
                     real(to)});
  }
  return cases;
}

std::vector<Case> contractionCases() {
  std::vector<Case> cases;
  struct Row {
    const char *dims, *a, *b, *lhs, *rhs, *out, *to;
  };
  const Row rows[] = {
      {"b, n, k", "?x7", "7x5", "b, k", "k, n", "b, n", "?x5"}, // x . w
      {"b, n, k", "?x7", "5x7", "b, k", "n, k", "b, n", "?x5"}, // x . w'
      {"b, n, k", "7x5", "?x7", "k, n", "b, k", "b, n", "?x5"}, // operands changed over
      {"b, n, k", "?x17", "17x33", "b, k", "k, n", "b, n", "?x33"},
      {"b, n, k", "?x1", "1x3", "b, k", "k, n", "b, n", "?x3"},
      {"b, n, k", "?x7", "7x1", "b, k", "k, n", "b, n", "?x1"},
      {"b, m, n", "?x4", "?x6", "b, m", "b, n", "m, n", "4x6"}, // x' . dy
      {"b, m, n", "?x4", "?x6", "b, m", "b, n", "n, m", "6x4"},
      {"m, n, k", "3x4", "4x5", "m, k", "k, n", "m, n", "3x5"},
      {"m, n, k", "4x3", "4x5", "k, m", "k, n", "m, n", "3x5"},
      {"m, n, k", "3x4", "5x4", "m, k", "n, k", "n, m", "5x3"},
      {"b, m, n, k", "?x2x3", "?x3x4", "b, m, k", "b, k, n", "b, m, n", "?x2x4"}, // a product for each sample
      {"b, m, n, k", "?x3x2", "?x4x3", "b, k, m", "b, n, k", "b, n, m", "?x4x2"},
      {"b, t, n, k", "?x3x5", "5x4", "b, t, k", "k, n", "b, t, n", "?x3x4"}, // dense over time
      {"b, n, i, j", "?x3x5", "3x5x4", "b, i, j", "i, j, n", "b, n", "?x4"}, // two axes summed
      {"b, h, t, s, d", "?x3x2x5", "?x4x2x5", "b, t, h, d", "b, s, h, d", "b, h, t, s",
       "?x2x3x4"},                                 // attention
      {"m, n", "4", "6", "m", "n", "m, n", "4x6"}, // outer product
      {"b, n", "?", "6", "b", "n", "b, n", "?x6"},
      {"k", "9", "9", "k", "k", "", ""},                // dot product
      {"b, k", "?x9", "?x9", "b, k", "b, k", "b", "?"}, // a dot product for each sample
      {"b, k", "?x9", "?x9", "b, k", "b, k", "", ""},
      {"b, k", "?x9", "?x9", "b, k", "b, k", "k", "9"},
      {"b, n", "?x6", "6", "b, n", "n", "b, n", "?x6"}, // scaled columns
  };
  for (const Row &r : rows) {
    auto map = [&](const char *results) {
      return "affine_map<(" + std::string(r.dims) + ") -> (" + results + ")>";
    };
    cases.push_back({"contract",
                     {{"a", real(r.a), both}, {"b", real(r.b), both}},
                     "@y = horn.contract @a, @b [" + map(r.lhs) + ", " + map(r.rhs) + ", " + map(r.out) +
                         "] : " + real(r.a) + ", " + real(r.b),
                     real(r.to)});
  }
  // A matrix with itself.
  cases.push_back(
      {"contract",
       {{"a", real("5x5"), both}},
       "@y = horn.contract @a, @a [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, "
       "affine_map<(m, n, k) -> (m, n)>] : " +
           real("5x5") + ", " + real("5x5"),
       real("5x5")});
  return cases;
}

std::vector<Case> tokenCases() {
  std::vector<Case> cases;
  for (const char *vocabulary : {"9", "70000"}) {
    const std::string type = "!horn.tokens<" + std::string(vocabulary) + ">", v = vocabulary;
    const bool small = v.size() == 1;
    for (const char *distinct : {"", " distinct"}) {
      for (const char *columns : {"x5", "x17", "x1"}) {
        const std::string c = columns;
        if (small || c == "x5")
          cases.push_back(
              {"gather_sum",
               {{"t", type, {}, false}, {"w", real(v + c), both}},
               "@y = horn.gather_sum @t, @w" + std::string(distinct) + " : " + type + ", " + real(v + c),
               real("?" + c)});
        if (small)
          cases.push_back(
              {"scatter_add",
               {{"t", type, {}, false}, {"x", real("?" + c), both}},
               "@y = horn.scatter_add @t, @x" + std::string(distinct) + " : " + type + ", " + real("?" + c),
               real(v + c)});
      }
    }
    if (!small)
      continue;
    for (const char *op : {"multi_hot", "count"}) {
      // As data; and contracted, which becomes a sum of rows.
      const std::string made = "@m = horn." + std::string(op) + " @t : " + type + " to " + real("?x9") + "\n";
      cases.push_back({op,
                       {{"t", type, {}, false}, {"x", real("?x9"), both}},
                       made + "@y = horn.mul @m, @x : " + real("?x9"),
                       real("?x9")});
      cases.push_back(
          {op,
           {{"t", type, {}, false}, {"w", real("9x4"), both}},
           made +
               "@y = horn.contract @m, @w [affine_map<(b, n, k) -> (b, k)>, affine_map<(b, n, k) -> (k, n)>, "
               "affine_map<(b, n, k) -> (b, n)>] : " +
               real("?x9") + ", " + real("9x4"),
           real("?x4")});
    }
  }
  return cases;
}

} // namespace hornfels::gradcheck
