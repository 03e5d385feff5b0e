#include "frontend/driver/Graph.h"

#include "frontend/driver/Svg.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace hornfels::driver {

namespace {

constexpr double kBoxHeight = 58, kRowGap = 44, kColumnGap = 36, kMargin = 28, kTitle = 34;
constexpr double kLaneWidth = 8; // of an arrow that passes a row
constexpr double kNameSize = 14, kTextSize = 12;
constexpr int kSweeps = 6;

/// A box, or the place where an arrow passes a row of boxes.
struct Node {
  const SummaryRow *layer = nullptr;
  size_t rank = 0;
  double width = kLaneWidth, x = 0; // x of the middle
  std::vector<size_t> above;        // nodes of the rank before, whose arrows arrive here
};

std::string parametersText(int64_t count) {
  return count == 0 ? "" : withCommas(count) + (count == 1 ? " parameter" : " parameters");
}

std::string secondLine(const SummaryRow &layer) { return className(layer.kind) + "  " + layer.shape; }

/// The layers in ranks, in an order that crosses few arrows, with a place for each.
class Layout {
public:
  explicit Layout(const ModelSummary &model) {
    for (const auto *list : {&model.inputs, &model.layers})
      for (const SummaryRow &row : *list)
        add(row);
    for (size_t node = 0, count = nodes.size(); node < count; ++node)
      connect(node);
    for (int sweep = 0; sweep < kSweeps; ++sweep)
      for (auto &rank : ranks)
        order(rank);
    place();
  }

  std::vector<Node> nodes;
  std::vector<std::vector<size_t>> ranks; // nodes from left to right
  double width = 0;

private:
  /// Inputs stand in the first rank; a layer stands below the lowest of what it reads, as far as that is known: layers come
  /// in the order of their calls.
  void add(const SummaryRow &row) {
    Node node;
    node.layer = &row;
    for (const std::string &input : row.inputs)
      if (auto found = byName.find(input); found != byName.end())
        node.rank = std::max(node.rank, nodes[found->second].rank + 1);
    node.width = 28 + std::max({textWidth(row.name, kNameSize) * 1.08, textWidth(secondLine(row), kTextSize),
                                textWidth(parametersText(row.parameters), kTextSize)});
    byName[row.name] = nodes.size();
    put(node);
  }

  size_t put(const Node &node) {
    if (node.rank >= ranks.size())
      ranks.resize(node.rank + 1);
    ranks[node.rank].push_back(nodes.size());
    nodes.push_back(node);
    return nodes.size() - 1;
  }

  /// Arrows to a layer; one over several ranks gets a lane in each of them.
  void connect(size_t to) {
    std::vector<std::string> inputs = nodes[to].layer->inputs;
    std::sort(inputs.begin(), inputs.end());
    inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
    for (const std::string &input : inputs) {
      auto found = byName.find(input);
      if (found == byName.end() || nodes[found->second].rank >= nodes[to].rank)
        continue;
      size_t from = found->second;
      for (size_t rank = nodes[from].rank + 1; rank < nodes[to].rank; ++rank) {
        Node lane;
        lane.rank = rank;
        lane.above = {from};
        from = put(lane);
      }
      nodes[to].above.push_back(from);
    }
  }

  /// Sorts a rank by the mean place of what is above each node.
  void order(std::vector<size_t> &rank) {
    std::map<size_t, double> position, wish;
    for (const auto &one : ranks)
      for (size_t i = 0; i < one.size(); ++i)
        position[one[i]] = static_cast<double>(i) - static_cast<double>(one.size() - 1) / 2;
    for (size_t node : rank) {
      double sum = 0;
      for (size_t above : nodes[node].above)
        sum += position[above];
      wish[node] = nodes[node].above.empty() ? position[node] : sum / static_cast<double>(nodes[node].above.size());
    }
    std::stable_sort(rank.begin(), rank.end(), [&](size_t a, size_t b) { return wish[a] < wish[b]; });
  }

  double widthOf(const std::vector<size_t> &rank) const {
    double sum = -kColumnGap;
    for (size_t node : rank)
      sum += nodes[node].width + kColumnGap;
    return sum;
  }

  /// Each rank is centred.
  void place() {
    for (const auto &rank : ranks)
      width = std::max(width, widthOf(rank));
    for (const auto &rank : ranks) {
      double x = (width - widthOf(rank)) / 2;
      for (size_t node : rank) {
        nodes[node].x = x + nodes[node].width / 2;
        x += nodes[node].width + kColumnGap;
      }
    }
  }

  std::map<std::string, size_t> byName;
};

double topOf(const Node &node) { return kMargin + kTitle + static_cast<double>(node.rank) * (kBoxHeight + kRowGap); }

/// From the middle of one node's lower edge to the middle of the other's upper edge; a lane is passed straight.
void drawArrow(Svg &svg, const Node &from, const Node &to) {
  double x1 = kMargin + from.x, y1 = topOf(from) + kBoxHeight, x2 = kMargin + to.x, y2 = topOf(to);
  double end = to.layer ? y2 - 7 : y2, middle = (y1 + end) / 2;
  std::string path = fmt::format("M{:.2f} {:.2f}C{:.2f} {:.2f} {:.2f} {:.2f} {:.2f} {:.2f}", x1, y1, x1, middle, x2, middle, x2, end);
  if (!to.layer)
    path += fmt::format("L{:.2f} {:.2f}", x2, y2 + kBoxHeight);
  svg.raw(fmt::format(R"(<path d="{}" fill="none" stroke="#8a94a0" stroke-width="1.5" class="arrow"/>)", path));
  if (to.layer)
    svg.raw(fmt::format(R"(<path d="M{:.2f} {:.2f}l-4.5 -9h9z" fill="#8a94a0" class="head"/>)", x2, y2));
}

void drawBox(Svg &svg, const Node &node) {
  const SummaryRow &layer = *node.layer;
  double x = kMargin + node.x, top = topOf(node);
  bool input = layer.kind == "input";
  svg.rectangle({x - node.width / 2, top, x + node.width / 2, top + kBoxHeight},
                fmt::format(R"(rx="7" fill="{}" stroke="{}" class="{}")", input ? "#e8f3ec" : "#eaf1fb",
                            input ? "#5a9a72" : "#5b86c4", input ? "input" : "layer"));
  std::string parameters = parametersText(layer.parameters);
  double first = parameters.empty() ? 25 : 18;
  svg.text(x, top + first, layer.name, kNameSize, "middle", R"(font-weight="bold" fill="#1c2733" class="name")");
  svg.text(x, top + first + 17, secondLine(layer), kTextSize, "middle", R"(fill="#465361" class="text")");
  if (!parameters.empty())
    svg.text(x, top + first + 33, parameters, kTextSize, "middle", R"(fill="#465361" class="text")");
}

/// Plain colours stand in the elements, for whatever knows no style sheets; these are for dark surroundings.
const char *kDark = "<style>@media (prefers-color-scheme: dark) { .ground { fill: #14191f } .layer { fill: #1d2b3f; "
                    "stroke: #6f9ce0 } .input { fill: #1b3125; stroke: #68b487 } .name { fill: #edf2f7 } .text { fill: "
                    "#b4c0cc } .arrow { stroke: #7d8996 } .head { fill: #7d8996 } }</style>";

} // namespace

std::string renderGraph(const ModelSummary &model) {
  Layout layout(model);
  double title = textWidth(model.name, 16) * 1.1;
  double width = 2 * kMargin + std::max(layout.width, title);
  double height = 2 * kMargin + kTitle + static_cast<double>(layout.ranks.size()) * (kBoxHeight + kRowGap) - kRowGap;
  double shift = (width - 2 * kMargin - layout.width) / 2;
  for (Node &node : layout.nodes)
    node.x += shift;
  Svg svg(width, height);
  svg.raw(kDark);
  svg.text(width / 2, kMargin + 12, model.name, 16, "middle", R"(font-weight="bold" fill="#1c2733" class="name")");
  for (const Node &node : layout.nodes)
    for (size_t above : node.above)
      drawArrow(svg, layout.nodes[above], node);
  for (const Node &node : layout.nodes)
    if (node.layer)
      drawBox(svg, node);
  return svg.finish(R"(fill="#ffffff" class="ground")");
}

} // namespace hornfels::driver
