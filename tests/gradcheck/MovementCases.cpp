// Selection, casts and what moves data.
#include "tests/gradcheck/Cases.h"

namespace hornfels::gradcheck {

static const Domain both{0.1, 2, true};

std::vector<Case> selectionCases() {
  std::vector<Case> cases;
  const std::string type = real("?x6"), bools = "tensor<?x6xi1>";
  const std::string condition =
      "@zero = horn.full 0.0 : " + type + "\n@c = horn.compare gt @p, @zero : " + type + "\n";
  cases.push_back({"select",
                   {{"p", type, both}, {"a", type, both}, {"b", type, both}},
                   condition + "@y = horn.select @c, @a, @b : " + bools + ", " + type,
                   type});
  cases.push_back({"select",
                   {{"p", type, both}},
                   condition + "@y = horn.select @c, @p, @zero : " + bools + ", " + type,
                   type});
  // Both sides one value; and integers, from which no gradient comes.
  cases.push_back({"select",
                   {{"p", type, both}},
                   condition + "@y = horn.select @c, @p, @p : " + bools + ", " + type,
                   type});
  cases.push_back({"select",
                   {{"p", type, both}},
                   condition +
                       "@one = horn.full 1.0 : tensor<?x6xi32>\n@two = horn.full 2.0 : tensor<?x6xi32>\n"
                       "@i = horn.select @c, @one, @two : " +
                       bools +
                       ", tensor<?x6xi32>\n"
                       "@f = horn.cast @i : tensor<?x6xi32> to " +
                       type + "\n@y = horn.mul @f, @p : " + type,
                   type});
  for (const char *predicate : {"lt", "le", "gt", "ge", "eq", "ne"})
    cases.push_back({"compare",
                     {{"a", type, Domain{0.5, 1, true}}, {"b", type, Domain{0.1, 0.4, true}}},
                     "@c = horn.compare " + std::string(predicate) + " @a, @b : " + type +
                         "\n@f = horn.cast @c : " + bools + " to " + type +
                         "\n@y = horn.mul @f, @a : " + type,
                     type});

  for (const char *shape : {"?x6", "3x5", ""}) {
    const std::string wide = real(shape), narrow = wide.substr(0, wide.size() - 3) + "32>";
    cases.push_back({"cast",
                     {{"x", wide, Domain{0.5, 2, true}}},
                     "@n = horn.cast @x : " + wide + " to " + narrow + "\n@s = horn.add @n, @n : " + narrow +
                         "\n@y = horn.cast @s : " + narrow + " to " + wide,
                     wide,
                     "",
                     true});
  }
  for (const char *element : {"i32", "i64"}) {
    const std::string whole = "tensor<?x6x" + std::string(element) + ">";
    cases.push_back({"cast",
                     {{"x", type, Domain{1.2, 1.8, true}}},
                     "@i = horn.cast @x : " + type + " to " + whole + "\n@f = horn.cast @i : " + whole +
                         " to " + type + "\n@y = horn.mul @f, @x : " + type,
                     type});
  }
  // y = x * stop(x): its gradient is the slope of x * s, where s stays.
  cases.push_back({"stop_gradient",
                   {{"x", type, both}, {"s", type, both, false, {}, {}, "x"}},
                   "@t = horn.stop_gradient @x : " + type + "\n@y = horn.mul @x, @t : " + type,
                   type,
                   "@z = horn.mul @x, @s : " + type});
  cases.push_back({"stop_gradient",
                   {{"x", real("3"), {}, true, {1, -2, 0}, {0, 0, 0}}},
                   "@y = horn.stop_gradient @x : " + real("3"),
                   real("3")});
  return cases;
}

static Case move(const std::string &op, const std::string &from, const std::string &attributes,
                 const std::string &to, bool namesResult) {
  return {op,
          {{"x", real(from), both}},
          "@y = horn." + op + " @x " + attributes + " : " + real(from) +
              (namesResult ? " to " + real(to) : ""),
          real(to)};
}

static void addBroadcasts(std::vector<Case> &cases) {
  struct Row {
    const char *from, *dims, *to;
  };
  for (Row r : {Row{"", "[]", "?x3x4"}, Row{"", "[]", "5"}, Row{"3", "[1]", "?x3"}, Row{"3", "[0]", "3x4"},
                Row{"3", "[1]", "?x3x5"}, Row{"?x4", "[0, 2]", "?x3x4"}, Row{"?", "[0]", "?x5"},
                Row{"?", "[0]", "?x2x3"}, Row{"3x4", "[1, 2]", "?x3x4"}, Row{"1", "[1]", "?x1"},
                Row{"17", "[0]", "17x1"}, Row{"3x4", "[0, 1]", "3x4"}})
    cases.push_back(move("broadcast", r.from, "dims " + std::string(r.dims), r.to, true));
}

static void addReshapes(std::vector<Case> &cases) {
  struct Row {
    const char *from, *to;
  };
  for (Row r : {Row{"?x12", "?x3x4"}, Row{"?x3x4", "?x12"}, Row{"?x3x1", "?x3"}, Row{"2x6", "3x4"},
                Row{"?x1", "?"}, Row{"?", "?x1x1"}, Row{"1x1", ""}, Row{"", "1"}, Row{"?x2x3x4", "?x4x6"},
                Row{"1x5x1", "5"}, Row{"3x4", "3x4"}})
    cases.push_back(move("reshape", r.from, "", r.to, true));
}

static void addSlices(std::vector<Case> &cases) {
  struct Row {
    const char *from, *offsets, *sizes, *strides, *to;
  };
  for (Row r :
       {Row{"?x9", "[0, 2]", "[-1, 3]", "[1, 2]", "?x3"}, Row{"?x9", "[0, 0]", "[-1, 9]", "[1, 1]", "?x9"},
        Row{"?x9", "[0, 8]", "[-1, 1]", "[1, 1]", "?x1"}, Row{"17", "[3]", "[5]", "[3]", "5"},
        Row{"6x7", "[1, 2]", "[3, 2]", "[2, 4]", "3x2"},
        Row{"?x4x5", "[0, 1, 0]", "[-1, 2, 5]", "[1, 2, 1]", "?x2x5"}})
    cases.push_back(move("slice", r.from,
                         std::string("offsets ") + r.offsets + " sizes " + r.sizes + " strides " + r.strides,
                         r.to, false));
  for (Row r : {Row{"?x3", "[0, 2]", "", "[1, 2]", "?x9"}, Row{"5", "[3]", "", "[3]", "17"},
                Row{"?x3", "[0, 0]", "", "[1, 1]", "?x3"}, Row{"3x2", "[1, 2]", "", "[2, 4]", "6x7"},
                Row{"?x2x5", "[0, 1, 0]", "", "[1, 2, 1]", "?x4x5"}})
    cases.push_back(
        move("embed", r.from, std::string("offsets ") + r.offsets + " strides " + r.strides, r.to, true));
  // Overlapping slices of one value: their gradients add.
  cases.push_back({"slice",
                   {{"x", real("?x9"), both}},
                   "@a = horn.slice @x offsets [0, 0] sizes [-1, 5] strides [1, 1] : " + real("?x9") +
                       "\n@b = horn.slice @x offsets [0, 3] sizes [-1, 5] strides [1, 1] : " + real("?x9") +
                       "\n@y = horn.mul @a, @b : " + real("?x5"),
                   real("?x5")});
}

std::vector<Case> movementCases() {
  std::vector<Case> cases;
  addBroadcasts(cases);
  addReshapes(cases);
  addSlices(cases);
  cases.push_back(move("transpose", "3x5", "permutation [1, 0]", "5x3", false));
  cases.push_back(move("transpose", "3x5", "permutation [0, 1]", "3x5", false));
  cases.push_back(move("transpose", "?x3x5", "permutation [0, 2, 1]", "?x5x3", false));
  cases.push_back(move("transpose", "2x3x4", "permutation [2, 0, 1]", "4x2x3", false));
  cases.push_back(move("transpose", "?x2x3x4", "permutation [0, 3, 1, 2]", "?x4x2x3", false));

  auto concat = [&](std::vector<std::string> shapes, int axis, const std::string &to) {
    Case c{"concat", {}, "@y = horn.concat ", real(to)};
    std::string types;
    for (size_t i = 0; i < shapes.size(); ++i) {
      const std::string x = "x" + std::to_string(i);
      c.operands.push_back({x, real(shapes[i]), both});
      c.body += (i ? ", @" : "@") + x;
      types += (i ? ", " : "") + real(shapes[i]);
    }
    c.body += " axis " + std::to_string(axis) + " : " + types;
    cases.push_back(c);
  };
  concat({"?x3", "?x1", "?x5"}, 1, "?x9");
  concat({"?x2x3", "?x2x4"}, 2, "?x2x7");
  concat({"?x2x3", "?x1x3"}, 1, "?x3x3");
  concat({"3x2", "4x2"}, 0, "7x2");
  concat({"5"}, 0, "5");
  cases.push_back({"concat",
                   {{"x", real("?x3"), both}},
                   "@y = horn.concat @x, @x axis 1 : " + real("?x3") + ", " + real("?x3"),
                   real("?x6")});
  return cases;
}

} // namespace hornfels::gradcheck
