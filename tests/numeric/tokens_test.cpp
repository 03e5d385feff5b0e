// Ids that a step must refuse.
#include "tests/numeric/Model.h"
#include "tests/numeric/Table.h"

namespace hornfels::numeric {
namespace {

/// Rows of every length up to 40, right and with one id that is wrong, at every place.
TEST(Tokens, IdsOutOfOrderAreRefused) {
  int models = 0;
  for (const Graph &graph : graphs) {
    const hornfels_model &model = *graph.fused;
    int32_t input = 0;
    while (input < model.inputs && model.input_info[input].type != HORNFELS_TOKENS16)
      ++input;
    if (input == model.inputs || model.input_info[input].limit < 500)
      continue;
    ++models;
    const hornfels_tensor &info = model.input_info[input];
    const bool sets = info.token_rows == HORNFELS_ROWS_SETS;
    Handle handle(model, nullptr);
    Data data(model, 1);
    for (int64_t length = 0; length <= 40; ++length) {
      std::vector<uint16_t> ids;
      for (int64_t i = 0; i < length; ++i)
        ids.push_back(static_cast<uint16_t>(info.limit - 3 * length + 3 * i + 2));
      const std::vector<uint16_t> right = ids;
      const int64_t offsets[] = {0, length};
      data.arrays[static_cast<size_t>(input)] = {ids.data(), offsets, length};
      EXPECT_EQ(handle.status(data, 1), HORNFELS_OK) << info.name << ", " << length << " ids";
      for (int64_t wrong = 1; wrong < length; ++wrong) {
        const size_t at = static_cast<size_t>(wrong);
        ids = right;
        ids[at] = static_cast<uint16_t>(ids[at - 1] - (sets ? 0 : 1));
        data.arrays[static_cast<size_t>(input)].data = ids.data();
        EXPECT_EQ(handle.status(data, 1), HORNFELS_BAD_ARGUMENT) << info.name << ", id " << wrong << " of " << length;
      }
      if (length == 0)
        continue;
      ids = right;
      ids.back() = static_cast<uint16_t>(info.limit);
      data.arrays[static_cast<size_t>(input)].data = ids.data();
      EXPECT_EQ(handle.status(data, 1), HORNFELS_BAD_ARGUMENT) << info.name << ", " << length << " ids";
    }
  }
  EXPECT_GT(models, 1);
}

} // namespace
} // namespace hornfels::numeric
