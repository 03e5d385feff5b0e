/* Weights in files: what fits is loaded, what does not is named, and then nothing changes. */
#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

#include "double_model.h"
#include "runtime/core/weights.h"
#include "runtime/program/data/inflate.h"
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

/* dense/kernel [13, 1] and dense/bias [1], each from a multiple of 64 bytes on. */
TEST_F(weights, in_memory_are_as_many_bytes_as_the_model_needs) {
  std::vector<float> memory(32);
  std::copy(thirteen.begin(), thirteen.end(), memory.begin());
  memory[16] = 7;
  const std::vector<float> before = kernel();
  for (const size_t bytes : {0, 64, 127, 129, 192})
    EXPECT_EQ(hornfels_weights_from_memory(&model, handle, memory.data(), bytes), HORNFELS_BAD_ARGUMENT) << bytes;
  EXPECT_EQ(hornfels_weights_from_memory(&model, handle, nullptr, 128), HORNFELS_BAD_ARGUMENT);
  EXPECT_EQ(hornfels_weights_from_memory(nullptr, handle, memory.data(), 128), HORNFELS_BAD_ARGUMENT);
  EXPECT_EQ(hornfels_weights_from_memory(&model, nullptr, memory.data(), 128), HORNFELS_BAD_ARGUMENT);
  EXPECT_EQ(kernel(), before);
  ASSERT_EQ(hornfels_weights_from_memory(&model, handle, memory.data(), 128), HORNFELS_OK);
  EXPECT_EQ(kernel(), thirteen);
  float bias = 0;
  model.get_variable(handle, 1, &bias, 1);
  EXPECT_EQ(bias, 7);
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

/* A .safetensors file of this header and so many bytes of elements. */
std::string safetensors(const std::string &header, size_t bytes) {
  return little(header.size(), 8) + header + std::string(bytes, '\0');
}

const std::string good_header = "{\"dense/kernel\":{\"dtype\":\"F32\",\"shape\":[13,1],\"data_offsets\":[0,52]},"
                                "\"dense/bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[52,56]}}";

TEST_F(weights, safetensors_come_back_and_are_written_as_others_read_them) {
  const std::vector<float> first = kernel();
  const std::string path = folder / "w.safetensors";
  ASSERT_EQ(hornfels_save_weights(&model, handle, path.c_str(), text, sizeof text), HORNFELS_OK) << text;
  const std::string bytes = read_file(path);
  EXPECT_EQ(bytes.substr(8, good_header.size()), good_header);
  EXPECT_EQ(static_cast<unsigned char>(bytes[0]), (good_header.size() + 7) / 8 * 8);
  EXPECT_EQ(bytes.size(), 8 + (good_header.size() + 7) / 8 * 8 + 56);
  model.initialize(handle, 2);
  /* The name does not matter: the bytes say what it is. */
  ASSERT_EQ(load(bytes), "");
  EXPECT_EQ(kernel(), first);
  ASSERT_EQ(load(safetensors("{\"__metadata__\":{\"format\":\"np\",\"\\u00e9\\ud83d\\ude00\":\"\"},\n " +
                                 good_header.substr(1),
                             56)),
            "");
  EXPECT_EQ(kernel(), std::vector<float>(13));
}

TEST_F(weights, safetensors_that_lie_are_refused_by_name_and_place) {
  const std::string kernel_only = "{\"dense/kernel\":{\"dtype\":\"F32\",\"shape\":[13,1],\"data_offsets\":[0,52]}";
  const auto with_type = [&](const std::string &entry) { return "{\"k\":" + entry + "}"; };
  const std::vector<float> before = kernel();
  const std::pair<std::string, const char *> cases[] = {
      {safetensors(kernel_only + "}", 52), "w.npz: dense/bias is missing; this model needs f32[1]"},
      {safetensors(good_header, 55), "dense/bias: the data_offsets do not fit its shape or the file"},
      {safetensors(good_header, 57), "bytes that belong to no array"},
      {little(uint64_t{1} << 62, 8) + "{}", "not a .safetensors file: a header of 4611686018427387904 bytes"},
      {little(200, 8) + "{}", "a header of 200 bytes, the file has 10"},
      {safetensors("{", 0), "@0x9: error: expected '\"'"},
      {safetensors(kernel_only, 52), "expected '}'"},
      {safetensors(good_header + "{", 56), "more after the header's object"},
      {safetensors(kernel_only + "," + kernel_only.substr(1) + "}", 52), "dense/kernel is there twice"},
      {safetensors(with_type("{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[0,2]}"), 2),
       "k: elements of type BF16 are not read here"},
      {safetensors(with_type("{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}"), 0),
       "the data_offsets do not fit"},
      {safetensors(with_type("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}"), 4),
       "the data_offsets do not fit"},
      {safetensors(with_type("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}"), 8), "leave a hole"},
      {safetensors(with_type("{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}"), 4),
       "expected a whole number"},
      {safetensors(with_type("{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}"), 4),
       "number out of range"},
      {safetensors(with_type("{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}"), 4),
       "more numbers than an array here can have"},
      {safetensors(with_type("{\"dtype\":\"F32\",\"dtype\":\"F32\"}"), 0), "dtype is given twice"},
      {safetensors(with_type("{\"offsets\":[0,4]}"), 0), "offsets is not known here"},
      {safetensors(with_type("{\"dtype\":\"F32\",\"shape\":[]}"), 0), "needs dtype, shape and two data_offsets"},
      {safetensors("{\"\\ud800x\":1}", 0), "half of a surrogate pair"},
      {safetensors("{\"\\q\":1}", 0), "unknown escape"},
      {safetensors("{\"" + std::string(70000, 'n') + "\":1}", 0), "a string is too long"}};
  for (const auto &one : cases) {
    const std::string said = load(one.first);
    EXPECT_NE(said.find(one.second), std::string::npos) << one.second << ": " << said;
  }
  EXPECT_EQ(kernel(), before);
}

/* All slots, the step counter and the learning rate go with the weights where it is asked for, and come back. */
TEST(weights_with_optimizer, come_back) {
  hornfels::set_inflater(hornfels::make_inflater);
  const scratch_folder folder;
  const hornfels_model &model = stocks_model;
  void *handle = nullptr;
  model.create(&handle, 8);
  model.initialize(handle, 1);
  std::vector<float> slot(13, 0.25f), kernel(13);
  for (const char *name : {"w.npz", "w.safetensors"}) {
    const std::string path = folder / name;
    hornfels::file_error error;
    model.set_variable(handle, 3, slot.data(), 13);
    model.set_step(handle, 77);
    model.set_learning_rate(handle, 0.125);
    ASSERT_EQ(hornfels::save_weights(model, handle, path, error, true), HORNFELS_OK) << error.text;
    model.get_variable(handle, 0, kernel.data(), 13);
    model.initialize(handle, 2);
    model.set_step(handle, 0);
    model.set_learning_rate(handle, 1);
    ASSERT_EQ(hornfels::load_weights(model, handle, path, error), HORNFELS_OK) << error.text;
    std::vector<float> found(13);
    model.get_variable(handle, 3, found.data(), 13);
    EXPECT_EQ(found, slot);
    model.get_variable(handle, 0, found.data(), 13);
    EXPECT_EQ(found, kernel);
    EXPECT_EQ(model.get_step(handle), 77);
    EXPECT_EQ(model.get_learning_rate(handle), 0.125);
    /* Another model, with another optimizer. */
    void *other = nullptr;
    prices_model.create(&other, 8);
    prices_model.initialize(other, 1);
    EXPECT_NE(hornfels::load_weights(prices_model, other, path, error), HORNFELS_OK);
    EXPECT_NE(error.text.find("dense/kernel/momentum is not a weight of this model"), std::string::npos) << error.text;
    prices_model.destroy(other);
  }
  model.destroy(handle);
}

} // namespace
