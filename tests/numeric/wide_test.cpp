// Wide nets: any number of threads, packed weights through the ABI, weights from one program into another.
#include "runtime/core/weights.h"
#include "tests/numeric/Model.h"
#include "tests/numeric/Table.h"
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace hornfels::numeric {
namespace {

class Wide : public testing::TestWithParam<Graph> {};

void expectSameBytes(const Handle &a, const Handle &b, const std::string &what) {
  const std::vector<Elements> x = a.variables(), y = b.variables();
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_TRUE(x[i].same_bytes(y[i])) << what << ": " << a.model.variable_info[i].name << " differs";
}

TEST_P(Wide, AnyNumberOfThreadsGivesTheSameBytes) {
  for (const hornfels_model *model : {GetParam().fused, GetParam().unfused}) {
    Handle alone(*model, nullptr);
    for (int64_t batch : {130, 64, 13})
      alone.train(Data(*model, batch), batch);
    for (int32_t threads : {1, 2, 4, 8}) {
      hornfels_pool *pool = hornfels_pool_create(threads);
      {
        Handle threaded(*model, pool);
        for (int64_t batch : {130, 64, 13})
          threaded.train(Data(*model, batch), batch);
        expectSameBytes(alone, threaded, std::string(model->name) + ", " + std::to_string(threads) + " threads");
      }
      hornfels_pool_destroy(pool);
    }
  }
}

/// What is read back is what was written, bit for bit, packed or not; a step in between changes it.
TEST_P(Wide, VariablesComeBackAsTheyWereSet) {
  for (const hornfels_model *model : {GetParam().fused, GetParam().unfused}) {
    Handle handle(*model, nullptr);
    const std::vector<Elements> drawn = drawVariables(*model);
    handle.setVariables(drawn);
    const std::vector<Elements> back = handle.variables();
    for (size_t i = 0; i < drawn.size(); ++i)
      EXPECT_TRUE(drawn[i].same_bytes(back[i])) << model->name << ": " << model->variable_info[i].name;
    handle.train(Data(*model, 9), 9);
    EXPECT_FALSE(handle.variables()[0].same_bytes(drawn[0]));
  }
}

std::string bytesOf(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// The fused program and the unfused one are for different targets: other panels, other vectors.
TEST_P(Wide, WeightsGoIntoTheOtherProgram) {
  const hornfels_model &one = *GetParam().fused, &other = *GetParam().unfused;
  const std::string folder = std::filesystem::temp_directory_path().string() + "/wide" + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  const std::string first = folder + "/first.npz", second = folder + "/second.npz";
  char error[512] = "";
  Handle trained(one, nullptr), loaded(other, nullptr);
  trained.train(Data(one, 13), 13);
  ASSERT_EQ(hornfels_save_weights(&one, trained.opaque(), first.c_str(), error, sizeof error), HORNFELS_OK) << error;
  ASSERT_EQ(hornfels_load_weights(&other, loaded.opaque(), first.c_str(), error, sizeof error), HORNFELS_OK) << error;
  ASSERT_EQ(hornfels_save_weights(&other, loaded.opaque(), second.c_str(), error, sizeof error), HORNFELS_OK) << error;
  EXPECT_TRUE(bytesOf(first) == bytesOf(second)) << first << " and " << second << " differ";
  const std::vector<Elements> a = trained.predict(Data(one, 34), 34), b = loaded.predict(Data(other, 34), 34);
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t e = 0; e < a[i].size(); ++e)
      ASSERT_LE(difference(b[i][e], a[i][e]), 1e-5) << one.output_info[i].name << "[" << e << "]";
  std::filesystem::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(Graph, Wide, testing::ValuesIn(graphs),
                         [](const testing::TestParamInfo<Graph> &p) { return std::string(p.param.name); });

} // namespace
} // namespace hornfels::numeric
