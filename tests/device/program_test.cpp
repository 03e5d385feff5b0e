// The host side of a device against the CPU's: the same calls to a model on the device and to its twin.
#include "program_test.h"

#include "runtime/core/weights.h"

#include <cmath>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <unistd.h>

using namespace hand;

namespace {

template <class Real> struct models {};
template <> struct models<float> {
  static const hornfels_model &device() { return hand_f32_device_model; }
  static const hornfels_model &twin() { return hand_f32_twin_model; }
  static constexpr double tolerance = 1e-6;
};
template <> struct models<double> {
  static const hornfels_model &device() { return hand_f64_device_model; }
  static const hornfels_model &twin() { return hand_f64_twin_model; }
  static constexpr double tolerance = 1e-14;
};

template <class T> class Host : public testing::Test {
protected:
  template <class A, class B> void near(const A &found, const B &expected, const std::string &what) {
    ASSERT_EQ(found.size(), expected.size()) << what;
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_NEAR(found[i], expected[i], models<T>::tolerance * (1 + std::fabs(static_cast<double>(expected[i])))) << what << " " << i;
  }
  /* Everything that a handle has. */
  void same(handle_of<T> &device, handle_of<T> &twin, const std::string &when) {
    for (int index : {kernel, table, total, rows})
      near(device.variable(index), twin.variable(index), when + ": " + twin.model.variable_info[index].name);
    EXPECT_EQ(device.count_of_last_step(), twin.count_of_last_step()) << when;
    near(device.metrics(), twin.metrics(), when + ": metrics");
    EXPECT_EQ(device.model.get_step(device.opaque), twin.model.get_step(twin.opaque)) << when;
  }
};

using reals = testing::Types<float, double>;
TYPED_TEST_SUITE(Host, reals);

} // namespace

TYPED_TEST(Host, steps_of_all_sizes) {
  handle_of<TypeParam> device(models<TypeParam>::device()), twin(models<TypeParam>::twin());
  this->same(device, twin, "created");
  device.initialize(5);
  twin.initialize(5);
  this->same(device, twin, "initialised");
  unsigned number = 0;
  for (int64_t size : {4, 4, 7, 16, 1, 4, 16, 7, 4, 3}) {
    const batch_of<TypeParam> batch(size, ++number), other(size + 1 > 16 ? 16 : size + 1, number + 100);
    device.train(batch);
    twin.train(batch);
    device.evaluate(other);
    twin.evaluate(other);
    this->near(device.predict(other), twin.predict(other), "predict");
    this->same(device, twin, "step " + std::to_string(number));
  }
}

/* Staging is used again while nobody has waited: the values must be those of each call. */
TYPED_TEST(Host, many_steps_without_waiting) {
  handle_of<TypeParam> device(models<TypeParam>::device()), twin(models<TypeParam>::twin());
  device.initialize(1);
  twin.initialize(1);
  for (unsigned step = 0; step < 25; ++step) {
    batch_of<TypeParam> batch(1 + step % 5, step);
    for (handle_of<TypeParam> *handle : {&twin, &device}) {
      handle->right(handle->model.set_learning_rate(handle->opaque, 0.01 * step));
      handle->train(batch);
    }
    batch.x.assign(batch.x.size(), 77); // the caller's again
    batch.ids.assign(batch.ids.size(), 0);
    batch.other_ids.assign(batch.other_ids.size(), 0);
  }
  this->same(device, twin, "after 25 steps");
}

TYPED_TEST(Host, more_sizes_of_batches_than_steps_are_kept) {
  handle_of<TypeParam> device(models<TypeParam>::device(), 48), twin(models<TypeParam>::twin(), 48);
  device.initialize(2);
  twin.initialize(2);
  for (unsigned turn = 0; turn < 2; ++turn)
    for (int64_t size = 1; size <= 40; ++size) {
      const batch_of<TypeParam> batch(size, static_cast<unsigned>(size) + turn);
      device.train(batch);
      twin.train(batch);
      this->near(device.predict(batch), twin.predict(batch), "predict " + std::to_string(size));
    }
  this->same(device, twin, "after 80 steps");
}

TYPED_TEST(Host, batches_with_more_ids_than_there_was_room_for) {
  handle_of<TypeParam> device(models<TypeParam>::device()), twin(models<TypeParam>::twin());
  device.initialize(3);
  twin.initialize(3);
  for (int64_t ids : {3, 900, 5000, 0, 12000, 4}) {
    const batch_of<TypeParam> batch(8, static_cast<unsigned>(ids), ids);
    device.train(batch);
    twin.train(batch);
    this->near(device.predict(batch), twin.predict(batch), "predict " + std::to_string(ids));
    this->same(device, twin, std::to_string(ids) + " ids a row");
  }
}

TYPED_TEST(Host, metrics_begin_again) {
  handle_of<TypeParam> device(models<TypeParam>::device());
  device.initialize(4);
  const batch_of<TypeParam> batch(5);
  device.evaluate(batch);
  const double once = device.metrics()[1];
  EXPECT_GT(once, 0);
  EXPECT_EQ(device.metrics()[0], 0);
  device.train(batch);
  device.train(batch);
  EXPECT_NE(device.metrics()[1], once);
  EXPECT_EQ(device.variable(rows)[0], 30);
  device.right(device.model.reset_metrics(device.opaque));
  EXPECT_EQ(device.metrics(), (std::vector<double>{0, 0}));
  EXPECT_EQ(device.variable(rows)[0], 0);
  EXPECT_TRUE(std::signbit(device.variable(total)[0])) << "not what initialize gives it";
  device.right(device.model.set_variable(device.opaque, kernel, std::vector<TypeParam>(6, 1).data(), 6));
  EXPECT_EQ(device.variable(kernel), std::vector<TypeParam>(6, 1));
}

TYPED_TEST(Host, numbers_of_a_step) {
  handle_of<TypeParam> device(models<TypeParam>::device());
  device.initialize(6);
  EXPECT_EQ(device.model.get_seed(device.opaque), 6u);
  const batch_of<TypeParam> batch(4);
  device.train(batch);
  EXPECT_EQ(device.count_of_last_step(), 1);
  device.right(device.model.set_step(device.opaque, 40));
  const std::vector<TypeParam> before = device.variable(kernel);
  device.right(device.model.set_learning_rate(device.opaque, 0));
  device.train(batch);
  EXPECT_EQ(device.count_of_last_step(), 41);
  EXPECT_EQ(device.variable(kernel), before);
  device.right(device.model.set_learning_rate(device.opaque, 0.5));
  device.train(batch);
  EXPECT_NE(device.variable(kernel), before);
  device.initialize(7);
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_EQ(device.variable(kernel)[i], static_cast<TypeParam>(first_value(7, static_cast<int64_t>(i))));
}

/* What is refused is refused with the same words, and leaves the model as it was. */
TYPED_TEST(Host, wrong_calls) {
  handle_of<TypeParam> device(models<TypeParam>::device()), twin(models<TypeParam>::twin());
  const auto both = [&](int32_t expected, const auto &call) {
    const int32_t status = call(device), of_twin = call(twin);
    EXPECT_EQ(status, expected) << device.error();
    EXPECT_EQ(status, of_twin);
    EXPECT_EQ(device.error(), twin.error());
    EXPECT_NE(device.error(), "");
  };
  const batch_of<TypeParam> batch(4);
  const auto train = [&](const batch_of<TypeParam> &wrong) {
    return [&](handle_of<TypeParam> &handle) { return handle.model.train_step(handle.opaque, wrong.data, wrong.size); };
  };
  both(HORNFELS_BAD_STATE, train(batch));
  device.initialize(1);
  twin.initialize(1);
  const batch_of<TypeParam> large(17);
  both(HORNFELS_BAD_ARGUMENT, train(large));
  batch_of<TypeParam> ids(4);
  ids.ids.assign(ids.ids.size(), vocabulary);
  both(HORNFELS_BAD_ARGUMENT, train(ids));
  batch_of<TypeParam> offsets(4);
  offsets.offsets[2] = 1000;
  both(HORNFELS_BAD_ARGUMENT, train(offsets));
  batch_of<TypeParam> shorter(4);
  --shorter.data[x].size;
  both(HORNFELS_BAD_ARGUMENT, train(shorter));
  batch_of<TypeParam> none(4);
  none.data[target].data = nullptr;
  both(HORNFELS_BAD_ARGUMENT, train(none));
  both(HORNFELS_BAD_ARGUMENT, [&](handle_of<TypeParam> &handle) { return handle.model.predict(handle.opaque, batch.data, nullptr, 4); });
  both(HORNFELS_BAD_ARGUMENT, [&](handle_of<TypeParam> &handle) { return handle.model.get_variable(handle.opaque, 5, nullptr, 1); });
  both(HORNFELS_BAD_ARGUMENT, [&](handle_of<TypeParam> &handle) { return handle.model.get_metrics(handle.opaque, nullptr); });
  both(HORNFELS_BAD_ARGUMENT, [&](handle_of<TypeParam> &handle) { return handle.model.set_learning_rate(handle.opaque, NAN); });
  this->same(device, twin, "after wrong calls");
  const hornfels_pool *nobody = nullptr;
  device.right(device.model.set_pool(device.opaque, nobody));
  const batch_of<TypeParam> empty(0);
  device.train(empty);
  EXPECT_EQ(device.model.get_step(device.opaque), 0);
}

TYPED_TEST(Host, weights_in_files) {
  handle_of<TypeParam> device(models<TypeParam>::device()), twin(models<TypeParam>::twin()), other(models<TypeParam>::device());
  device.initialize(9);
  twin.initialize(9);
  const std::string start = testing::TempDir() + "hand-" + std::to_string(getpid());
  const std::string here = start + "-device.npz", there = start + "-twin.npz";
  char error[512];
  ASSERT_EQ(hornfels_save_weights(&device.model, device.opaque, here.c_str(), error, sizeof error), HORNFELS_OK) << error;
  ASSERT_EQ(hornfels_save_weights(&twin.model, twin.opaque, there.c_str(), error, sizeof error), HORNFELS_OK) << error;
  std::ostringstream bytes_here, bytes_there;
  bytes_here << std::ifstream(here, std::ios::binary).rdbuf();
  bytes_there << std::ifstream(there, std::ios::binary).rdbuf();
  EXPECT_TRUE(bytes_here.str() == bytes_there.str());
  ASSERT_EQ(hornfels_load_weights(&other.model, other.opaque, there.c_str(), error, sizeof error), HORNFELS_OK) << error;
  const batch_of<TypeParam> batch(4);
  other.model.set_seed(other.opaque, 9);
  other.train(batch);
  twin.train(batch);
  this->near(other.variable(kernel), twin.variable(kernel), "kernel");
  std::remove(here.c_str());
  std::remove(there.c_str());
}

TYPED_TEST(Host, handles_are_independent_and_leave_nothing) {
  const size_t free_at_first = free_device_memory();
  {
    handle_of<TypeParam> first(models<TypeParam>::device()), second(models<TypeParam>::device());
    first.initialize(1);
    second.initialize(2);
    const batch_of<TypeParam> batch(4);
    const std::vector<TypeParam> weights = second.variable(kernel);
    first.train(batch);
    first.predict(batch);
    EXPECT_EQ(second.variable(kernel), weights);
    EXPECT_LT(free_device_memory(), free_at_first);
    void *const gone = first.opaque;
    first.model.destroy(gone);
    EXPECT_EQ(first.model.train_step(gone, batch.data, 4), HORNFELS_BAD_ARGUMENT);
    second.train(batch);
  }
  EXPECT_EQ(free_device_memory(), free_at_first);
}

TEST(PredictOnly, has_no_training) {
  handle_of<float> device(hand_predict_device_model);
  device.initialize(1);
  const batch_of<float> batch(4);
  EXPECT_EQ(device.predict(batch).size(), 8u);
  EXPECT_EQ(device.model.train_step(device.opaque, batch.data, 4), HORNFELS_BAD_STATE);
  EXPECT_EQ(device.error(), "hand: has no `train` block, so no training or evaluation");
}
