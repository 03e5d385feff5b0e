#include "tests/frontend/Parsed.h"

using namespace hornfels::frontend;
using Lines = std::vector<std::string>;

namespace {

TEST(Recovery, SeveralErrorsInOneGo) {
  Parsed parsed("model m(a: real[3]) -> b {\n"
                "    b = dense(10,, relu)(a)\n"
                "    c = )\n"
                "    d = 1 + + 2\n"
                "    e = fine\n"
                "}\n"
                "fn f(x: rael[n]) {\n"
                "    return x ^ 2\n"
                "}\n"
                "train m { epochs = }\n");
  EXPECT_EQ(parsed.errors(), (Lines{
                                 "t.horn:2:18: expected an expression, found ','",
                                 "t.horn:3:9: expected an expression, found ')'",
                                 "t.horn:4:13: expected an expression, found '+'",
                                 "t.horn:7:9: unknown type 'rael'",
                                 "t.horn:8:14: '^' is not allowed here",
                                 "t.horn:10:20: expected an expression, found '}'",
                             }));
}

TEST(Recovery, ABrokenCallOfSeveralLinesIsOneError) {
  Parsed parsed = body("    y = f(a b,\n          c,\n          d)\n    z = 1 1");
  EXPECT_EQ(parsed.errors(), (Lines{"t.horn:2:13: expected ',' or ')', found 'b'",
                                    "t.horn:5:11: expected the end of the statement, found '1'"}));
}

TEST(Recovery, AForgottenParenthesisPointsAtTheOpenOne) {
  Parsed parsed = body("    y = f(g(1)\n    z = 2\n    w = 3 3");
  EXPECT_EQ(parsed.errors(), (Lines{"t.horn:2:10: '(' is never closed",
                                    "t.horn:4:11: expected the end of the statement, found '3'"}));
}

TEST(Recovery, AForgottenCommaIsNotAForgottenParenthesis) {
  Parsed parsed = body("    y = f(\n        1\n        2\n    )");
  EXPECT_EQ(parsed.errors(), Lines{"t.horn:4:9: expected ',' or ')', found '2'"});
}

TEST(Recovery, AMissingBraceAtTheEndPointsAtTheOpenOne) {
  Parsed parsed("model m(a: real[3]) -> b {\n    b = a\n");
  EXPECT_EQ(parsed.errors(), Lines{"t.horn:1:26: '{' is never closed"});
  EXPECT_NE(parsed.report().find("t.horn:3:1: note: expected '}' before the end of the file"),
            std::string::npos);
}

TEST(Recovery, IndentationTellsWhichBraceIsMissing) {
  Parsed parsed("fn f(x) {\n    if x {\n        y = 1\n    return y\n}\n");
  EXPECT_EQ(parsed.errors(), Lines{"t.horn:2:10: '{' is never closed"});
  EXPECT_NE(parsed.report().find("t.horn:5:1: note: expected '}' before this"), std::string::npos);
}

TEST(Recovery, AHeaderAtTheMarginClosesWhatIsOpen) {
  Parsed parsed("model m(a: real[3]) -> b {\n    b = a\n\ntrain m {\n    epochs = 1 1\n}\n");
  EXPECT_EQ(parsed.errors(), (Lines{"t.horn:1:26: '{' is never closed",
                                    "t.horn:5:16: expected the end of the statement, found '1'"}));
}

TEST(Recovery, AnExtraBraceIsOneError) {
  Parsed parsed("fn f(x) { return x } }\nfn g(x) { return x x }\n");
  EXPECT_EQ(parsed.errors(), (Lines{"t.horn:1:22: this '}' closes nothing",
                                    "t.horn:2:20: expected the end of the statement, found 'x'"}));
}

TEST(Recovery, ABrokenHeaderStillHasABody) {
  Parsed parsed("model m(a real[3]) -> b {\n    b = 1 1\n}\nfn g(x) { return x }\n");
  EXPECT_EQ(parsed.errors(), (Lines{"t.horn:1:11: expected ',' or ')', found 'real'",
                                    "t.horn:2:11: expected the end of the statement, found '1'"}));
  EXPECT_EQ(parsed.syntax.definitions.size(), 1u)
      << "the function after it is there, the broken model is not";
}

TEST(Recovery, HabitsFromElsewhereGetAHint) {
  auto hint = [](const std::string &statements, const char *text) {
    return body(statements).report().find(text) != std::string::npos;
  };
  EXPECT_TRUE(hint("if a { b = 1 } elif c { b = 2 }", "write `else if`"));
  EXPECT_TRUE(hint("y = a if c else b", "no conditional expression"));
  EXPECT_TRUE(hint("while x { }", "for i in 0..n"));
  EXPECT_TRUE(hint("let y = 1", "`name = value`"));
  EXPECT_TRUE(hint("y = 'a'", "double quotes"));
  EXPECT_TRUE(hint("x += 1", "write `x = x + ...`"));
  EXPECT_TRUE(hint("if x = 1 { }", "`==` compares"));
  EXPECT_TRUE(hint("wieght k: real[] = 1", "did you mean `weight`?"));
  EXPECT_TRUE(hint("y = True", "did you mean `true`?"));
  EXPECT_NE(Parsed("mdoel m(a: real[1]) -> b { }").report().find("did you mean `model`?"), std::string::npos);
  EXPECT_NE(Parsed("fn f(x: rael[n]) { return x }").report().find("did you mean `real`?"), std::string::npos);
}

TEST(Recovery, AnElseWithoutIf) {
  EXPECT_EQ(body("else { y = 1 }").errors(), Lines{"t.horn:2:1: this `else` belongs to no `if`"});
}

} // namespace
