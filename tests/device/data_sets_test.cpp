// Data sets that the device keeps: the same bytes as with batches that are uploaded, and metrics of steps gone by.
#include "program_test.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace hand;

namespace {

template <class T> const hornfels_model &device_model();
template <> const hornfels_model &device_model<float>() { return hand_f32_device_model; }
template <> const hornfels_model &device_model<double>() { return hand_f64_device_model; }

/* All rows of a set, as they are bound and as batches. */
template <class T> struct rows_of_data : batch_of<T> {
  hornfels_rows bound[arrays];

  explicit rows_of_data(int64_t rows, unsigned number = 1, int64_t most_ids = 5) : batch_of<T>(rows, number, most_ids) {
    for (int i = 0; i < arrays; ++i)
      bound[i] = {this->data[i], HORNFELS_PLAIN, 0, nullptr};
  }

  /* Rows `first` to `first + count` of an order; `of_training` in the place of the targets. */
  struct some {
    std::vector<T> x, t;
    std::vector<uint16_t> ids;
    std::vector<int32_t> other_ids;
    std::vector<int64_t> offsets{0}, other_offsets{0};
    hornfels_array data[arrays];
  };
  some gather(const std::vector<uint32_t> &order, int64_t first, int64_t count, const std::vector<T> *targets = nullptr) const {
    some s;
    for (int64_t i = first; i < first + count; ++i) {
      const int64_t row = order[static_cast<size_t>(i)];
      const std::vector<T> &wanted = targets ? *targets : this->t;
      s.x.insert(s.x.end(), this->x.begin() + row * inputs, this->x.begin() + (row + 1) * inputs);
      s.t.insert(s.t.end(), wanted.begin() + row * outputs, wanted.begin() + (row + 1) * outputs);
      const auto at = [](const std::vector<int64_t> &places, int64_t r) { return places[static_cast<size_t>(r)]; };
      s.ids.insert(s.ids.end(), this->ids.begin() + at(this->offsets, row), this->ids.begin() + at(this->offsets, row + 1));
      s.other_ids.insert(s.other_ids.end(), this->other_ids.begin() + at(this->other_offsets, row),
                         this->other_ids.begin() + at(this->other_offsets, row + 1));
      s.offsets.push_back(static_cast<int64_t>(s.ids.size()));
      s.other_offsets.push_back(static_cast<int64_t>(s.other_ids.size()));
    }
    s.data[hand::x] = {s.x.data(), nullptr, static_cast<int64_t>(s.x.size())};
    s.data[words] = {s.ids.data(), s.offsets.data(), static_cast<int64_t>(s.ids.size())};
    s.data[marks] = {s.other_ids.data(), s.other_offsets.data(), static_cast<int64_t>(s.other_ids.size())};
    s.data[target] = {s.t.data(), nullptr, static_cast<int64_t>(s.t.size())};
    return s;
  }
};

std::vector<uint32_t> in_order(int64_t rows) {
  std::vector<uint32_t> order(static_cast<size_t>(rows));
  std::iota(order.begin(), order.end(), 0u);
  return order;
}

std::vector<uint32_t> shuffled(int64_t rows, unsigned seed) {
  std::vector<uint32_t> order = in_order(rows);
  std::shuffle(order.begin(), order.end(), std::mt19937(seed));
  return order;
}

template <class T> class DataSets : public testing::Test {
protected:
  using handle_type = handle_of<T>;
  using rows_type = rows_of_data<T>;

  void bind(handle_type &handle, const rows_type &rows, int32_t set = 0) {
    handle.right(handle.model.device->bind_data(handle.opaque, set, rows.bound, rows.size));
  }
  /* Uploads what train_rows, or evaluate_rows, would take. */
  void by_uploads(handle_type &handle, const rows_type &rows, const std::vector<uint32_t> &order, int64_t first, int64_t count,
                  int64_t batch, bool trains = true, const std::vector<T> *targets = nullptr) {
    for (int64_t done = 0; done < count; done += batch) {
      const int64_t size = std::min(batch, count - done);
      const auto some = rows.gather(order, first + done, size, targets);
      handle.right(trains ? handle.model.train_step(handle.opaque, some.data, size)
                          : handle.model.evaluate_step(handle.opaque, some.data, size));
    }
  }
  void train(handle_type &handle, int64_t first, int64_t count, int64_t batch, int32_t set = 0) {
    handle.right(handle.model.device->train_rows(handle.opaque, set, first, count, batch));
  }
  void evaluate(handle_type &handle, int64_t first, int64_t count, int64_t batch, int32_t set = 0) {
    handle.right(handle.model.device->evaluate_rows(handle.opaque, set, first, count, batch));
  }
  void order(handle_type &handle, const std::vector<uint32_t> &rows, int32_t set = 0) {
    handle.right(handle.model.device->set_order(handle.opaque, set, rows.data(), static_cast<int64_t>(rows.size())));
  }
  void same_bytes(handle_type &a, handle_type &b, const std::string &when) {
    for (int index : {kernel, table, total, hand::rows})
      EXPECT_EQ(a.variable(index), b.variable(index)) << when << ": " << a.model.variable_info[index].name;
    EXPECT_EQ(a.count_of_last_step(), b.count_of_last_step()) << when;
    EXPECT_EQ(a.metrics(), b.metrics()) << when;
    EXPECT_EQ(a.model.get_step(a.opaque), b.model.get_step(b.opaque)) << when;
  }
  /* A call that is refused, and what is said. */
  void refused(handle_type &handle, int32_t expected, const std::string &text, int32_t status) {
    EXPECT_EQ(status, expected) << text;
    EXPECT_EQ(handle.error(), text);
  }
};

using reals = testing::Types<float, double>;
TYPED_TEST_SUITE(DataSets, reals);

} // namespace

/* Epochs in other orders, batches of all sizes, the last one with what is left, evaluation and uploads in between. */
TYPED_TEST(DataSets, the_same_bytes_as_with_uploads) {
  const int64_t count = 23;
  const rows_of_data<TypeParam> rows(count);
  handle_of<TypeParam> kept(device_model<TypeParam>()), sent(device_model<TypeParam>());
  kept.initialize(3);
  sent.initialize(3);
  this->bind(kept, rows);
  unsigned epoch = 0;
  for (const int64_t batch : {5, 16, 1, 5, 7}) {
    const std::vector<uint32_t> order = shuffled(count, ++epoch);
    this->order(kept, order);
    for (handle_of<TypeParam> *handle : {&kept, &sent})
      handle->right(handle->model.reset_metrics(handle->opaque));
    for (int64_t first = 0; first < count; first += batch)
      this->train(kept, first, std::min(batch, count - first), batch);
    this->by_uploads(sent, rows, order, 0, count, batch);
    this->same_bytes(kept, sent, "epoch " + std::to_string(epoch));
    this->evaluate(kept, 2, 17, batch);
    this->by_uploads(sent, rows, in_order(count), 2, 17, batch, false);
    this->same_bytes(kept, sent, "evaluation " + std::to_string(epoch));
    const batch_of<TypeParam> other(6, 77 + epoch);
    kept.train(other);
    sent.train(other);
    EXPECT_EQ(kept.predict(other), sent.predict(other));
    this->train(kept, 0, count, batch); // all in one call, after an upload has overwritten what the device counted
    this->by_uploads(sent, rows, order, 0, count, batch);
    this->same_bytes(kept, sent, "again " + std::to_string(epoch));
  }
}

TYPED_TEST(DataSets, numbers_of_a_step_are_those_of_the_call) {
  const rows_of_data<TypeParam> rows(12);
  handle_of<TypeParam> kept(device_model<TypeParam>()), sent(device_model<TypeParam>());
  kept.initialize(4);
  sent.initialize(4);
  this->bind(kept, rows);
  for (int step = 0; step < 9; ++step) {
    for (handle_of<TypeParam> *handle : {&kept, &sent}) {
      handle->right(handle->model.set_learning_rate(handle->opaque, step % 3 == 0 ? 0.1 : 0.01 * step));
      if (step == 5)
        handle->right(handle->model.set_step(handle->opaque, 40));
    }
    this->train(kept, step, 3, 2);
    this->by_uploads(sent, rows, in_order(12), step, 3, 2);
    this->same_bytes(kept, sent, "step " + std::to_string(step));
  }
  EXPECT_EQ(kept.count_of_last_step(), 48);
}

/* Many steps in one call, which are launched in bunches, with a rest. */
TYPED_TEST(DataSets, many_steps_in_a_call) {
  const int64_t count = 61;
  const rows_of_data<TypeParam> rows(count);
  handle_of<TypeParam> kept(device_model<TypeParam>()), sent(device_model<TypeParam>());
  kept.initialize(3);
  sent.initialize(3);
  this->bind(kept, rows);
  for (unsigned epoch = 0; epoch < 3; ++epoch) {
    const std::vector<uint32_t> order = shuffled(count, epoch);
    this->order(kept, order);
    this->train(kept, 0, count, 3);
    this->by_uploads(sent, rows, order, 0, count, 3);
    std::vector<double> last(static_cast<size_t>(kept.model.metrics));
    kept.right(kept.model.device->get_recent_metrics(kept.opaque, 1, last.data()));
    EXPECT_EQ(last, sent.metrics());
    this->evaluate(kept, 0, count, 2);
    this->by_uploads(sent, rows, in_order(count), 0, count, 2, false);
    /* Back to the second batch of the bunch. */
    this->evaluate(kept, 0, 16, 2);
    this->evaluate(kept, 2, 2, 2);
    this->by_uploads(sent, rows, in_order(count), 0, 16, 2, false);
    this->by_uploads(sent, rows, in_order(count), 2, 2, 2, false);
    this->same_bytes(kept, sent, "epoch " + std::to_string(epoch));
  }
}

/* What the device counts by itself goes on where something else has come between, and only then. */
TYPED_TEST(DataSets, calls_that_go_on_where_the_last_one_ended) {
  const int64_t count = 24;
  const rows_of_data<TypeParam> rows(count), long_ones(16, 5, 1500);
  handle_of<TypeParam> kept(device_model<TypeParam>()), sent(device_model<TypeParam>());
  kept.initialize(4);
  sent.initialize(4);
  this->bind(kept, rows);
  const batch_of<TypeParam> batch(5);
  for (int64_t first = 0; first < count; first += 3) {
    this->train(kept, first, 3, 3);
    this->by_uploads(sent, rows, in_order(count), first, 3, 3);
    if (first == 3)
      kept.predict(batch);
    if (first == 9)
      kept.evaluate(batch), sent.evaluate(batch);
    if (first == 15)
      this->bind(kept, long_ones, 1); // other memory
    this->same_bytes(kept, sent, "rows from " + std::to_string(first));
  }
}

/* Whether there is an order, which rows there are: the same batches are other ones then. */
TYPED_TEST(DataSets, an_order_and_data_that_come_and_go) {
  const int64_t count = 8;
  const rows_of_data<TypeParam> one(count, 1), two(count, 2);
  handle_of<TypeParam> kept(device_model<TypeParam>()), sent(device_model<TypeParam>());
  kept.initialize(4);
  sent.initialize(4);
  const std::vector<uint32_t> order = shuffled(count, 3);
  for (const rows_of_data<TypeParam> *rows : {&one, &two, &one}) {
    this->bind(kept, *rows);
    for (int turn = 0; turn < 4; ++turn) {
      if (turn > 0)
        kept.right(kept.model.device->set_order(kept.opaque, 0, turn == 2 ? nullptr : order.data(), count));
      this->train(kept, 0, count, 4);
      this->by_uploads(sent, *rows, turn == 0 || turn == 2 ? in_order(count) : order, 0, count, 4);
      this->same_bytes(kept, sent, "turn " + std::to_string(turn));
    }
  }
}

TYPED_TEST(DataSets, rows_without_ids_and_sets_without_any) {
  for (const int64_t most : {0, 1}) {
    rows_of_data<TypeParam> rows(9, 5, most);
    handle_of<TypeParam> kept(device_model<TypeParam>()), sent(device_model<TypeParam>());
    kept.initialize(1);
    sent.initialize(1);
    this->bind(kept, rows);
    const std::vector<uint32_t> order = shuffled(9, 2);
    this->order(kept, order);
    this->train(kept, 0, 9, 4);
    this->by_uploads(sent, rows, order, 0, 9, 4);
    this->same_bytes(kept, sent, std::to_string(most));
  }
}

/* Room for ids grows when the data come, and again when a batch brings more. */
TYPED_TEST(DataSets, more_ids_than_there_was_room_for) {
  const rows_of_data<TypeParam> rows(20, 6, 900), few(8, 7, 3);
  handle_of<TypeParam> kept(device_model<TypeParam>()), sent(device_model<TypeParam>());
  kept.initialize(2);
  sent.initialize(2);
  this->bind(kept, few, 1);
  this->train(kept, 0, 8, 8, 1);
  this->by_uploads(sent, few, in_order(8), 0, 8, 8);
  this->bind(kept, rows);
  const std::vector<uint32_t> order = shuffled(20, 1);
  this->order(kept, order);
  this->train(kept, 0, 20, 16);
  this->by_uploads(sent, rows, order, 0, 20, 16);
  const batch_of<TypeParam> large(16, 9, 5000);
  kept.train(large);
  sent.train(large);
  this->train(kept, 0, 20, 16);
  this->by_uploads(sent, rows, order, 0, 20, 16);
  this->train(kept, 0, 8, 8, 1);
  this->by_uploads(sent, few, in_order(8), 0, 8, 8);
  this->same_bytes(kept, sent, "after all");
}

/* Bytes and overlapping windows of them become elements; other targets in training. */
TYPED_TEST(DataSets, forms) {
  const int64_t count = 11;
  rows_of_data<TypeParam> rows(count);
  std::vector<uint8_t> bytes(static_cast<size_t>(count * inputs + 5));
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<uint8_t>(i * 37 % 251);
  std::vector<TypeParam> of_training;
  for (const TypeParam t : rows.t)
    of_training.push_back(2 * t + 1);
  for (const int64_t stride : {0, 1, 2}) {
    for (int64_t row = 0; row < count; ++row)
      for (int64_t i = 0; i < inputs; ++i)
        rows.x[static_cast<size_t>(row * inputs + i)] =
            static_cast<TypeParam>(bytes[static_cast<size_t>(row * (stride ? stride : int64_t(inputs)) + i)]);
    const int64_t size = stride ? (count - 1) * stride + inputs : count * inputs;
    rows.bound[x] = {{bytes.data(), nullptr, size}, stride ? HORNFELS_WINDOWS : HORNFELS_BYTES, stride, nullptr};
    rows.bound[target].training = of_training.data();
    handle_of<TypeParam> kept(device_model<TypeParam>()), sent(device_model<TypeParam>());
    for (handle_of<TypeParam> *handle : {&kept, &sent}) {
      handle->initialize(1);
      handle->right(handle->model.set_learning_rate(handle->opaque, 1e-5));
    }
    this->bind(kept, rows);
    const std::vector<uint32_t> order = shuffled(count, 8);
    this->order(kept, order);
    this->train(kept, 0, count, 4);
    this->by_uploads(sent, rows, order, 0, count, 4, true, &of_training);
    this->same_bytes(kept, sent, "training, stride " + std::to_string(stride));
    this->evaluate(kept, 0, count, 4);
    this->by_uploads(sent, rows, in_order(count), 0, count, 4, false);
    this->same_bytes(kept, sent, "evaluation, stride " + std::to_string(stride));
  }
}

/* Each handle may have four; one takes the place of another, an order of some rows ends with them. */
TYPED_TEST(DataSets, several_and_none) {
  const size_t free_at_first = free_device_memory();
  {
    handle_of<TypeParam> kept(device_model<TypeParam>()), sent(device_model<TypeParam>());
    kept.initialize(5);
    sent.initialize(5);
    const size_t without = free_device_memory();
    const rows_of_data<TypeParam> one(9, 1), two(14, 2), three(6, 3);
    for (int32_t set = 0; set < HORNFELS_DATA_SETS; ++set)
      this->bind(kept, set % 2 ? two : one, set);
    EXPECT_LT(free_device_memory(), without);
    const std::vector<uint32_t> order = {3, 1, 7};
    this->order(kept, order, 2);
    for (int32_t set = 0; set < HORNFELS_DATA_SETS; ++set) {
      const int64_t count = set == 2 ? 3 : set % 2 ? 14 : 9;
      this->train(kept, 0, count, 4, set);
      this->by_uploads(sent, set % 2 ? two : one, set == 2 ? order : in_order(count), 0, count, 4);
    }
    this->same_bytes(kept, sent, "four sets");
    this->bind(kept, three, 2);
    this->train(kept, 0, 6, 4, 2);
    this->by_uploads(sent, three, in_order(6), 0, 6, 4);
    kept.right(kept.model.device->set_order(kept.opaque, 2, std::vector<uint32_t>{5, 0}.data(), 2));
    kept.right(kept.model.device->set_order(kept.opaque, 2, nullptr, 0));
    this->train(kept, 2, 4, 4, 2);
    this->by_uploads(sent, three, in_order(6), 2, 4, 4);
    this->same_bytes(kept, sent, "another set");
    for (int32_t set = 0; set < HORNFELS_DATA_SETS; ++set)
      kept.right(kept.model.device->bind_data(kept.opaque, set, nullptr, 0));
    EXPECT_EQ(free_device_memory(), without);
    this->refused(kept, HORNFELS_BAD_STATE, "hand: data set 2 is not bound",
                  kept.model.device->train_rows(kept.opaque, 2, 0, 1, 1));
    this->bind(kept, one, 0);
  }
  EXPECT_EQ(free_device_memory(), free_at_first);
}

/* The step goes on with uploads. */
TYPED_TEST(DataSets, memory_that_does_not_suffice) {
  handle_of<TypeParam> kept(device_model<TypeParam>()), sent(device_model<TypeParam>());
  kept.initialize(5);
  sent.initialize(5);
  const rows_of_data<TypeParam> rows(4000, 1, 40);
  const size_t taken = (size_t(8) << 30) - free_device_memory();
  {
    const environment small("HORNFELS_DEVICE_MEMORY", std::to_string(taken + (size_t(1) << 18)));
    const size_t free = free_device_memory();
    EXPECT_EQ(kept.model.device->bind_data(kept.opaque, 1, rows.bound, rows.size), HORNFELS_OUT_OF_MEMORY);
    EXPECT_NE(kept.error().find("hand: 4000 rows of data need "), std::string::npos) << kept.error();
    EXPECT_NE(kept.error().find(" MiB of device memory, 80 % of the 0.2 MiB that are free may be used"), std::string::npos)
        << kept.error();
    EXPECT_EQ(free_device_memory(), free);
    EXPECT_EQ(kept.model.device->train_rows(kept.opaque, 1, 0, 4, 4), HORNFELS_BAD_STATE);
    const batch_of<TypeParam> batch(5);
    kept.train(batch);
    sent.train(batch);
    this->same_bytes(kept, sent, "by uploads");
  }
  this->bind(kept, rows, 1);
  this->train(kept, 3950, 50, 16, 1); // far from the first ids
  this->by_uploads(sent, rows, in_order(4000), 3950, 50, 16);
  this->same_bytes(kept, sent, "with more memory");
}

/* Metrics of each of the last steps, whoever ran them, also where the ring begins anew. */
TYPED_TEST(DataSets, recent_metrics_are_those_after_each_step) {
  const int64_t count = 10;
  const rows_of_data<TypeParam> rows(count);
  handle_of<TypeParam> device(device_model<TypeParam>()), asked(device_model<TypeParam>());
  device.initialize(7);
  asked.initialize(7);
  const auto width = static_cast<size_t>(device.model.metrics);
  this->refused(device, HORNFELS_BAD_ARGUMENT, "hand: metrics of the last 1 steps, there are those of 0",
                device.model.device->get_recent_metrics(device.opaque, 1, std::vector<double>(width).data()));
  this->bind(device, rows);
  std::vector<double> expected;
  for (int step = 0; step < 300; ++step) {
    const auto some = rows.gather(in_order(count), step % count, 1);
    asked.right(asked.model.train_step(asked.opaque, some.data, 1));
    const std::vector<double> now = asked.metrics();
    expected.insert(expected.end(), now.begin(), now.end());
    if (step % 3 == 0)
      device.right(device.model.train_step(device.opaque, some.data, 1));
    else
      this->train(device, step % count, 1, 1);
    if (step == 100) {
      device.right(device.model.set_step(device.opaque, 5)); // numbers of steps are not turns of the ring
      asked.right(asked.model.set_step(asked.opaque, 5));
      const batch_of<TypeParam> batch(3);
      const std::vector<double> before = device.metrics();
      device.evaluate(batch); // is no step of training
      this->evaluate(device, 0, 3, 3);
      asked.evaluate(batch);
      this->by_uploads(asked, rows, in_order(count), 0, 3, 3, false);
      EXPECT_NE(device.metrics(), before);
    }
    const int64_t last = step % 7;
    std::vector<double> found(static_cast<size_t>(last) * width + 1, -77);
    device.right(device.model.device->get_recent_metrics(device.opaque, last, found.data()));
    EXPECT_EQ(found.back(), -77);
    found.pop_back();
    EXPECT_EQ(found, std::vector<double>(expected.end() - last * static_cast<int64_t>(width), expected.end())) << step;
  }
  std::vector<double> all(HORNFELS_RECENT_STEPS * width);
  device.right(device.model.device->get_recent_metrics(device.opaque, HORNFELS_RECENT_STEPS, all.data()));
  EXPECT_EQ(all, std::vector<double>(expected.end() - static_cast<int64_t>(all.size()), expected.end()));
  this->refused(device, HORNFELS_BAD_ARGUMENT, "hand: metrics of the last 257 steps, there are those of 256",
                device.model.device->get_recent_metrics(device.opaque, 257, all.data()));
}

TYPED_TEST(DataSets, wrong_calls) {
  const int64_t count = 8;
  rows_of_data<TypeParam> rows(count);
  handle_of<TypeParam> handle(device_model<TypeParam>());
  const hornfels_device &device = *handle.model.device;
  const auto bind = [&] { return device.bind_data(handle.opaque, 0, rows.bound, count); };
  const auto said = [&](int32_t expected, const std::string &text, int32_t status) {
    this->refused(handle, expected, text, status);
  };
  handle.right(bind());
  said(HORNFELS_BAD_STATE, "hand: the weights are neither initialised nor loaded", device.train_rows(handle.opaque, 0, 0, 8, 4));
  handle.initialize(1);
  EXPECT_EQ(device.train_rows(nullptr, 0, 0, 8, 4), HORNFELS_BAD_ARGUMENT);
  said(HORNFELS_BAD_ARGUMENT, "hand: data set 4, there may be 4", device.train_rows(handle.opaque, 4, 0, 8, 4));
  said(HORNFELS_BAD_ARGUMENT, "hand: data set -1, there may be 4", device.bind_data(handle.opaque, -1, rows.bound, count));
  said(HORNFELS_BAD_STATE, "hand: data set 3 is not bound", device.evaluate_rows(handle.opaque, 3, 0, 8, 4));
  said(HORNFELS_BAD_ARGUMENT, "hand: rows 5 to 9 of 8", device.train_rows(handle.opaque, 0, 5, 4, 4));
  said(HORNFELS_BAD_ARGUMENT, "hand: rows -1 to 3 of 8", device.evaluate_rows(handle.opaque, 0, -1, 4, 4));
  said(HORNFELS_BAD_ARGUMENT, "hand: a batch of 17, this handle takes 0 to 16", device.train_rows(handle.opaque, 0, 0, 8, 17));
  said(HORNFELS_BAD_ARGUMENT, "hand: 8 rows in batches of none", device.train_rows(handle.opaque, 0, 0, 8, 0));
  handle.right(device.train_rows(handle.opaque, 0, 8, 0, 4));
  const auto order = [&](std::vector<uint32_t> rows_of_order) {
    return device.set_order(handle.opaque, 0, rows_of_order.data(), static_cast<int64_t>(rows_of_order.size()));
  };
  said(HORNFELS_BAD_ARGUMENT, "hand: place 2 of the order has row 1, which was there before", order({1, 0, 1}));
  said(HORNFELS_BAD_ARGUMENT, "hand: place 1 of the order has row 8, the data set has 8", order({1, 8}));
  said(HORNFELS_BAD_ARGUMENT, "hand: an order of 9 rows, the data set has 8", order(std::vector<uint32_t>(9)));
  handle.right(order({5, 2}));
  said(HORNFELS_BAD_ARGUMENT, "hand: rows 0 to 3 of 2", device.train_rows(handle.opaque, 0, 0, 3, 3));
  handle.right(device.evaluate_rows(handle.opaque, 0, 0, 8, 3));

  said(HORNFELS_BAD_ARGUMENT, "hand: null pointer", device.bind_data(handle.opaque, 0, nullptr, count));
  rows.bound[x].array.size = 23;
  said(HORNFELS_BAD_ARGUMENT, "x: 23 elements, a batch of 8 needs 24", bind());
  rows.bound[x] = {rows.data[x], HORNFELS_CLASSES, 0, nullptr};
  said(HORNFELS_BAD_ARGUMENT, "x: is not to be had in form 2", bind());
  rows.bound[x] = {rows.data[x], HORNFELS_WINDOWS, 0, nullptr};
  said(HORNFELS_BAD_ARGUMENT, "x: is not to be had in form 3", bind());
  rows.bound[x] = {{rows.x.data(), nullptr, 16}, HORNFELS_WINDOWS, 2, nullptr};
  said(HORNFELS_BAD_ARGUMENT, "x: 16 elements, 8 rows need 17", bind());
  rows.bound[x] = {rows.data[x], HORNFELS_PLAIN, 0, nullptr};
  rows.bound[words].training = rows.ids.data();
  said(HORNFELS_BAD_ARGUMENT, "words: tokens are the same in training", bind());
  rows.bound[words].training = nullptr;
  rows.bound[words].form = HORNFELS_BYTES;
  said(HORNFELS_BAD_ARGUMENT, "words: is not to be had in form 1", bind());
  rows.bound[words].form = HORNFELS_PLAIN;
  rows.other_ids.back() = vocabulary;
  handle.right(device.evaluate_rows(handle.opaque, 0, 0, 8, 3)); // what was refused has changed nothing
  EXPECT_EQ(bind(), HORNFELS_BAD_ARGUMENT);
  EXPECT_NE(handle.error().find(" has the id 10, ids are below 10"), std::string::npos) << handle.error();
  EXPECT_EQ(device.bind_data(handle.opaque, 0, rows.bound, int64_t(1) << 32), HORNFELS_BAD_ARGUMENT);
  EXPECT_EQ(handle.error(), "hand: 4294967296 rows of data, there may be 4294967295");
  EXPECT_EQ(hand_f32_twin_model.device, nullptr);
}

TEST(DataSetsOfPrediction, cannot_be_trained_on) {
  handle_of<float> handle(hand_predict_device_model);
  handle.initialize(1);
  const rows_of_data<float> rows(4);
  handle.right(handle.model.device->bind_data(handle.opaque, 0, rows.bound, 4));
  EXPECT_EQ(handle.model.device->train_rows(handle.opaque, 0, 0, 4, 4), HORNFELS_BAD_STATE);
  EXPECT_EQ(handle.error(), "hand: has no `train` block, so no training or evaluation");
}
