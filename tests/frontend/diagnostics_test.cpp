#include "frontend/horn/Diagnostics.h"

#include <gtest/gtest.h>

using namespace hornfels::frontend;

namespace {

struct Text {
  SourceManager sources;
  Diagnostics diagnostics{sources};
  FileId file;
  explicit Text(std::string text) : file(sources.add("t.horn", std::move(text))) {}
  SourceRange range(uint32_t begin, uint32_t end) const { return {file, begin, end}; }
};

TEST(Sources, PositionsCountCodePoints) {
  Text text("a\n\tb\xC3\xA9"
            "c\n");
  EXPECT_EQ(text.sources.positionText(text.range(0, 1)), "t.horn:1:1");
  EXPECT_EQ(text.sources.positionText(text.range(1, 1)), "t.horn:1:2");
  EXPECT_EQ(text.sources.positionText(text.range(3, 4)), "t.horn:2:2") << "a tab is one column";
  EXPECT_EQ(text.sources.positionText(text.range(6, 7)), "t.horn:2:4") << "é is one column, two bytes";
  EXPECT_EQ(text.sources.positionText(text.range(8, 8)), "t.horn:3:1") << "the end of the file";
  EXPECT_EQ(text.sources.positionText({}), "<unknown>");
  EXPECT_EQ(text.sources.lineText(text.range(3, 4)), "t.horn:2");
}

TEST(Sources, LinesOfALongTextAreCountedInPieces) {
  std::string lines;
  for (int i = 0; i < 5000; ++i)
    lines += "line " + std::to_string(i) + "\n";
  Text text(lines);
  for (int i = 0; i < 5000; i += 7) {
    auto at = static_cast<uint32_t>(lines.find("line " + std::to_string(i) + "\n"));
    ASSERT_EQ(text.sources.positionText(text.range(at + 2, at + 3)),
              "t.horn:" + std::to_string(i + 1) + ":3");
    ASSERT_EQ(text.sources.text(text.sources.lineOf(text.range(at, at))), "line " + std::to_string(i));
  }
  Text exact(std::string(8192, '\n'));
  EXPECT_EQ(exact.sources.positionText(exact.range(8192, 8192)), "t.horn:8193:1");
  EXPECT_EQ(exact.sources.positionText(exact.range(4096, 4096)), "t.horn:4097:1");
}

TEST(Sources, ByteOrderMarkAndCarriageReturnsAreNotPartOfALine) {
  Text text("\xEF\xBB\xBF"
            "ab\r\ncd\r\n");
  EXPECT_EQ(text.sources.positionText(text.range(0, 1)), "t.horn:1:1");
  EXPECT_EQ(text.sources.text(text.sources.lineOf(text.range(1, 1))), "ab");
  EXPECT_EQ(text.sources.text(text.sources.lineOf(text.range(4, 5))), "cd");
}

TEST(Sources, NamesArePrintable) {
  EXPECT_EQ(printable("a\nb\x1B[31m\xFF"), "a\\x0ab\\x1b[31m\\xff");
  EXPECT_EQ(printable("modèle.horn"), "modèle.horn");
}

TEST(Diagnostics, CaretStandsUnderTheRange) {
  Text text("model m\n\tx = foo(1)\n");
  text.diagnostics.error(text.range(13, 19), "no foo")
      .note("a hint")
      .note(text.range(0, 5), "because of this");
  EXPECT_EQ(text.diagnostics.render(), "t.horn:2:6: error: no foo\n"
                                       "    \tx = foo(1)\n"
                                       "    \t    ^~~~~~\n"
                                       "    note: a hint\n"
                                       "t.horn:1:1: note: because of this\n"
                                       "    model m\n"
                                       "    ^~~~~\n");
}

TEST(Diagnostics, CaretsOfSeveralLinesEndWithTheFirst) {
  Text text("f(a,\n  b)\n");
  text.diagnostics.error(text.range(0, 9), "bad");
  EXPECT_EQ(text.diagnostics.render(), "t.horn:1:1: error: bad\n    f(a,\n    ^~~~\n");
}

TEST(Diagnostics, LongLinesAreShownAroundTheCaret) {
  Text text(std::string(5000, 'a') + "HERE" + std::string(5000, 'b') + "\n");
  text.diagnostics.error(text.range(5000, 5004), "bad");
  std::string report = text.diagnostics.render();
  EXPECT_LT(report.size(), 500u);
  EXPECT_NE(report.find("aaHEREbb"), std::string::npos);
  size_t shown = report.find("HERE") - report.find("    ...");
  size_t caretLine = report.find('\n', report.find("HERE")) + 1;
  EXPECT_EQ(report.find('^') - caretLine, shown);
}

TEST(Diagnostics, TheFirstTwentyThenHowMany) {
  Text text("abc\n");
  for (int i = 0; i < 23; ++i)
    text.diagnostics.error(text.range(0, 1), "error " + std::to_string(i));
  std::string report = text.diagnostics.render();
  EXPECT_NE(report.find("error 19\n"), std::string::npos);
  EXPECT_EQ(report.find("error 20\n"), std::string::npos);
  EXPECT_NE(report.find("and 3 more errors\n"), std::string::npos);
}

TEST(Diagnostics, OnePlaceAndTextIsSaidOnce) {
  Text text("abc\n");
  text.diagnostics.error(text.range(0, 1), "same").note("kept");
  text.diagnostics.error(text.range(0, 1), "same").note("not kept");
  EXPECT_EQ(text.diagnostics.errorCount(), 1u);
  EXPECT_EQ(text.diagnostics.render().find("not kept"), std::string::npos);
}

TEST(Diagnostics, WarningsAreNoErrors) {
  Text text("abc\n");
  text.diagnostics.warning(text.range(0, 1), "odd");
  EXPECT_FALSE(text.diagnostics.hasErrors());
  EXPECT_NE(text.diagnostics.render().find("t.horn:1:1: warning: odd"), std::string::npos);
}

TEST(Nearest, FindsWhatWasMeant) {
  std::vector<std::string> names = {"dense", "conv2d", "dropout", "activation", "max_pooling2d"};
  EXPECT_EQ(nearest("dnse", names), "dense");
  EXPECT_EQ(nearest("Dense", names), "dense");
  EXPECT_EQ(nearest("activatoin", names), "activation") << "neighbours swapped are one mistake";
  EXPECT_EQ(nearest("MaxPooling2D", names), "max_pooling2d") << "Keras's spelling";
  EXPECT_EQ(nearest("reluu", std::vector<std::string>{"re_lu", "relu"}), "relu") << "as near, but for a mark";
  EXPECT_EQ(nearest("lstm", names), "");
  EXPECT_EQ(nearest("x", names), "");
}

TEST(Nearest, EditDistance) {
  EXPECT_EQ(editDistance("kitten", "sitting", 9), 3u);
  EXPECT_EQ(editDistance("ab", "ba", 9), 1u);
  EXPECT_EQ(editDistance("", "abc", 9), 3u);
  EXPECT_EQ(editDistance("same", "same", 9), 0u);
  EXPECT_EQ(editDistance("abcdef", "uvwxyz", 2), 3u) << "above the limit: the limit plus one";
}

} // namespace
