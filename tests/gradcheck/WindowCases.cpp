// Windows, what is made of them, and rows of tables.
#include "tests/gradcheck/Cases.h"

namespace hornfels::gradcheck {

static const Domain both{0.1, 2, true};
static const Domain spread{-2, 2, false, true};

namespace {
/// Windows of one tensor: "[1, 2]" and so on, the shape of their places and the sizes inside.
struct Windows {
  const char *from, *axes, *sizes, *strides, *dilations, *places, *inside;

  std::string attributes() const {
    return std::string("axes ") + axes + " sizes " + sizes + " strides " + strides + " dilations " + dilations;
  }
};
} // namespace

static const Windows all[] = {
    {"?x9", "[1]", "[3]", "[1]", "[1]", "?x7", "x3"},
    {"?x9", "[1]", "[3]", "[3]", "[1]", "?x3", "x3"},
    {"?x10", "[1]", "[3]", "[3]", "[1]", "?x3", "x3"}, // one element in no window
    {"?x9", "[1]", "[3]", "[2]", "[2]", "?x3", "x3"},
    {"?x9", "[1]", "[2]", "[4]", "[1]", "?x2", "x2"}, // elements between windows
    {"?x9", "[1]", "[9]", "[1]", "[1]", "?x1", "x9"},
    {"?x9", "[1]", "[5]", "[7]", "[1]", "?x1", "x5"}, // one place, the first elements
    {"?x9", "[1]", "[1]", "[1]", "[1]", "?x9", "x1"},
    {"?x9", "[1]", "[1]", "[2]", "[1]", "?x5", "x1"},
    {"?x6x3", "[1]", "[2]", "[2]", "[1]", "?x3x3", "x2"},
    {"?x5x6x3", "[1, 2]", "[2, 3]", "[1, 1]", "[1, 1]", "?x4x4x3", "x2x3"},
    {"?x5x6x3", "[1, 2]", "[2, 2]", "[2, 2]", "[1, 1]", "?x2x3x3", "x2x2"},
    {"?x5x6x2", "[1, 2]", "[3, 2]", "[2, 3]", "[1, 2]", "?x2x2x2", "x3x2"},
    {"?x4x3x4x2", "[1, 2, 3]", "[2, 2, 2]", "[2, 1, 2]", "[1, 1, 1]", "?x2x2x2x2", "x2x2x2"},
    {"7x4", "[0]", "[2]", "[2]", "[1]", "3x4", "x2"},
};

static void addConvolutions(std::vector<Case> &cases) {
  struct Row {
    Windows windows;
    const char *kernel, *dims, *seen, *ofKernel, *out, *to;
  };
  const Row rows[] = {
      {{"?x9x4", "[1]", "[3]", "[1]", "[1]", "?x7x4", "x3"}, "3x4x5", "n, a, o, k, i", "n, a, i, k", "k, i, o", "n, a, o",
       "?x7x5"},
      {{"?x9x4", "[1]", "[3]", "[2]", "[2]", "?x3x4", "x3"}, "3x4x5", "n, a, o, k, i", "n, a, i, k", "k, i, o", "n, a, o",
       "?x3x5"},
      {{"?x9x4", "[1]", "[2]", "[4]", "[1]", "?x2x4", "x2"}, "2x4x17", "n, a, o, k, i", "n, a, i, k", "k, i, o", "n, a, o",
       "?x2x17"},
      {{"?x6x7x3", "[1, 2]", "[3, 2]", "[1, 1]", "[1, 1]", "?x4x6x3", "x3x2"}, "3x2x3x4", "n, a, b, o, k, l, i",
       "n, a, b, i, k, l", "k, l, i, o", "n, a, b, o", "?x4x6x4"},
      {{"?x6x7x3", "[1, 2]", "[3, 2]", "[2, 3]", "[1, 2]", "?x2x2x3", "x3x2"}, "3x2x3x4", "n, a, b, o, k, l, i",
       "n, a, b, i, k, l", "k, l, i, o", "n, a, b, o", "?x2x2x4"},
      {{"?x5x5x3", "[1, 2]", "[1, 1]", "[1, 1]", "[1, 1]", "?x5x5x3", "x1x1"}, "1x1x3x4", "n, a, b, o, k, l, i",
       "n, a, b, i, k, l", "k, l, i, o", "n, a, b, o", "?x5x5x4"},
      {{"?x5x5x3", "[1, 2]", "[1, 1]", "[2, 2]", "[1, 1]", "?x3x3x3", "x1x1"}, "1x1x3x4", "n, a, b, o, k, l, i",
       "n, a, b, i, k, l", "k, l, i, o", "n, a, b, o", "?x3x3x4"},
      {{"?x5x5x1", "[1, 2]", "[5, 5]", "[1, 1]", "[1, 1]", "?x1x1x1", "x5x5"}, "5x5x1x4", "n, a, b, o, k, l, i",
       "n, a, b, i, k, l", "k, l, i, o", "n, a, b, o", "?x1x1x4"},
      {{"?x6x7x1", "[1, 2]", "[3, 2]", "[1, 1]", "[1, 1]", "?x4x6x1", "x3x2"}, "3x2x1x1", "n, a, b, o, k, l, i",
       "n, a, b, i, k, l", "k, l, i, o", "n, a, b, o", "?x4x6x1"},
      // each channel on its own; in groups
      {{"?x6x5x3", "[1, 2]", "[2, 2]", "[1, 2]", "[1, 1]", "?x5x2x3", "x2x2"}, "2x2x3x2", "n, a, b, c, m, k, l",
       "n, a, b, c, k, l", "k, l, c, m", "n, a, b, c, m", "?x5x2x3x2"},
      {{"?x6x5x2x3", "[1, 2]", "[2, 2]", "[1, 2]", "[1, 1]", "?x5x2x2x3", "x2x2"}, "2x2x3x2x4", "n, a, b, g, o, k, l, i",
       "n, a, b, g, i, k, l", "k, l, i, g, o", "n, a, b, g, o", "?x5x2x2x4"},
      {{"?x4x4x4x2", "[1, 2, 3]", "[2, 2, 3]", "[2, 1, 1]", "[1, 1, 1]", "?x2x3x2x2", "x2x2x3"}, "2x2x3x2x3",
       "n, a, b, c, o, k, l, m, i", "n, a, b, c, i, k, l, m", "k, l, m, i, o", "n, a, b, c, o", "?x2x3x2x3"},
  };
  for (const Row &r : rows) {
    auto map = [&](const char *results) {
      return "affine_map<(" + std::string(r.dims) + ") -> (" + results + ")>";
    };
    const std::string seen = real(std::string(r.windows.places) + r.windows.inside);
    cases.push_back({"windows",
                     {{"x", real(r.windows.from), both}, {"w", real(r.kernel), both}},
                     "@s = horn.windows @x " + r.windows.attributes() + " : " + real(r.windows.from) +
                         "\n@y = horn.contract @s, @w [" + map(r.seen) + ", " + map(r.ofKernel) + ", " + map(r.out) +
                         "] : " + seen + ", " + real(r.kernel),
                     real(r.to)});
  }
}

std::vector<Case> windowCases() {
  std::vector<Case> cases;
  for (const Windows &w : all) {
    const std::string from = real(w.from), places = real(w.places), seen = real(std::string(w.places) + w.inside);
    auto one = [&](const std::string &op, const std::string &type, Domain domain) {
      cases.push_back({op, {{"x", from, domain}}, "@y = horn." + op + " @x " + w.attributes() + " : " + from, type});
    };
    one("windows", seen, both);
    one("window_max", places, spread);
    one("window_sum", places, both);
    cases.push_back({"fold", {{"x", seen, both}}, "@y = horn.fold @x " + w.attributes() + " : " + seen + " to " + from, from});
    cases.push_back({"window_argmax",
                     {{"x", from, spread}, {"w", places, both}},
                     "@i = horn.window_argmax @x " + w.attributes() + " : " + from + "\n@f = horn.cast @i : tensor<" +
                         w.places + "xi32> to " + places + "\n@y = horn.mul @f, @w : " + places,
                     places});
  }
  // Of equal ones the first has the gradient.
  cases.push_back({"window_max",
                   {{"x", real("2x4"), {}, true, {1, 3, 3, 3, 2, 2, -1, -1}, {0, 1, 1, 0, 1, 0, 1, 0}}},
                   "@y = horn.window_max @x axes [1] sizes [2] strides [2] dilations [1] : " + real("2x4"),
                   real("2x2")});
  cases.push_back({"window_max",
                   {{"x", real("5"), {}, true, {0, 3, 3, 1, 3}, {0, 2, 1, 0, 0}}},
                   "@y = horn.window_max @x axes [0] sizes [3] strides [1] dilations [1] : " + real("5"),
                   real("3")});
  addConvolutions(cases);
  // Backwards.
  cases.push_back({"slice",
                   {{"x", real("?x5x3"), both}},
                   "@y = horn.slice @x offsets [0, 4, 0] sizes [-1, 3, 3] strides [1, -2, 1] : " + real("?x5x3"),
                   real("?x3x3")});
  cases.push_back({"slice",
                   {{"x", real("?x5"), both}, {"w", real("?x5"), both}},
                   "@q = horn.slice @x offsets [0, 4] sizes [-1, 5] strides [1, -1] : " + real("?x5") +
                       "\n@y = horn.mul @q, @w : " + real("?x5"),
                   real("?x5")});
  cases.push_back({"embed",
                   {{"x", real("?x3"), both}},
                   "@y = horn.embed @x offsets [0, 1] strides [1, 2] {value = 2.5 : f64} : " + real("?x3") + " to " +
                       real("?x8"),
                   real("?x8")});
  // A pooling behind an activation behind a reshape: what follows element by element moves to where the places are chosen.
  cases.push_back({"window_max",
                   {{"x", real("?x24"), spread}},
                   "@q = horn.reshape @x : " + real("?x24") + " to " + real("?x4x6") + "\n@a = horn.tanh @q : " +
                       real("?x4x6") +
                       "\n@y = horn.window_max @a axes [1, 2] sizes [2, 3] strides [2, 3] dilations [1, 1] : " +
                       real("?x4x6"),
                   real("?x2x2")});
  return cases;
}

std::vector<Case> tableCases() {
  std::vector<Case> cases;
  struct Row {
    const char *ids, *columns;
  };
  for (Row r : {Row{"?x3", "x5"}, Row{"?x3", "x33"}, Row{"?", "x5"}, Row{"?x3", ""}, Row{"?", ""}, Row{"?x2x3", "x2x4"},
                Row{"?x1", "x3"}, Row{"4", "x3"}, Row{"?x3", "x1"}}) {
    const std::string ids = std::string("tensor<") + r.ids + "xi32>", table = real(std::string("6") + r.columns),
                      rows = real(std::string(r.ids) + r.columns);
    const std::string toIds = "@i = horn.cast @p : " + real(r.ids) + " to " + ids + "\n";
    cases.push_back({"gather",
                     {{"p", real(r.ids), Domain{0.1, 5.9}, false}, {"t", table, both}},
                     toIds + "@y = horn.gather @i, @t : " + ids + ", " + table,
                     rows});
    cases.push_back({"scatter",
                     {{"p", real(r.ids), Domain{0.1, 5.9}, false}, {"d", rows, both}},
                     toIds + "@y = horn.scatter @i, @d : " + ids + ", " + rows + " to " + table,
                     table});
  }
  return cases;
}

} // namespace hornfels::gradcheck
