// Printing and parsing again gives the same text, and so the same tree.
#include "tests/frontend/Parsed.h"

using namespace hornfels::frontend;

namespace {

std::string reprinted(const std::string &text) {
  Parsed once(text);
  EXPECT_EQ(once.report(), "") << text;
  std::string printed = printHorn(once.syntax);
  Parsed again(printed);
  EXPECT_EQ(again.report(), "") << printed;
  EXPECT_EQ(printHorn(again.syntax), printed);
  return printed;
}

TEST(Printer, WritesEveryConstruct) {
  const std::string text = R"(import "a/b.horn"

# What it is.
#
# More.
layer l(units: int, *rest, activation = linear, flag: bool = true)(x: real[..., n], m = none) -> (real[..., units], i32[]) keeps_mask {
    require units >= 1 and not (a or b)
    weight kernel: real[n, 2 * units] = glorot_uniform
    state mean: real[] = 0.0
    mean := -mean ** 2 + (1 - 2) * 3
    if flag {
        y = x[:, -1, ..., 0:n, ::2]
    } else if units == 2 {
        y, z = f(x, *rest, name = "a \"b\"")
    } else {
        y = { a: 1, "b c": [2.5, 1e-3], 3: {} }
    }
    for i in 0..units - 1 {
        # inner
        fn g(*, q) {
            return (q,)
        }
    }
    for a, b in pairs {
        print(a, ())
    }
    return y, (1, 2)
}

model m(x: tokens[100]) -> (a, b: real[1]) {
    a = x |> multi_hot |> dense(1)
    b = (x |> f) + 1
}

train m(x: real[2]) {
    step one {
        minimize bce(1.0, x) over d, g
    }
}

optimizer o()(w, g, step) {
    slot v = zeros
    return w - (g - v)
}

metric q(target, prediction) -> real[] {
    return (a < b) == (c < d)
}
)";
  EXPECT_EQ(reprinted(text), text);
}

TEST(Printer, WritesOnlyTheParenthesesThatPrecedenceNeeds) {
  for (const char *text : {"a or b and c", "(a or b) and c", "not (a and b)", "not a == b",  "(not a) == b",
                           "a - b - c",    "a - (b - c)",    "(a ** b) ** c", "a ** b ** c", "(-a) ** b",
                           "-a ** b",      "a ** -b",        "-(a + b)",      "(x |> f)(1)", "(x |> f) |> g",
                           "x |> f |> g",  "(x |> f)[0]",    "(a, b)[0]",     "-(-a)",       "- -a"}) {
    std::string printed = groupedText(text);
    Parsed parsed = body("y = " + std::string(text));
    std::string again =
        printHorn(*as<BindStmt>(parsed.syntax.definitions.at(0)->body.statements.at(0))->value);
    EXPECT_EQ(groupedText(again), printed) << text << " was printed as " << again;
  }
  auto printed = [](const std::string &text) {
    Parsed parsed = body("y = " + text);
    return printHorn(*as<BindStmt>(parsed.syntax.definitions.at(0)->body.statements.at(0))->value);
  };
  EXPECT_EQ(printed("((a) + (b * c))"), "a + b * c");
  EXPECT_EQ(printed("(a + b) * c"), "(a + b) * c");
}

TEST(Printer, BreaksLongPipes) {
  std::string text = "model m(x: real[2]) -> y {\n    y = x";
  for (int i = 0; i < 5; ++i)
    text += " |> conv2d(64, 3, activation = relu)";
  std::string printed = reprinted(text + "\n}\n");
  EXPECT_NE(printed.find("    y = x\n        |> conv2d(64, 3, activation = relu)\n        |> "),
            std::string::npos);
}

TEST(Printer, WritesTreesThatNoTextWasReadFor) {
  FloatExpr one;
  one.value = 1;
  EXPECT_EQ(printHorn(one), "1.0");
  FloatExpr small;
  small.value = 1e-7;
  EXPECT_EQ(printHorn(small), "1e-07");
  FloatExpr third;
  third.value = 0.1;
  EXPECT_EQ(printHorn(third), "0.1");
  auto power = std::make_unique<BinaryExpr>();
  power->op = BinaryOp::Power;
  auto minusTwo = std::make_unique<IntegerExpr>();
  minusTwo->value = -2;
  auto two = std::make_unique<IntegerExpr>();
  two->value = 2;
  power->left = std::move(minusTwo);
  power->right = std::move(two);
  EXPECT_EQ(printHorn(*power), "(-2) ** 2");
}

} // namespace
