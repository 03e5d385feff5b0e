/* `selftest`: what passes, and what it finds. */
#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "double_model.h"
#include "runtime/program/commands.h"
#include "runtime/program/data/inflate.h"
#include "support.h"

using namespace hornfels_tests;

namespace {

class selftest : public testing::Test {
protected:
  outcome call(const std::string &program, std::vector<std::string> arguments) {
    process one;
    one.arguments = {program, "selftest"};
    one.arguments.insert(one.arguments.end(), arguments.begin(), arguments.end());
    one.folder = folder.str();
    return run(one);
  }

  /* Runs it on a table in this process; the failure's message, or nothing. */
  std::string failure_of(const hornfels_model &model) {
    hornfels::options chosen;
    testing::internal::CaptureStdout();
    std::string message;
    try {
      hornfels::selftest(model, chosen);
    } catch (const hornfels::failure &problem) {
      message = problem.what();
    }
    said = testing::internal::GetCapturedStdout();
    return message;
  }

  scratch_folder folder;
  std::string said;
};

TEST_F(selftest, every_kind_of_model_passes_and_says_the_same_each_time) {
  for (const char *program :
       {WORDS_PROGRAM, TOPICS_PROGRAM, WEIGHTED_PROGRAM, PRICES_PROGRAM, STOCKS_PROGRAM, DIGITS_PROGRAM}) {
    const outcome first = call(program, {}), second = call(program, {});
    EXPECT_EQ(first.code, 0) << first.err << first.out;
    EXPECT_EQ(first.err, "");
    EXPECT_EQ(first.out, second.out);
    EXPECT_EQ(first.out.find("ok      predictions of 19 rows are finite\n"), 0u) << first.out;
    EXPECT_NE(first.out.find("\nchecksum "), std::string::npos);
  }
}

TEST_F(selftest, a_kept_vector_is_compared) {
  ASSERT_EQ(call(PRICES_PROGRAM, {"--write", "v.npz"}).code, 0);
  const outcome same = call(PRICES_PROGRAM, {"--vector", "v.npz"});
  EXPECT_EQ(same.code, 0);
  EXPECT_NE(same.out.find("ok      all is as in v.npz, to 1e-5\n"), std::string::npos) << same.out;
  const outcome other = call(STOCKS_PROGRAM, {"--weights", "none.npz", "--vector", "v.npz"});
  EXPECT_EQ(other.code, 3);
  const outcome wrong = call(WORDS_PROGRAM, {"--vector", "v.npz"});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_NE(wrong.err.find("v.npz: error: no array after/sentiment: is it a vector of this model?"), std::string::npos)
      << wrong.err;
}

TEST_F(selftest, a_number_that_differs_is_named) {
  std::vector<float> before(19, 0.0f);
  const std::string predictions = npy<float>({19, 1}, before), loss = npy<double>({}, std::vector<double>{0.5});
  write_file(folder / "v.npz",
             zip({{"after/price.npy", predictions}, {"loss.npy", loss}, {"predict/price.npy", predictions}}));
  const outcome result = call(PRICES_PROGRAM, {"--vector", "v.npz", "--write", "w.npz"});
  EXPECT_EQ(result.code, 3);
  EXPECT_NE(result.out.find("FAILED  all is as in v.npz, to 1e-5: after/price[0] is "), std::string::npos) << result.out;
  EXPECT_EQ(result.err, "prices: error: selftest failed\n");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"v.npz"});
}

/* A model that predicts with another number each time. */
int32_t restless(void *handle, const hornfels_array *inputs, const hornfels_result *outputs, int64_t batch) {
  static float shift = 0;
  const int32_t status = prices_model.predict(handle, inputs, outputs, batch);
  static_cast<float *>(outputs[0].data)[0] += shift += 1;
  return status;
}

int32_t infinite(void *handle, const hornfels_array *inputs, const hornfels_result *outputs, int64_t batch) {
  const int32_t status = prices_model.predict(handle, inputs, outputs, batch);
  static_cast<float *>(outputs[0].data)[0] = INFINITY;
  return status;
}

int32_t idle(void *, const hornfels_array *, int64_t) { return HORNFELS_OK; }

TEST_F(selftest, what_is_broken_fails) {
  EXPECT_EQ(failure_of(prices_model), "");
  hornfels_model broken = prices_model;
  broken.predict = restless;
  EXPECT_EQ(failure_of(broken), "error: selftest failed");
  EXPECT_NE(said.find("FAILED  one row at a time they are the same, to 1e-5: predict/price["), std::string::npos) << said;
  EXPECT_NE(said.find("FAILED  with 2 threads they are the same, byte for byte: they differ\n"), std::string::npos);
  broken.predict = infinite;
  EXPECT_EQ(failure_of(broken), "error: selftest failed");
  EXPECT_EQ(said.find("FAILED  predictions of 19 rows are finite: predict/price[0] is inf\n"), 0u) << said;
  broken = prices_model;
  broken.train_step = idle;
  EXPECT_EQ(failure_of(broken), "error: selftest failed");
  EXPECT_NE(said.find("FAILED  it changes them: all are as before\n"), std::string::npos) << said;
}

} // namespace
