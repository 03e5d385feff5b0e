#include "tests/frontend/Parsed.h"

using namespace hornfels::frontend;

namespace {

const Definition &first(const Parsed &parsed) { return *parsed.syntax.definitions.at(0); }

template <typename T> const T &statement(const Parsed &parsed, size_t index = 0) {
  return *as<T>(first(parsed).body.statements.at(index));
}

#define EXPECT_CLEAN(parsed) EXPECT_EQ((parsed).report(), "")

TEST(Precedence, LoosestToTightest) {
  EXPECT_EQ(groupedText("a or b and not c == d + e * -f ** g"),
            "(a or (b and (not (c == (d + (e * (- (f ** g))))))))");
  EXPECT_EQ(groupedText("x |> f or g |> h"), "(x |> (f or g) |> h)");
  EXPECT_EQ(groupedText("a - b - c"), "((a - b) - c)");
  EXPECT_EQ(groupedText("a / b // c % d"), "(((a / b) // c) % d)");
  EXPECT_EQ(groupedText("a ** b ** c"), "(a ** (b ** c))");
  EXPECT_EQ(groupedText("2 ** -1"), "(2 ** (- 1))");
  EXPECT_EQ(groupedText("-x ** 2"), "(- (x ** 2))");
  EXPECT_EQ(groupedText("-f(x)[0]"), "(- f(x)[0])");
  EXPECT_EQ(groupedText("not not a"), "(not (not a))");
  EXPECT_EQ(groupedText("a < b and c >= d or e != f"), "(((a < b) and (c >= d)) or (e != f))");
  EXPECT_EQ(groupedText("(a + b) * c"), "((a + b) * c)");
  EXPECT_EQ(groupedText("f(1)(2)[3](x = 4)"), "f(1)(2)[3](x = 4)");
}

TEST(Precedence, ComparisonsAreNotChained) {
  EXPECT_EQ(groupedText("a < b < c"), "t.horn:2:11: comparisons are not chained");
  EXPECT_EQ(groupedText("a == b != c"), "t.horn:2:12: comparisons are not chained");
  EXPECT_EQ(groupedText("(a < b) == c"), "((a < b) == c)");
}

TEST(Precedence, NotBindsLooserThanAComparison) {
  EXPECT_EQ(groupedText("a == not b"), "t.horn:2:10: `not` binds looser than the operator before it");
}

TEST(NewLines, EndAStatement) {
  Parsed parsed = body("a = 1\nb = a\n- 2");
  EXPECT_CLEAN(parsed);
  EXPECT_EQ(first(parsed).body.statements.size(), 3u) << "`- 2` is a statement of its own";
}

TEST(NewLines, ACallOnTheNextLineIsNoCall) {
  Parsed parsed = body("a = f\n(1)");
  EXPECT_CLEAN(parsed);
  EXPECT_EQ(first(parsed).body.statements.size(), 2u);
}

TEST(NewLines, CountForNothingInBrackets) {
  EXPECT_EQ(groupedText("f(\n  a\n  + b,\n  c\n)"), "f(a + b, c)");
  EXPECT_EQ(groupedText("[1,\n 2\n ]"), "[1, 2]");
  EXPECT_EQ(groupedText("{ a: 1,\n  b\n: 2 }"), "{ a: 1, b: 2 }");
}

TEST(NewLines, AfterAnOperatorACommaOrAnEqualSignTheStatementGoesOn) {
  EXPECT_EQ(groupedText("\n  a +\n  b"), "(a + b)");
  EXPECT_EQ(groupedText("a and\n not\n b"), "(a and (not b))");
  Parsed parsed = body("h,\n c = f(x)\nreturn h,\n c");
  EXPECT_CLEAN(parsed);
  EXPECT_EQ(statement<BindStmt>(parsed).targets.size(), 2u);
}

TEST(NewLines, ALineThatBeginsWithAPipeGoesOn) {
  EXPECT_EQ(groupedText("a\n  |> f\n\n  # a comment\n  |> g(1)"), "(a |> f |> g(1))");
}

TEST(NewLines, CountForNothingInAHeader) {
  Parsed parsed("layer l(a,\n b = 1)\n\n (x: real[..., n])\n ->\n real[..., n]\n{\n"
                "if a\n == b\n{\n return x }\nelse\n{ return a }\n"
                "for i\n in 0\n..\nn\n{ }\n}\n");
  EXPECT_CLEAN(parsed);
}

TEST(NewLines, AClosingBraceEndsAStatement) {
  Parsed parsed = body("if a { return b } return c");
  EXPECT_CLEAN(parsed);
  EXPECT_EQ(first(parsed).body.statements.size(), 2u);
}

TEST(NewLines, TwoStatementsOnALineAreAnError) {
  EXPECT_EQ(body("a = 1 b = 2").firstError(), "t.horn:2:7: expected the end of the statement, found 'b'");
}

TEST(Braces, AreABlockAfterAHeaderAndADictionaryWhereAnExpressionBegins) {
  Parsed parsed = body("if a { b = { k: 1 } }\nc = {}");
  EXPECT_CLEAN(parsed);
  const auto &inner = *as<BindStmt>(statement<IfStmt>(parsed).branches[0].body.statements[0]);
  EXPECT_EQ(as<DictionaryExpr>(inner.value)->entries[0].key.text, "k");
  EXPECT_TRUE(as<DictionaryExpr>(statement<BindStmt>(parsed, 1).value)->entries.empty());
}

TEST(Keywords, AreContextual) {
  Parsed parsed("layer l(weight, layer = 1, state = 2, step = 3, model = 4, over = 5)(x) {\n"
                "weight = weight + state\nstate := layer(step)\nlayer = 1\nfn = model\nstep(over)\nimport = "
                "3\nreturn fn\n}\n");
  EXPECT_CLEAN(parsed);
  EXPECT_EQ(statement<AssignStmt>(parsed, 1).target.text, "state");
}

TEST(Keywords, ReservedOnesAreNoNames) {
  EXPECT_EQ(Parsed("fn f(if) { return 1 }").firstError(),
            "t.horn:1:6: expected a parameter's name, found 'if'");
  EXPECT_EQ(groupedText("True"), "t.horn:2:5: unknown name 'True'");
}

TEST(Literals, HaveTheirValues) {
  Parsed parsed = body("y = [1, 2.5, 1e-3, \"s\", true, false, none, name]");
  EXPECT_CLEAN(parsed);
  const auto &list = *as<ListExpr>(statement<BindStmt>(parsed).value);
  EXPECT_EQ(as<IntegerExpr>(list.elements[0])->value, 1);
  EXPECT_EQ(as<FloatExpr>(list.elements[1])->value, 2.5);
  EXPECT_EQ(as<FloatExpr>(list.elements[2])->text, "1e-3");
  EXPECT_EQ(as<StringExpr>(list.elements[3])->value, "s");
  EXPECT_TRUE(as<BoolExpr>(list.elements[4])->value);
  EXPECT_FALSE(as<BoolExpr>(list.elements[5])->value);
  EXPECT_NE(as<NoneExpr>(list.elements[6]), nullptr);
  EXPECT_EQ(as<NameExpr>(list.elements[7])->name, "name");
}

TEST(Tuples, WithAndWithoutParentheses) {
  Parsed parsed = body("a, b = (1, 2)\nc = 1, 2\nd = (1,)\ne = ()\nreturn (a, b), c");
  EXPECT_CLEAN(parsed);
  EXPECT_EQ(as<TupleExpr>(statement<BindStmt>(parsed, 1).value)->elements.size(), 2u);
  EXPECT_EQ(as<TupleExpr>(statement<BindStmt>(parsed, 2).value)->elements.size(), 1u);
  EXPECT_EQ(as<TupleExpr>(statement<BindStmt>(parsed, 3).value)->elements.size(), 0u);
  EXPECT_EQ(as<TupleExpr>(statement<ReturnStmt>(parsed, 4).value)->elements.size(), 2u);
}

TEST(Dictionaries, HaveNamesStringsOrIntegersAsKeys) {
  Parsed parsed = body("y = { a: 1, \"b c\": 2, 3: 4 }");
  EXPECT_CLEAN(parsed);
  const auto &entries = as<DictionaryExpr>(statement<BindStmt>(parsed).value)->entries;
  EXPECT_EQ(entries[1].key.text, "b c");
  EXPECT_EQ(entries[2].keyKind, DictionaryEntry::KeyKind::Integer);
  EXPECT_EQ(groupedText("{ a: 1, a: 2 }"), "t.horn:2:13: a second key `a`");
}

TEST(Calls, TakeNamedAndSpreadArguments) {
  Parsed parsed = body("y = f(1, *more, rate = 0.5, name = \"n\",)");
  EXPECT_CLEAN(parsed);
  const auto &call = *as<CallExpr>(statement<BindStmt>(parsed).value);
  ASSERT_EQ(call.arguments.size(), 4u);
  EXPECT_TRUE(call.arguments[1].isSpread);
  EXPECT_EQ(call.arguments[2].name->text, "rate");
  EXPECT_EQ(parsed.sources.text(call.arguments[2].range), "rate = 0.5");
  EXPECT_EQ(parsed.sources.text(call.parentheses), "(1, *more, rate = 0.5, name = \"n\",)");
  EXPECT_EQ(groupedText("f(a = 1, 2)"), "t.horn:2:14: a positional argument after a named one");
  EXPECT_EQ(groupedText("f(a = 1, a = 2)"), "t.horn:2:14: a second argument `a`");
}

TEST(Indices, AreAsInNumPy) {
  Parsed parsed = body("y = x[:, -1, ..., 0:n, ::2, 1:2:3]");
  EXPECT_CLEAN(parsed);
  const auto &items = as<IndexExpr>(statement<BindStmt>(parsed).value)->items;
  ASSERT_EQ(items.size(), 6u);
  EXPECT_EQ(items[0].kind, IndexItem::Kind::Slice);
  EXPECT_EQ(items[1].kind, IndexItem::Kind::Value);
  EXPECT_EQ(items[2].kind, IndexItem::Kind::Ellipsis);
  EXPECT_NE(items[3].end, nullptr);
  EXPECT_EQ(items[4].begin, nullptr);
  EXPECT_NE(items[4].step, nullptr);
  EXPECT_NE(items[5].step, nullptr);
  EXPECT_EQ(groupedText("x[]"), "t.horn:2:7: expected an index, found ']'");
  EXPECT_EQ(groupedText("x[..., ...]"), "t.horn:2:12: a second '...' in one index");
}

TEST(Ranges, StandOnlyInAFor) {
  Parsed parsed = body("for i in 0..n + 1 { }\nfor a, b in pairs { }");
  EXPECT_CLEAN(parsed);
  EXPECT_EQ(printHorn(*as<RangeExpr>(statement<ForStmt>(parsed).iterable)->end), "n + 1");
  EXPECT_EQ(statement<ForStmt>(parsed, 1).targets.size(), 2u);
  EXPECT_EQ(groupedText("0..n"), "t.horn:2:6: expected the end of the statement, found '..'");
}

TEST(Branches, AreOneStatement) {
  Parsed parsed = body("if a { b = 1 } else if c { b = 2 }\nelse { b = 3 }");
  EXPECT_CLEAN(parsed);
  const auto &branches = statement<IfStmt>(parsed);
  EXPECT_EQ(branches.branches.size(), 2u);
  EXPECT_TRUE(branches.otherwise.has_value());
}

TEST(Types, OfValuesAndTensors) {
  Parsed parsed(
      "fn f(a: int, b: float, c: bool, d: string, e: shape, g: list, h: layer, i: function,\n"
      "     j: real[..., n], k: bool[2 * n], l: i32[], m: tokens[10000], *rest, o = none) { return 1 }\n");
  EXPECT_CLEAN(parsed);
  const auto &parameters = first(parsed).call->parameters;
  EXPECT_EQ(parameters[2].type->kind, TypeKind::Bool);
  EXPECT_EQ(parameters[8].type->axes.size(), 2u);
  EXPECT_TRUE(parameters[8].type->axes[0].isEllipsis);
  EXPECT_EQ(parameters[9].type->element, ElementType::Bool);
  EXPECT_EQ(parameters[10].type->axes.size(), 0u);
  EXPECT_EQ(parameters[11].type->kind, TypeKind::Tokens);
  EXPECT_TRUE(parameters[12].isVariadic);
  EXPECT_TRUE(parameters[13].isKeywordOnly);
}

TEST(Definitions, DefaultsComeLast) {
  EXPECT_EQ(Parsed("fn f(a, b = 1, c: int) { return a }\n").firstError(),
            "t.horn:1:16: parameter `c` needs a default: `b` before it has one");
  EXPECT_CLEAN(Parsed("fn f(a, b = 1)(c, *d, e) { return a }\n"));
}

TEST(Types, MistakesAreExplained) {
  auto error = [](const std::string &type) {
    return Parsed("fn f(a: " + type + ") { return a }\n").firstError();
  };
  EXPECT_EQ(error("rael[n]"), "t.horn:1:9: unknown type 'rael'");
  EXPECT_EQ(error("int[n]"), "t.horn:1:12: `int` is a compile-time value and has no axes");
  EXPECT_EQ(error("real"), "t.horn:1:13: expected '[' and the axes, found ')'");
  EXPECT_EQ(error("real[..., ...]"), "t.horn:1:19: a second '...' in one type");
  EXPECT_EQ(error("tokens[1, 2]"), "t.horn:1:15: `tokens` takes one number: ids are below it");
  EXPECT_EQ(error("tokens"), "t.horn:1:15: expected '[' and the number of different tokens, found ')'");
}

TEST(Definitions, HaveOneOrTwoLists) {
  Parsed parsed("fn a(x) { return x }\nfn b(c = 1)(x) { return x }\nfn d()(x) { return x }\n");
  EXPECT_CLEAN(parsed);
  EXPECT_FALSE(first(parsed).configuration.has_value());
  EXPECT_EQ(first(parsed).call->parameters.size(), 1u);
  EXPECT_EQ(parsed.syntax.definitions[1]->configuration->parameters[0].name.text, "c");
  EXPECT_TRUE(parsed.syntax.definitions[2]->configuration->parameters.empty());
  EXPECT_EQ(Parsed("fn a(x)(y)(z) { }").firstError(),
            "t.horn:1:11: expected '->' or '{': a definition has at most two lists of parameters, found '('");
  EXPECT_EQ(Parsed("fn a(x)(y, x) { }").firstError(), "t.horn:1:12: a second parameter `x`");
  EXPECT_EQ(Parsed("fn a { }").firstError(), "t.horn:1:6: expected '(' and the parameters of `a`, found '{'");
}

TEST(Definitions, KeywordOnlyParametersFollowAStar) {
  Parsed parsed("fn a(x, *, y, z = 1)() { return x }\nfn b(*xs, n) { return n }\n");
  EXPECT_CLEAN(parsed);
  const auto &parameters = first(parsed).configuration->parameters;
  EXPECT_FALSE(parameters[0].isKeywordOnly);
  EXPECT_TRUE(parameters[1].isKeywordOnly);
  EXPECT_TRUE(parsed.syntax.definitions[1]->call->parameters[1].isKeywordOnly);
  EXPECT_EQ(Parsed("fn a(*x, *y) { }").firstError(), "t.horn:1:10: a second '*' in a list of parameters");
  EXPECT_EQ(Parsed("fn a(*x = 1) { }").firstError(),
            "t.horn:1:11: `*x` takes what is left, and has no default");
}

TEST(Definitions, OwnTheirVariables) {
  Parsed parsed("layer l()(x: real[..., n]) -> (real[..., n], i32[]) keeps_mask {\n"
                "weight kernel: real[n] = ones\nstate mean: real[n] = 0.0\nlayer inner()(y) { return y "
                "}\nreturn x, 1\n}\n"
                "optimizer o()(w, g, step) {\nslot v = zeros\nslot u: real[] = zeros\nreturn w\n}\n");
  EXPECT_CLEAN(parsed);
  EXPECT_TRUE(first(parsed).keepsMask);
  EXPECT_TRUE(first(parsed).resultsAreTuple);
  EXPECT_EQ(statement<VariableStmt>(parsed).variable, VariableKind::Weight);
  EXPECT_EQ(statement<DefinitionStmt>(parsed, 2).definition->name.text, "inner");
  EXPECT_EQ(body("weight k: real[] = 0").firstError(),
            "t.horn:2:1: a weight belongs to a layer or a model; this is the body of a `fn`");
  EXPECT_EQ(body("slot k = 0").firstError(),
            "t.horn:2:1: a slot belongs to an optimizer; this is the body of a `fn`");
  EXPECT_EQ(Parsed("layer l()(x) {\nweight k = zeros\nreturn x\n}").firstError(),
            "t.horn:2:10: expected ':' and the type of the weight, found '='");
  EXPECT_EQ(Parsed("layer l()(x) {\nweight k: int = 1\nreturn x\n}").firstError(),
            "t.horn:2:11: a weight is a tensor, as in `weight k: real[n]`");
  EXPECT_EQ(Parsed("fn f(x) keeps_mask { return x }").firstError(),
            "t.horn:1:9: only a layer is declared `keeps_mask`");
}

TEST(Definitions, AModelNamesItsInputsAndOutputs) {
  Parsed parsed("model m(a: real[3], b: tokens[9]) -> (c, d: real[1]) { c = a\nd = b }\n");
  EXPECT_CLEAN(parsed);
  EXPECT_EQ(first(parsed).results[0].name->text, "c");
  EXPECT_TRUE(first(parsed).results[1].type.has_value());
  EXPECT_EQ(Parsed("model m(a: real[3]) { }").firstError(),
            "t.horn:1:1: expected '->' and the names of the outputs of model `m`");
  EXPECT_EQ(Parsed("model m(a) -> c { }").firstError(),
            "t.horn:1:9: input `a` needs a type, as in `a: real[28, 28, 1]`");
  EXPECT_EQ(Parsed("model m(a: int) -> c { }").firstError(),
            "t.horn:1:12: an input is a tensor or tokens, not a compile-time value");
  EXPECT_EQ(Parsed("model m() -> c { }").firstError(), "t.horn:1:8: model `m` has no input");
  EXPECT_EQ(Parsed("model m(a: real[1]) -> real[1] { }").firstError(),
            "t.horn:1:28: expected ',' or '{', found '['");
  EXPECT_EQ(Parsed("model m(a: real[1]) -> (b, b) { }").firstError(), "t.horn:1:28: a second output `b`");
  EXPECT_EQ(Parsed("model m(a: real[1]) -> b { return a }").firstError(),
            "t.horn:1:28: a model returns what is bound to the names after its '->'");
}

TEST(Definitions, TrainBlocksHoldSteps) {
  Parsed parsed("train gan(image: real[2]) {\nstep critic {\noptimizer = adam(2e-4)\nminimize bce(1.0, "
                "d(image)) over d, g\n}\n"
                "minimize = 3\n}\ntrain m { epochs = 4 }\n");
  EXPECT_CLEAN(parsed);
  const auto &step = statement<StepStmt>(parsed);
  EXPECT_EQ(step.name.text, "critic");
  EXPECT_EQ(as<MinimizeStmt>(step.body.statements[1])->over.size(), 2u);
  EXPECT_FALSE(parsed.syntax.definitions[1]->call.has_value());
  EXPECT_EQ(Parsed("train m {\n  optimizer adam(1e-3)\n}").firstError(),
            "t.horn:2:3: `optimizer` stands at the top of a file, not in a body");
}

TEST(Documentation, IsTheCommentBlockAbove) {
  Parsed parsed("# not this\n\n#  Two lines,\n#\n# one empty.\nfn f(x) { # nor this\n  # inner doc\n  fn "
                "g(y) { return y }\n"
                "return x }\n# nor this: a line between\n\nfn h(x) { return x }\n");
  EXPECT_CLEAN(parsed);
  EXPECT_EQ(first(parsed).documentation, " Two lines,\n\none empty.");
  EXPECT_EQ(statement<DefinitionStmt>(parsed).definition->documentation, "inner doc");
  EXPECT_EQ(parsed.syntax.definitions[1]->documentation, "");
}

TEST(Bindings, TakeNamesOnly) {
  EXPECT_EQ(body("x[0] = 1").firstError(),
            "t.horn:2:1: only names are bound by '=': one, or several parted by commas");
  EXPECT_EQ(body("a, b + 1 = 2").firstError(),
            "t.horn:2:4: only names are bound by '=': one, or several parted by commas");
  EXPECT_EQ(body("a, a = 2").firstError(), "t.horn:2:4: `a` is bound twice in one statement");
  EXPECT_EQ(body("f(x) := 1").firstError(),
            "t.horn:2:1: only a state or a slot, by its name, is set by `:=`");
  EXPECT_EQ(body("x += 1").firstError(), "t.horn:2:3: there is no '+='");
}

TEST(Ranges, CoverTheirText) {
  Parsed parsed = body("y = (a + b) * c |> dense(16, relu)\nrequire (a) and b\nreturn y");
  EXPECT_CLEAN(parsed);
  const auto &pipe = *as<PipeExpr>(statement<BindStmt>(parsed).value);
  EXPECT_EQ(parsed.sources.text(pipe.range), "(a + b) * c |> dense(16, relu)");
  EXPECT_EQ(parsed.sources.text(pipe.input->range), "(a + b) * c");
  EXPECT_EQ(parsed.sources.text(as<BinaryExpr>(pipe.input)->opRange), "*");
  EXPECT_EQ(parsed.sources.text(pipe.stages[0]->range), "dense(16, relu)");
  EXPECT_EQ(parsed.sources.text(statement<RequireStmt>(parsed, 1).condition->range), "(a) and b");
  EXPECT_EQ(parsed.sources.text(statement<ReturnStmt>(parsed, 2).range), "return y");
  EXPECT_EQ(parsed.sources.text(first(parsed).header), "fn f(x)");
  EXPECT_EQ(parsed.sources.text(first(parsed).range).back(), '}');
}

} // namespace
