/* The curves: what is drawn where, and that the picture is whole. */
#include <cmath>

#include <gtest/gtest.h>

#include "runtime/program/report/plot.h"
#include "support.h"

using namespace hornfels;

namespace {

size_t count(const std::string &text, const std::string &what) {
  size_t found = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++found;
  return found;
}

history sample(int epochs, bool validated = true) {
  history past;
  for (int i = 0; i < epochs; ++i) {
    logs one{{"accuracy", 0.5 + 0.01 * i}, {"loss", 1.0 / (1 + i)}};
    if (validated) {
      one.emplace_back("val_accuracy", 0.4);
      one.emplace_back("val_loss", 2.0);
    }
    past.add(one);
  }
  return past;
}

/* Every tag that opens closes, in order. */
::testing::AssertionResult is_well_formed(const std::string &xml) {
  std::vector<std::string> open;
  for (size_t at = xml.find('<'); at != std::string::npos; at = xml.find('<', at + 1)) {
    const size_t end = xml.find('>', at);
    if (end == std::string::npos)
      return ::testing::AssertionFailure() << "a tag without end: " << xml.substr(at, 80);
    const std::string tag = xml.substr(at + 1, end - at - 1);
    const std::string name = tag.substr(tag[0] == '/' ? 1 : 0, tag.find_first_of(" /", 1) - (tag[0] == '/' ? 1 : 0));
    if (tag[0] == '!' || name == "meta" || tag.back() == '/')
      continue;
    if (tag[0] != '/') {
      open.push_back(name);
      continue;
    }
    if (open.empty() || open.back() != tag.substr(1))
      return ::testing::AssertionFailure() << tag << " closes " << (open.empty() ? "nothing" : open.back());
    open.pop_back();
  }
  return open.empty() ? ::testing::AssertionSuccess() : ::testing::AssertionFailure() << open.back() << " stays open";
}

TEST(plot, smooths_as_the_book_does) {
  EXPECT_EQ(smoothed({10, 0, 0}, 0.9), (std::vector<double>{10, 9, 8.1}));
  EXPECT_EQ(smoothed({}, 0.9), std::vector<double>());
}

TEST(plot, has_a_panel_for_each_metric_the_loss_first_dots_and_lines) {
  const std::vector<panel> panels = panels_of(sample(3), {});
  ASSERT_EQ(panels.size(), 2u);
  EXPECT_EQ(panels[0].title, "Training and validation loss");
  EXPECT_EQ(panels[0].y_label, "Loss");
  ASSERT_EQ(panels[0].curves.size(), 2u);
  EXPECT_EQ(panels[0].curves[0].name, "Training loss");
  EXPECT_EQ(panels[0].curves[0].look, curve::dots);
  EXPECT_EQ(panels[0].curves[0].first, 1);
  EXPECT_EQ(panels[0].curves[0].values, (std::vector<double>{1, 0.5, 1.0 / 3}));
  EXPECT_EQ(panels[0].curves[1].name, "Validation loss");
  EXPECT_EQ(panels[0].curves[1].look, curve::line);
  EXPECT_EQ(panels[1].title, "Training and validation accuracy");
  EXPECT_EQ(panels_of(sample(3, false), {})[0].title, "Training loss");
  EXPECT_TRUE(panels_of(history(), {}).empty());
}

TEST(plot, smoothed_panels_leave_the_first_points_out) {
  const std::vector<panel> panels = panels_of(sample(30), {0.9, 10});
  ASSERT_EQ(panels.size(), 4u);
  EXPECT_EQ(panels[2].title, "Validation loss, smoothed");
  EXPECT_EQ(panels[2].curves[0].first, 11);
  EXPECT_EQ(panels[2].curves[0].values, std::vector<double>(20, 2.0));
  EXPECT_EQ(panels[2].curves[0].name, "factor 0.9, first 10 left out");
  /* More than there are. */
  EXPECT_TRUE(panels_of(sample(3), {0.5, 10})[2].curves[0].values.empty());
  EXPECT_EQ(panels_of(sample(3, false), {0.5, 0})[2].title, "Training loss, smoothed");
}

TEST(plot, draws_every_point_once_at_its_place) {
  const std::string svg = draw_svg("words", panels_of(sample(5), {}));
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_EQ(count(svg, " dot\""), 2 * 5 + 2u) << "with those of the legends";
  EXPECT_EQ(count(svg, "<title>epoch 3, "), 4u);
  EXPECT_EQ(count(svg, "<title>epoch 2, Training loss: 0.5</title>"), 1u);
  EXPECT_EQ(count(svg, "prefers-color-scheme: dark"), 1u);
  for (const char *label : {">Epochs<", ">Loss<", ">Accuracy<", ">0.5<", ">2.0<", ">5<"})
    EXPECT_NE(svg.find(label), std::string::npos) << label;
  /* A value of 2 lies on the line that says 2.0. */
  const size_t text = svg.find(">2.0<"), rule = svg.rfind("y1=\"", text);
  const std::string height = svg.substr(rule + 4, svg.find('"', rule + 4) - rule - 4);
  EXPECT_NE(svg.find(" " + height + "\"/>\n", svg.find("class=\"v curve\" d=\"M", text)), std::string::npos) << height;
}

TEST(plot, what_is_not_finite_or_odd_is_no_obstacle) {
  history odd;
  odd.add({{"loss", NAN}, {"val_loss", INFINITY}});
  odd.add({{"loss", 1.5}, {"val_loss", 1e30}});
  odd.add({{"loss", -2e-12}, {"val_loss", NAN}});
  odd.add({{"loss", 1.5}, {"val_loss", 7}});
  const std::string svg = draw_svg("<&\"\x1b>", panels_of(odd, {0.9, 0}));
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_NE(svg.find("&lt;&amp;&quot;&gt;"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
  for (int epochs : {1, 2, 500}) {
    const std::string one = draw_svg("x", panels_of(sample(epochs), {0.9, 10}));
    EXPECT_TRUE(is_well_formed(one));
    EXPECT_EQ(one.find("nan"), std::string::npos) << epochs;
  }
  EXPECT_TRUE(is_well_formed(draw_svg("nothing", {})));
}

TEST(plot, a_page_has_the_picture_and_the_numbers) {
  const history past = sample(4);
  const std::string page = draw_html("words", panels_of(past, {}), past);
  EXPECT_TRUE(is_well_formed(page));
  EXPECT_NE(page.find(draw_svg("words", panels_of(past, {}))), std::string::npos);
  EXPECT_NE(page.find("<tr><td>2</td><td>0.51</td><td>0.5</td><td>0.4</td><td>2</td></tr>"), std::string::npos);
}

} // namespace
