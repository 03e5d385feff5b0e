// The parser of JSON: every mistake is named at its place, and no text takes it down.
#include "frontend/keras/Json.h"

#include <gtest/gtest.h>

using namespace hornfels::frontend;
using namespace hornfels::keras;

namespace {

struct Parsed {
  SourceManager sources;
  Diagnostics diagnostics{sources};
  std::optional<Json> json;
  explicit Parsed(std::string text)
      : json(parseJson(sources.add("t", std::move(text)), sources, diagnostics)) {}
  /// "1:5 message" of the first error
  std::string first() const {
    if (diagnostics.all().empty())
      return {};
    const Diagnostic &error = diagnostics.all().front();
    Position place = sources.position(error.range);
    return std::to_string(place.line) + ":" + std::to_string(place.column) + " " + error.text;
  }
};

void refused(std::string text, const std::string &expected) {
  SCOPED_TRACE(text.substr(0, 80));
  Parsed parsed(std::move(text));
  EXPECT_FALSE(parsed.json);
  EXPECT_EQ(parsed.first(), expected);
}

} // namespace

TEST(Json, every_kind_of_value) {
  Parsed parsed(
      "\xEF\xBB\xBF {\"a\": [1, -2.5e1, true, false, null, \"x\\n\\u00e9\\ud83d\\ude00\"], \"b\": {}}\r\n");
  ASSERT_TRUE(parsed.json) << parsed.first();
  const Json *list = parsed.json->find("a");
  ASSERT_TRUE(list && list->items.size() == 6);
  EXPECT_EQ(list->items[0].integer, 1);
  EXPECT_EQ(list->items[1].real, -25.0);
  EXPECT_TRUE(list->items[2].boolean);
  EXPECT_TRUE(list->items[3].isFalse());
  EXPECT_TRUE(list->items[4].isNull());
  EXPECT_EQ(list->items[5].text, "x\n\u00e9\U0001F600");
  EXPECT_TRUE(parsed.json->find("b")->isObject());
  EXPECT_EQ(parsed.json->find("c"), nullptr);
}

TEST(Json, mistakes_of_syntax) {
  refused("", "1:1 expected a value, found the end of the file");
  refused("  \n ", "2:2 expected a value, found the end of the file");
  refused("{", "1:2 expected a key in quotes, found the end of the file");
  refused("[1", "1:3 expected `,` or `]`, found the end of the file");
  refused("[1 2]", "1:4 expected `,` or `]`, found `2`");
  refused("[1,]", "1:4 expected a value, found `]`");
  refused("{\"a\" 1}", "1:6 expected `:`, found `1`");
  refused("{a: 1}", "1:2 expected a key in quotes, found `a`");
  refused("{\"a\": 1} x", "1:10 expected the end of the file after the JSON value, found `x`");
  refused("nul", "1:1 expected a value, found `n`");
  refused("[01]", "1:3 expected `,` or `]`, found `1`");
  refused("-", "1:2 expected a digit, found the end of the file");
  refused("1.", "1:3 expected a digit, found the end of the file");
  refused("1e+", "1:4 expected a digit, found the end of the file");
}

TEST(Json, numbers_out_of_range) {
  refused("99999999999999999999", "1:1 this number is out of range");
  refused("1e999", "1:1 this number is out of range");
  refused("[NaN]", "1:2 `NaN` is no number of JSON");
  refused("-Infinity", "1:1 `-Infinity` is no number of JSON");
}

TEST(Json, strings) {
  refused("\"abc", "1:1 this string has no end");
  refused("\"a\\", "1:4 expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u after a backslash, found the "
                   "end of the file");
  refused("\"\\u12g4\"", "1:4 expected four hexadecimal digits, found `1`");
  refused("\"\\ud800\"", "1:2 half of a surrogate pair is no character");
  refused("\"\\ud800\\u0041\"", "1:2 half of a surrogate pair is no character");
  refused("\"a\nb\"", "1:3 a control character in a string: U+000A");
  refused("\"\xff\"", "1:2 this byte is not UTF-8: \\xff");
}

TEST(Json, keys_that_are_there_twice_are_all_named) {
  Parsed parsed("{\"a\": 1, \"b\": 2,\n \"a\": 3, \"b\": 4}");
  EXPECT_FALSE(parsed.json);
  EXPECT_EQ(parsed.diagnostics.errorCount(), 2u);
  EXPECT_EQ(parsed.first(), "2:2 a second key `a` in one object");
}

TEST(Json, limits) {
  refused(std::string(200'000, '['), "1:130 nesting is deeper than the limit of 128");
  std::string many = "[0";
  for (int i = 0; i < 250'000; ++i)
    many += ",0";
  Parsed parsed(many + "]");
  EXPECT_NE(parsed.first().find("more than the limit of 250000 values"), std::string::npos);
}

TEST(Json, every_prefix_of_a_text_is_refused) {
  std::string whole = R"({"a": [1.5e3, {"b": "c\u00e9"}], "d": null})";
  ASSERT_TRUE(Parsed(whole).json);
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(Parsed(whole.substr(0, length)).json) << length;
}

TEST(Json, path_to_a_place) {
  std::string text = R"({"config": {"layers": [{}, {"a b": 7}]}})";
  Parsed parsed(text);
  ASSERT_TRUE(parsed.json);
  auto at = [&](const char *what) { return jsonPath(*parsed.json, static_cast<uint32_t>(text.find(what))); };
  EXPECT_EQ(at("{}"), "config.layers[0]");
  EXPECT_EQ(at("7"), "config.layers[1][\"a b\"]");
  EXPECT_EQ(at("{\"config"), "");
}
