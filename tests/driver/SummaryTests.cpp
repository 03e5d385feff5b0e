// The summary against what Keras 3.12 prints on a terminal of 80 columns.
#include "Tool.h"
#include "WellFormed.h"
#include "frontend/driver/Graph.h"
#include "frontend/driver/Memory.h"
#include "frontend/driver/Summary.h"

using namespace driver_tests;
using namespace hornfels::driver;

TEST(Summary, a_chain_of_layers_is_Keras_sequential_table) {
  ModelSummary model;
  model.name = "imdb";
  model.inputs = {{"review", "input", "(None, 10000)", 0, {}}};
  model.layers = {{"dense_6", "dense", "(None, 16)", 160016, {"review"}},
                  {"dense_7", "dense", "(None, 16)", 272, {"dense_6"}},
                  {"dense_8", "dense", "(None, 1)", 17, {"dense_7"}}};
  model.trainable = 160305;
  model.trainableBytes = 4 * 160305;
  EXPECT_EQ(renderSummary(model), R"(Model: "imdb"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ dense_6 (Dense)                 │ (None, 16)             │       160,016 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_7 (Dense)                 │ (None, 16)             │           272 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_8 (Dense)                 │ (None, 1)              │            17 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 160,305 (626.19 KB)
 Trainable params: 160,305 (626.19 KB)
 Non-trainable params: 0 (0.00 B)
)");
}

TEST(Summary, a_graph_shows_inputs_and_connections) {
  ModelSummary model;
  model.name = "pair";
  model.inputs = {{"left", "input", "(None, 6)", 0, {}}, {"right", "input", "(None, 6)", 0, {}}};
  model.layers = {{"shared_encoder", "dense", "(None, 4)", 28, {"left", "right"}},
                  {"concatenate", "concatenate", "(None, 8)", 0, {"shared_encoder", "shared_encoder"}, {0, 1}},
                  {"dropout", "dropout", "(None, 8)", 0, {"concatenate"}},
                  {"same", "dense", "(None, 1)", 9, {"dropout"}},
                  {"a_rather_long_name_for_a_layer_label", "dense", "(None, 10)", 90, {"dropout"}}};
  model.trainable = 127;
  model.trainableBytes = 508;
  EXPECT_EQ(renderSummary(model), R"(Model: "pair"
┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┓
┃ Layer (type)        ┃ Output Shape      ┃    Param # ┃ Connected to      ┃
┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━┩
│ left (InputLayer)   │ (None, 6)         │          0 │ -                 │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ right (InputLayer)  │ (None, 6)         │          0 │ -                 │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ shared_encoder      │ (None, 4)         │         28 │ left[0][0],       │
│ (Dense)             │                   │            │ right[0][0]       │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ concatenate         │ (None, 8)         │          0 │ shared_encoder[0… │
│ (Concatenate)       │                   │            │ shared_encoder[1… │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ dropout (Dropout)   │ (None, 8)         │          0 │ concatenate[0][0] │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ same (Dense)        │ (None, 1)         │          9 │ dropout[0][0]     │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ a_rather_long_name… │ (None, 10)        │         90 │ dropout[0][0]     │
│ (Dense)             │                   │            │                   │
└─────────────────────┴───────────────────┴────────────┴───────────────────┘
 Total params: 127 (508.00 B)
 Trainable params: 127 (508.00 B)
 Non-trainable params: 0 (0.00 B)
)");
}

TEST(Summary, class_names_are_Keras_own) {
  EXPECT_EQ(className("max_pooling2d"), "MaxPooling2D");
  EXPECT_EQ(className("conv2d"), "Conv2D");
  EXPECT_EQ(className("lstm"), "LSTM");
  EXPECT_EQ(className("layer_normalization"), "LayerNormalization");
}

class SummaryCommand : public ToolTest {};

TEST_F(SummaryCommand, totals_of_the_books_models) {
  Outcome imdb = run({"summary", HORNFELS_MODELS "/imdb.horn"});
  EXPECT_EQ(imdb.exitCode, 0) << imdb.err;
  EXPECT_NE(imdb.out.find(" Total params: 160,305 (626.19 KB)\n"), std::string::npos) << imdb.out;
  EXPECT_NE(imdb.out.find("│ dense (Dense)                   │ (None, 16)             │       160,016 │"),
            std::string::npos)
      << imdb.out;
  Outcome reuters = run({"summary", HORNFELS_MODELS "/reuters.horn"});
  EXPECT_EQ(reuters.exitCode, 0) << reuters.err;
  EXPECT_NE(reuters.out.find(" Total params: 647,214 (2.47 MB)\n"), std::string::npos) << reuters.out;
}

TEST_F(SummaryCommand, L12_the_terminal_changes_nothing) {
  Outcome plain = run({"summary", HORNFELS_MODELS "/imdb.horn"});
  for (const char *columns : {"1", "0", "-5", "many"}) {
    Setting setting;
    setting.environment = {{"COLUMNS", columns}, {"NO_COLOR", "1"}, {"TERM", "xterm-256color"}};
    Outcome outcome = run({"summary", HORNFELS_MODELS "/imdb.horn"}, setting);
    EXPECT_EQ(outcome.exitCode, 0);
    EXPECT_EQ(outcome.out, plain.out);
    EXPECT_EQ(outcome.out.find('\033'), std::string::npos);
  }
}

TEST(Summary, memory_is_the_sum_of_its_parts) {
  MemorySummary memory;
  memory.name = "tiny";
  memory.batch = 20; // room for 32
  memory.parts = {{"dense/kernel", "weight", "f32[100, 8]", 3200, 0},
                  {"dense/kernel/velocity", "slot", "f32[100, 8]", 3200, 0},
                  {"loss", "metric", "f64", 8, 0},
                  {"dense", "train_step", "f32[batch, 8]", 0, 32},
                  {"dense", "predict", "f32[batch, 8]", 0, 32}};
  memory.arenaFixed = 64;
  memory.arenaPerSample = 32;
  std::string text = renderMemory(memory);
  EXPECT_NE(text.find("┃ Memory of \"tiny\", batches of 20              ┃"), std::string::npos) << text;
  EXPECT_NE(text.find("│ Between kernels, 32.00 B a sample            │         1,024 │       1.00 KB │"), std::string::npos);
  EXPECT_NE(text.find("│ In all                                       │         7,496 │       7.32 KB │"), std::string::npos);
  EXPECT_LT(text.find("│ dense/kernel          │ weight "), text.find("│ dense                 │ buffer of train_step  │"));
  EXPECT_EQ(text.find("buffer of predict"), std::string::npos);
}

/// How often `part` occurs.
static size_t countOf(const std::string &text, const std::string &part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size())
    ++count;
  return count;
}

TEST(Summary, a_graph_has_a_box_for_each_layer_and_an_arrow_for_each_input) {
  ModelSummary model;
  model.name = "a <b> & \"c\"";
  model.inputs = {{"left", "input", "(None, 6)", 0, {}}, {"right", "input", "(None, 6)", 0, {}}};
  model.layers = {{"shared", "dense", "(None, 4)", 28, {"left", "right"}},
                  {"second", "dense", "(None, 4)", 20, {"shared"}},
                  {"all", "concatenate", "(None, 14)", 0, {"second", "shared", "left", "shared"}}};
  std::string svg = renderGraph(model);
  EXPECT_EQ(xmlError(svg), "") << svg;
  EXPECT_EQ(countOf(svg, "class=\"input\""), 2u);
  EXPECT_EQ(countOf(svg, "class=\"layer\""), 3u);
  EXPECT_EQ(countOf(svg, "class=\"head\""), 6u); // left, right -> shared -> second; second, shared, left -> all
  EXPECT_EQ(countOf(svg, "class=\"arrow\""), 6u + 3u); // and lanes: shared passes one rank, left two
  EXPECT_NE(svg.find(">Concatenate  (None, 14)<"), std::string::npos);
  EXPECT_NE(svg.find(">28 parameters<"), std::string::npos);
  EXPECT_EQ(xmlError(renderGraph({})), "");
}

// As Keras shows the same model, but for the operators, which are layers there.
TEST_F(SummaryCommand, a_shared_sequential_shows_what_each_call_reads) {
  write("pair.horn", R"(model pair(left: real[4, 4], right: real[4, 4]) -> (same, label) {
    encoder = sequential(flatten, dense(8, relu))
    shared = dense(3)
    a = left |> encoder |> shared
    b = right |> encoder |> shared
    same = abs(a - b) |> dense(1, sigmoid)
    label = concatenate()([b, a]) |> dense(10, softmax)
}
)");
  const Outcome outcome = run({"summary", "pair.horn"});
  EXPECT_EQ(outcome.exitCode, 0) << outcome.err;
  for (const char *row : {"│ encoder             │ (None, 8)         │        136 │ left[0][0],       │\n"
                          "│ (Sequential)        │                   │            │ right[0][0]       │\n",
                          "│ shared (Dense)      │ (None, 3)         │         27 │ encoder[0][0],    │\n"
                          "│                     │                   │            │ encoder[1][0]     │\n",
                          "│ same (Dense)        │ (None, 1)         │          4 │ shared[0][0],     │\n"
                          "│                     │                   │            │ shared[1][0]      │\n",
                          "│ concatenate         │ (None, 6)         │          0 │ shared[1][0],     │\n"
                          "│ (Concatenate)       │                   │            │ shared[0][0]      │\n"})
    EXPECT_NE(outcome.out.find(row), std::string::npos) << row << outcome.out;
}

TEST_F(SummaryCommand, memory_and_a_picture) {
  Outcome outcome = run({"summary", HORNFELS_MODELS "/imdb.horn", "--memory", "--graph=g.svg"});
  EXPECT_EQ(outcome.exitCode, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("│ Weights                                      │       641,220 │     626.19 KB │"),
            std::string::npos)
      << outcome.out;
  EXPECT_EQ(xmlError(read("g.svg")), "");
  EXPECT_EQ(run({"summary", HORNFELS_MODELS "/imdb.horn", "--graph=g.svg"}).exitCode, 0);
  write("mine.svg", "<svg/>");
  Outcome refused = run({"summary", HORNFELS_MODELS "/imdb.horn", "--graph=mine.svg"});
  EXPECT_EQ(refused.exitCode, 2);
  EXPECT_EQ(refused.out, "");
  EXPECT_EQ(read("mine.svg"), "<svg/>");
}
