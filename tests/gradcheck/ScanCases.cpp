// Recurrences: carries, elements and invariants, which enter by contractions, row by row and in other ways.
#include "tests/gradcheck/Cases.h"

namespace hornfels::gradcheck {

static const Domain both{0.1, 1, true};

namespace {

/// The text of a scan: what stands between its arguments and its results.
struct Scan {
  int length;
  std::string initial, xs, invariants; ///< "@h0, @c0"
  std::string types;                   ///< of all operands
  std::string results;                 ///< types of the results
  std::string arguments, body;         ///< "@h: tensor<...>, ...", operations with a yield
  bool reverse = false;

  std::string text(const std::string &name, int count) const {
    return name + (count > 1 ? ":" + std::to_string(count) : "") + " = horn.scan " + std::to_string(length) +
           (reverse ? " reverse" : "") + " initial(" + initial + ") over(" + xs + ") with(" + invariants + ") : (" + types +
           ") -> (" + results + ") {\n^bb0(" + arguments + "):\n" + body + "\n}";
  }
};

const std::string product = "[affine_map<(b, n, k) -> (b, k)>, affine_map<(b, n, k) -> (k, n)>, affine_map<(b, n, k) -> (b, n)>]";

std::string contract(const std::string &result, const std::string &a, const std::string &b, const std::string &shapeA,
                     const std::string &shapeB) {
  return result + " = horn.contract " + a + ", " + b + " " + product + " : " + real(shapeA) + ", " + real(shapeB) + "\n";
}

/// h' = tanh(x . w + h . u + b), with all three weights in the body
Scan simple(int length, const std::string &in, const std::string &units, bool reverse) {
  const std::string h = real("?x" + units), x = real("?x" + in);
  return {length,
          "@h0",
          "@x",
          "@w, @u, @b",
          h + ", " + real("?x" + std::to_string(length) + "x" + in) + ", " + real(in + "x" + units) + ", " +
              real(units + "x" + units) + ", " + real(units),
          h + ", " + real("?x" + std::to_string(length) + "x" + units),
          "@h: " + h + ", @xt: " + x + ", @wi: " + real(in + "x" + units) + ", @ui: " + real(units + "x" + units) +
              ", @bi: " + real(units),
          contract("@xw", "@xt", "@wi", "?x" + in, in + "x" + units) +
              contract("@hu", "@h", "@ui", "?x" + units, units + "x" + units) + "@s = horn.add @xw, @hu : " + h +
              "\n@bb = horn.broadcast @bi dims [1] : " + real(units) + " to " + h + "\n@z = horn.add @s, @bb : " + h +
              "\n@n = horn.tanh @z : " + h + "\nhorn.yield @n, @n : " + h + ", " + h,
          reverse};
}

Case simpleCase(int length, const std::string &in, const std::string &units, bool reverse, bool stacked) {
  const std::string places = std::to_string(length), ys = real("?x" + places + "x" + units);
  Case c{"scan",
         {{"x", real("?x" + places + "x" + in), both},
          {"h0", real("?x" + units), both},
          {"w", real(in + "x" + units), both},
          {"u", real(units + "x" + units), {0.05, 0.4, true}},
          {"b", real(units), both}},
         simple(length, in, units, reverse).text("@r0", 2),
         stacked ? ys : real("?x" + units)};
  if (stacked) // the last carry counts too
    c.body += "\n@l = horn.broadcast @r0#0 dims [0, 2] : " + real("?x" + units) + " to " + ys + "\n@y = horn.mul @r0#1, @l : " + ys;
  else
    c.body += "\n@y = horn.neg @r0#0 : " + real("?x" + units);
  return c;
}

/// c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c'), the gates slices of z + h . u
Case gates(int length, const std::string &units, const std::string &wide, bool reverse) {
  const std::string places = std::to_string(length), h = real("?x" + units), z = real("?x" + wide),
                    zs = real("?x" + places + "x" + wide), u = real(units + "x" + wide);
  auto slice = [&](const std::string &name, int part) {
    return "@" + name + "s = horn.slice @t offsets [0, " + std::to_string(part * std::stoi(units)) + "] sizes [-1, " + units +
           "] strides [1, 1] : " + z + "\n@" + name + " = horn." + (part == 2 ? "tanh" : "sigmoid") + " @" + name + "s : " + h +
           "\n";
  };
  Scan scan{length,
            "@h0, @c0",
            "@z",
            "@u",
            h + ", " + h + ", " + zs + ", " + u,
            h + ", " + h + ", " + real("?x" + places + "x" + units),
            "@h: " + h + ", @c: " + h + ", @zt: " + z + ", @ui: " + u,
            contract("@hu", "@h", "@ui", "?x" + units, units + "x" + wide) + "@t = horn.add @zt, @hu : " + z + "\n" +
                slice("i", 0) + slice("f", 1) + slice("g", 2) + slice("o", 3) + "@fc = horn.mul @f, @c : " + h +
                "\n@ig = horn.mul @i, @g : " + h + "\n@cn = horn.add @fc, @ig : " + h + "\n@tc = horn.tanh @cn : " + h +
                "\n@hn = horn.mul @o, @tc : " + h + "\nhorn.yield @hn, @cn, @hn : " + h + ", " + h + ", " + h,
            reverse};
  return {"scan",
          {{"z", zs, both}, {"h0", h, both}, {"c0", h, both}, {"u", u, {0.05, 0.4, true}}},
          scan.text("@s", 3) + "\n@sum = horn.reduce_sum @s#2 axes [1] : " + real("?x" + places + "x" + units) +
              "\n@a = horn.mul @sum, @s#1 : " + h + "\n@y = horn.add @a, @s#0 : " + h,
          h};
}

/// Invariants that enter in other ways: row by row, for each sample, and through functions of their own.
std::vector<Case> otherInvariants() {
  const std::string h = real("?x5"), xs = real("?x4x5"), five = real("5");
  Scan decay{4, "@h0", "@x", "@a, @c", h + ", " + xs + ", " + five + ", " + h, h + ", " + xs,
             "@h: " + h + ", @xt: " + h + ", @ai: " + five + ", @ci: " + h,
             "@e = horn.sigmoid @ai : " + five + "\n@eb = horn.broadcast @e dims [1] : " + five + " to " + h +
                 "\n@ab = horn.broadcast @ai dims [1] : " + five + " to " + h + "\n@k = horn.mul @h, @eb : " + h +
                 "\n@m = horn.mul @xt, @ci : " + h + "\n@s = horn.add @k, @m : " + h + "\n@s2 = horn.sub @s, @ab : " + h +
                 "\n@n = horn.tanh @s2 : " + h + "\nhorn.yield @n, @n : " + h + ", " + h};
  // A carry without samples collects what all of them give; it is added to each.
  Scan common{3, "@t0", "@x", "", five + ", " + real("?x3x5"), five + ", " + real("?x3x5"), "@t: " + five + ", @xt: " + h,
              "@q = horn.square @xt : " + h + "\n@p = horn.reduce_sum @q axes [0] : " + h + "\n@n = horn.add @t, @p : " + five +
                  "\n@tb = horn.broadcast @n dims [1] : " + five + " to " + h + "\n@o = horn.add @xt, @tb : " + h +
                  "\nhorn.yield @n, @o : " + five + ", " + h};
  // One number a sample.
  const std::string one = real("?"), row = real("?x6");
  Scan scalar{6, "@h0", "@x", "@a", one + ", " + row + ", " + real(""), one + ", " + row,
              "@h: " + one + ", @xt: " + one + ", @ai: " + real(""),
              "@ab = horn.broadcast @ai dims [] : " + real("") + " to " + one + "\n@m = horn.mul @h, @ab : " + one +
                  "\n@s = horn.add @m, @xt : " + one + "\n@n = horn.sin @s : " + one + "\nhorn.yield @n, @n : " + one + ", " + one,
              true};
  return {{"scan",
           {{"x", xs, both}, {"h0", h, both}, {"a", five, both}, {"c", h, both}},
           decay.text("@r0", 2) + "\n@y = horn.mul @r0#1, @r0#1 : " + xs,
           xs},
          {"scan",
           {{"x", real("?x3x5"), {0.02, 0.2, true}}, {"t0", five, both}},
           common.text("@r0", 2) + "\n@y = horn.mul @r0#1, @r0#1 : " + real("?x3x5"),
           real("?x3x5")},
          {"scan", {{"x", row, both}, {"h0", one, both}, {"a", real(""), both}}, scalar.text("@r0", 2) + "\n@y = horn.neg @r0#1 : " + row,
           row}};
}

/// Two of three rows of an element: the gradient of the element has a row that nothing is written to.
Case gap() {
  const std::string h = real("?x5"), element = real("?x3x5"), one = real("?x1x5"), xs = real("?x4x3x5");
  auto row = [&](const std::string &name, int at) {
    return "@" + name + "s = horn.slice @xt offsets [0, " + std::to_string(at) + ", 0] sizes [-1, 1, 5] strides [1, 1, 1] : " +
           element + "\n@" + name + " = horn.reshape @" + name + "s : " + one + " to " + h + "\n";
  };
  Scan scan{4, "@h0", "@x", "", h + ", " + xs, h + ", " + real("?x4x5"), "@h: " + h + ", @xt: " + element,
            row("a", 0) + row("b", 2) + "@s = horn.add @h, @a : " + h + "\n@t = horn.tanh @s : " + h + "\n@n = horn.add @t, @b : " + h +
                "\nhorn.yield @n, @n : " + h + ", " + h};
  return {"scan",
          {{"x", xs, both}, {"h0", h, both}},
          scan.text("@r0", 2) + "\n@y = horn.mul @r0#1, @r0#1 : " + real("?x4x5"),
          real("?x4x5")};
}

/// A recurrence in the body of another: along axis 1, and in each place along the next one.
Case nested() {
  const std::string h = real("?x3"), place = real("?x2x3"), xs = real("?x4x2x3"), u = real("3x3");
  Scan inner{2, "@h", "@xt", "@ui", h + ", " + place + ", " + u, h + ", " + place,
             "@g: " + h + ", @e: " + h + ", @v: " + u,
             contract("@gu", "@g", "@v", "?x3", "3x3") + "@gs = horn.add @gu, @e : " + h + "\n@gn = horn.tanh @gs : " + h +
                 "\nhorn.yield @gn, @gn : " + h + ", " + h};
  Scan outer{4, "@h0", "@x", "@u", h + ", " + xs + ", " + u, h + ", " + xs, "@h: " + h + ", @xt: " + place + ", @ui: " + u,
             inner.text("@i", 2) + "\n@m = horn.mul @i#1, @xt : " + place + "\nhorn.yield @i#0, @m : " + h + ", " + place};
  return {"scan", {{"x", xs, both}, {"h0", h, both}, {"u", u, both}}, outer.text("@r0", 2) + "\n@y = horn.sin @r0#1 : " + xs, xs};
}

} // namespace

std::vector<Case> scanCases() {
  std::vector<Case> cases;
  for (bool reverse : {false, true})
    for (bool stacked : {false, true})
      cases.push_back(simpleCase(4, "3", "5", reverse, stacked));
  cases.push_back(simpleCase(1, "3", "5", false, true));
  cases.push_back(simpleCase(1, "3", "5", true, false));
  cases.push_back(simpleCase(3, "9", "33", false, true)); // remainders of tiles
  cases.push_back(gates(5, "4", "16", false));
  cases.push_back(gates(3, "9", "36", true));
  cases.push_back(gates(100, "17", "68", false)); // rows so wide that a part's are copied together, two samples at a time
  cases.back().operands.back().domain = {0.02, 0.1, true};
  for (Case &c : otherInvariants())
    cases.push_back(std::move(c));
  cases.push_back(nested());
  cases.push_back(gap());
  return cases;
}

} // namespace hornfels::gradcheck
