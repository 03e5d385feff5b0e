/* Weights in files: what fits is loaded, what does not is named, and then nothing changes. */
#include <cstring>

#include <gtest/gtest.h>

#include "double_model.h"
#include "runtime/core/weights.h"
#include "runtime/program/inflate.h"
#include "support.h"

using namespace hornfels_tests;

namespace {

class weights : public testing::Test {
protected:
  weights() {
    hornfels::set_inflater(hornfels::make_inflater);
    model.create(&handle, 8);
    model.initialize(handle, 1);
  }
  ~weights() override { model.destroy(handle); }

  std::vector<float> kernel() const {
    std::vector<float> values(13);
    model.get_variable(handle, 0, values.data(), 13);
    return values;
  }

  /* Loads the archive; the message without the folder's name. */
  std::string load(const std::string &bytes) {
    write_file(folder / "w.npz", bytes);
    const int32_t status =
        hornfels_load_weights(&model, handle, (folder / "w.npz").c_str(), text, sizeof text);
    EXPECT_EQ(status == HORNFELS_OK, text[0] == '\0');
    std::string result = text;
    for (size_t at; (at = result.find(folder.str() + "/")) != std::string::npos;)
      result.erase(at, folder.str().size() + 1);
    return result;
  }

  const hornfels_model &model = prices_model;
  void *handle = nullptr;
  scratch_folder folder;
  char text[4096] = "";
};

const std::vector<float> thirteen{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
const member good_kernel{"dense/kernel.npy", npy<float>({13, 1}, thirteen)};
const member good_bias{"dense/bias.npy", npy<float>({7})};

TEST_F(weights, come_back_as_they_were_saved) {
  const std::vector<float> first = kernel();
  ASSERT_EQ(hornfels_save_weights(&model, handle, (folder / "w.npz").c_str(), text, sizeof text), HORNFELS_OK)
      << text;
  const std::string bytes = read_file(folder / "w.npz");
  model.initialize(handle, 2);
  EXPECT_NE(kernel(), first);
  ASSERT_EQ(load(bytes), "");
  EXPECT_EQ(kernel(), first);
  ASSERT_EQ(hornfels_save_weights(&model, handle, (folder / "again.npz").c_str(), text, sizeof text),
            HORNFELS_OK);
  EXPECT_EQ(read_file(folder / "again.npz"), bytes) << "the same weights are the same bytes";
  EXPECT_EQ(bytes.find("loss/total"), std::string::npos) << "metrics are not weights";
}

TEST_F(weights, are_read_stored_and_deflated_in_any_order) {
  ASSERT_EQ(load(zip({good_bias, {"dense/kernel.npy", good_kernel.data, true}})), "");
  EXPECT_EQ(kernel(), thirteen);
}

TEST_F(weights, of_another_model_are_named_and_change_nothing) {
  const std::vector<float> before = kernel();
  EXPECT_EQ(load(zip({{"dense/kernel.npy", npy<float>({1, 13}, thirteen)}, good_bias})),
            "w.npz: dense/kernel is f32[1, 13], this model needs f32[13, 1]");
  const std::vector<double> wide(thirteen.begin(), thirteen.end());
  EXPECT_EQ(load(zip({{"dense/kernel.npy", npy<double>({13, 1}, wide)}, good_bias})),
            "w.npz: dense/kernel is f64[13, 1], this model needs f32[13, 1]");
  EXPECT_EQ(load(zip({good_kernel})), "w.npz: dense/bias is missing; this model needs f32[1]");
  EXPECT_EQ(load(zip({good_kernel, good_bias, {"dense_1/bias.npy", good_bias.data}})),
            "w.npz: dense_1/bias is not a weight of this model");
  EXPECT_EQ(load(zip({{"kernel.npy", good_kernel.data}})),
            "w.npz: dense/kernel is missing; this model needs f32[13, 1]\n"
            "w.npz: dense/bias is missing; this model needs f32[1]\n"
            "w.npz: kernel is not a weight of this model");
  EXPECT_EQ(kernel(), before);
}

TEST_F(weights, that_are_damaged_after_the_first_change_nothing) {
  const std::vector<float> before = kernel();
  member damaged = good_bias;
  damaged.checksum = 0;
  EXPECT_NE(load(zip({good_kernel, damaged})).find("w.npz!dense/bias.npy: error: damaged"),
            std::string::npos);
  EXPECT_EQ(kernel(), before);
}

TEST_F(weights, complain_once_about_many) {
  std::vector<member> members{good_kernel, good_bias};
  for (int i = 0; i < 50; ++i)
    members.push_back({"other_" + std::to_string(i) + "/kernel.npy", good_bias.data});
  const std::string message = load(zip(members));
  EXPECT_NE(message.find("other_19/kernel"), std::string::npos);
  EXPECT_EQ(message.find("other_20/kernel"), std::string::npos);
  EXPECT_NE(message.find("w.npz: and 30 more"), std::string::npos) << message;
}

TEST_F(weights, report_through_the_C_interface) {
  EXPECT_EQ(hornfels_load_weights(nullptr, handle, "w", text, sizeof text), HORNFELS_BAD_ARGUMENT);
  EXPECT_EQ(hornfels_load_weights(&model, handle, nullptr, text, sizeof text), HORNFELS_BAD_ARGUMENT);
  EXPECT_EQ(hornfels_load_weights(&model, nullptr, "w", text, sizeof text), HORNFELS_BAD_ARGUMENT);
  EXPECT_EQ(hornfels_load_weights(&model, handle, "/nowhere/w.npz", nullptr, 0), HORNFELS_BAD_FILE);
  char small[8];
  EXPECT_EQ(hornfels_load_weights(&model, handle, "/nowhere/w.npz", small, sizeof small), HORNFELS_BAD_FILE);
  EXPECT_STREQ(small, "/nowher");
  EXPECT_EQ(hornfels_save_weights(&model, handle, "/nowhere/w.npz", text, sizeof text), HORNFELS_BAD_FILE);
  EXPECT_NE(std::strstr(text, "No such file or directory"), nullptr) << text;
}

/* A model of doubles takes both widths. */
TEST_F(weights, of_f32_fit_a_model_of_f64) {
  static const int64_t shape[] = {4};
  static double values[4];
  static hornfels_tensor variable = {"a", HORNFELS_F64, HORNFELS_WEIGHT, 1, 0, shape, 0, 0, nullptr, nullptr};
  hornfels_model doubles = model;
  doubles.variables = 1;
  doubles.variable_info = &variable;
  doubles.set_variable = [](void *, int32_t, const void *data, int64_t size) -> int32_t {
    std::memcpy(values, data, static_cast<size_t>(size) * sizeof(double));
    return HORNFELS_OK;
  };
  write_file(folder / "w.npz", zip({{"a.npy", npy<float>({1.5f, -2, 3, 0.25f})}}));
  ASSERT_EQ(hornfels_load_weights(&doubles, handle, (folder / "w.npz").c_str(), text, sizeof text),
            HORNFELS_OK)
      << text;
  EXPECT_EQ(std::vector<double>(values, values + 4), (std::vector<double>{1.5, -2, 3, 0.25}));
}

} // namespace
