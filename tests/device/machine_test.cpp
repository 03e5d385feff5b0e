// Row R15 and faults: what the host says of a machine that lacks something, and of a device that fails.
#include "program_test.h"

using namespace hand;
using testing::ExitedWithCode;

namespace {

const std::string offer = "; a program for the CPU needs no device: build it without --target=cuda";

/* Why no handle of the f32 model can be had. */
std::string refused(int32_t expected, int64_t capacity = 16) {
  void *handle = nullptr;
  const int32_t status = hand_f32_device_model.create(&handle, capacity);
  EXPECT_EQ(status, expected);
  EXPECT_EQ(handle, nullptr);
  return hand_f32_device_model.last_error(nullptr);
}

bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

/* Runs in a process of its own, because a fault stays: exit code 0 when all of it was right. */
template <class Body> void alone(const Body &body) {
  EXPECT_EXIT(
      {
        body();
        std::exit(testing::Test::HasFailure() ? 1 : 0);
      },
      ExitedWithCode(0), "");
}

} // namespace

TEST(Machine, R15_no_device) {
  const environment none("HORNFELS_DEVICE_COUNT", "0");
  EXPECT_EQ(refused(HORNFELS_BAD_DEVICE), "hand: needs a CUDA device of sm_80,sm_90 or later, this machine has none" + offer);
}

TEST(Machine, R15_no_driver) {
  const environment none("HORNFELS_DRIVER_VERSION", "0");
  EXPECT_EQ(refused(HORNFELS_BAD_DEVICE),
            "hand: needs a CUDA device of sm_80,sm_90 or later, this machine has no driver for one" + offer);
}

TEST(Machine, R15_an_old_driver) {
  const environment old("HORNFELS_DRIVER_VERSION", "11080");
  EXPECT_EQ(refused(HORNFELS_BAD_DEVICE), "hand: needs a driver for CUDA 13.0, this machine's is for CUDA 11.8" + offer);
}

TEST(Machine, R15_another_architecture) {
  {
    const environment old("HORNFELS_DEVICE_ARCH", "75");
    const std::string text = refused(HORNFELS_BAD_DEVICE);
    EXPECT_TRUE(has(text, "hand: compiled for sm_80,sm_90 or later, this machine's device is sm_75 (")) << text;
    EXPECT_TRUE(has(text, "); compile for it with --arch=sm_75; a program for the CPU needs no device: ")) << text;
  }
  {
    const environment older("HORNFELS_DEVICE_ARCH", "61");
    const std::string text = refused(HORNFELS_BAD_DEVICE);
    EXPECT_TRUE(has(text, "this machine's device is sm_61 (")) << text;
    EXPECT_TRUE(has(text, ")" + offer)) << "no toolkit compiles for it: " << text;
  }
  for (const char *later : {"80", "86", "90", "120"}) {
    const environment device("HORNFELS_DEVICE_ARCH", later);
    handle_of<float> handle(hand_f32_device_model);
    handle.initialize(1);
  }
}

/* One with an `a` has no PTX and runs on nothing else. */
TEST(Machine, R15_an_architecture_without_successors) {
  void *handle = nullptr;
  for (const char *other : {"80", "89", "100", "120"}) {
    const environment device("HORNFELS_DEVICE_ARCH", other);
    EXPECT_EQ(hand_alone_device_model.create(&handle, 16), HORNFELS_BAD_DEVICE) << other;
    const std::string text = hand_alone_device_model.last_error(nullptr);
    EXPECT_TRUE(has(text, "hand: compiled for sm_90a, this machine's device is sm_" + std::string(other))) << text;
  }
  const environment device("HORNFELS_DEVICE_ARCH", "90");
  handle_of<float>(hand_alone_device_model).initialize(1);
}

TEST(Machine, R15_too_little_memory) {
  const environment little("HORNFELS_DEVICE_MEMORY", std::to_string(3 << 20));
  const std::string text = refused(HORNFELS_OUT_OF_MEMORY, 1000000);
  EXPECT_TRUE(has(text, "hand: batches of 1000000 rows need ")) << text;
  EXPECT_TRUE(has(text, " MiB of device memory, 3.0 of 3.0 MiB are free (")) << text;
  EXPECT_TRUE(has(text, "): take smaller batches" + offer)) << text;
  const size_t needed = text.find("need ") + 5;
  EXPECT_GT(std::atof(text.c_str() + needed), 3) << text;
  handle_of<float> small(hand_f32_device_model);
  small.initialize(1);
}

/* The memory that is left is found to be too little only when it is asked for. */
TEST(Machine, R15_no_room_for_a_large_batch_of_ids) {
  handle_of<float> handle(hand_f32_device_model);
  handle.initialize(1);
  const batch_of<float> small(4), large(16, 1, 2000000);
  handle.train(small);
  const std::vector<float> weights = handle.variable(kernel);
  {
    const environment little("HORNFELS_DEVICE_MEMORY", std::to_string(1 << 20));
    EXPECT_EQ(handle.model.train_step(handle.opaque, large.data, large.size), HORNFELS_OUT_OF_MEMORY);
    EXPECT_EQ(handle.error(), "hand: room for the ids of a batch: out of memory");
    EXPECT_EQ(handle.variable(kernel), weights);
    EXPECT_EQ(handle.model.get_step(handle.opaque), 1);
    handle.train(small);
    EXPECT_NE(handle.variable(kernel), weights);
  }
  handle_of<float> fresh(hand_f32_device_model);
  fresh.initialize(1);
  fresh.train(small);
  fresh.train(small);
  EXPECT_EQ(handle.variable(kernel), fresh.variable(kernel));
}

TEST(Machine, a_launch_that_the_device_refuses) {
  handle_of<float> handle(hand_f32_device_model);
  handle.initialize(1);
  const batch_of<float> batch(4), other(5);
  handle.train(batch);
  threads = 5000;
  EXPECT_EQ(handle.model.train_step(handle.opaque, other.data, other.size), HORNFELS_BAD_DEVICE);
  EXPECT_EQ(handle.error(), "hand: train_step: invalid configuration argument (cudaErrorInvalidConfiguration)");
  threads = 64;
  EXPECT_EQ(handle.model.get_step(handle.opaque), 1);
  double values[2];
  for (int32_t status : {handle.model.train_step(handle.opaque, batch.data, batch.size), handle.model.get_metrics(handle.opaque, values),
                         handle.model.reset_metrics(handle.opaque), handle.model.initialize(handle.opaque, 1)}) {
    EXPECT_EQ(status, HORNFELS_BAD_DEVICE);
    EXPECT_EQ(handle.error(), "hand: train_step: invalid configuration argument (cudaErrorInvalidConfiguration); the handle is "
                              "of no use after this");
  }
  handle_of<float> fresh(hand_f32_device_model);
  fresh.initialize(1);
  fresh.train(batch);
}

/* An asynchronous fault comes out of a later call at the latest, and stays. */
TEST(Machine, a_device_that_fails_in_a_step) {
  alone([] {
    handle_of<float> handle(hand_f32_device_model), other(hand_f32_device_model);
    handle.initialize(1);
    other.initialize(1);
    const batch_of<float> batch(4);
    handle.train(batch);
    const environment fault("HORNFELS_DEVICE_FAULT", std::to_string(device_launches() + 2));
    int32_t status = handle.model.train_step(handle.opaque, batch.data, batch.size);
    double values[2];
    if (status == HORNFELS_OK)
      status = handle.model.get_metrics(handle.opaque, values);
    EXPECT_EQ(status, HORNFELS_BAD_DEVICE);
    const std::string text = handle.error();
    EXPECT_TRUE(has(text, ": an illegal memory access was encountered (cudaErrorIllegalAddress)")) << text;
    EXPECT_TRUE(has(text, "hand: train_step") || has(text, "hand: get_metrics")) << text;
    EXPECT_EQ(handle.model.predict(handle.opaque, batch.data, nullptr, 4), HORNFELS_BAD_ARGUMENT);
    EXPECT_EQ(handle.model.train_step(handle.opaque, batch.data, batch.size), HORNFELS_BAD_DEVICE);
    EXPECT_EQ(handle.error(), text + "; the handle is of no use after this");
    EXPECT_EQ(other.model.train_step(other.opaque, batch.data, batch.size), HORNFELS_BAD_DEVICE) << "the device is the same";
    EXPECT_TRUE(has(refused(HORNFELS_BAD_DEVICE), "hand: needs a CUDA device, looking for one failed: an illegal memory access"));
  });
}

TEST(Machine, a_self_test_that_fails) {
  alone([] {
    const environment fault("HORNFELS_DEVICE_FAULT", std::to_string(device_launches() + 1));
    const std::string text = refused(HORNFELS_BAD_DEVICE);
    EXPECT_EQ(text, "hand: self-test: an illegal memory access was encountered (cudaErrorIllegalAddress)");
  });
}
