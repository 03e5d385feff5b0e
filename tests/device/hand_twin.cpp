/* The CPU's part of hand_model.h. */
#include "hand_model.h"

namespace hand {

using namespace hornfels;

template <class T> static void initialize_step(const step &s) {
  for (int i = 0; i < (inputs + vocabulary) * outputs; ++i)
    (i < inputs * outputs ? s.variable<T>(kernel)[i] : s.variable<T>(table)[i - inputs * outputs]) =
        static_cast<T>(first_value(static_cast<int64_t>(s.seed), i));
  *s.variable<int64_t>(steps) = 0;
  *s.variable<T>(rows) = 0;
  *s.variable<T>(total) = -static_cast<T>(0);
}

/* sum += factor * value(id) over the ids of a sample. */
template <class Id, class T, class Value>
static void add(const step &s, input which, T &sum, long sample, T factor, Value value) {
  for (int64_t t = s.data[which].offsets[sample]; t < s.data[which].offsets[sample + 1]; ++t)
    sum += factor * value(s.input<Id>(which)[t]);
}

template <class T> static void forward(const step &s, T *y) {
  const T *const samples = s.input<T>(x), *const weights = s.variable<T>(kernel), *const embedding = s.variable<T>(table);
  for (long sample = 0; sample < s.batch; ++sample)
    for (int column = 0; column < outputs; ++column) {
      T sum = 0;
      for (int i = 0; i < inputs; ++i)
        sum += samples[sample * inputs + i] * weights[i * outputs + column];
      const auto entry = [&](long id) { return embedding[id * outputs + column]; };
      add<uint16_t>(s, words, sum, sample, T(1), entry);
      add<int32_t>(s, marks, sum, sample, T(-1), entry);
      y[sample * outputs + column] = sum;
    }
}

template <class T> static void predict_step(const step &s) { forward(s, s.output<T>(0)); }

template <class T> static T *loss(const step &s) {
  T *const y = s.rows<T>(0), *const d_y = s.rows<T>(outputs * static_cast<int64_t>(sizeof(T)));
  forward(s, y);
  T sum = 0;
  for (long p = 0; p < s.batch * outputs; ++p) {
    const T difference = y[p] - s.input<T>(target)[p];
    sum += difference * difference;
    d_y[p] = 2 * difference / static_cast<T>(s.batch * outputs);
  }
  *s.variable<T>(total) += sum;
  *s.variable<T>(rows) += static_cast<T>(s.batch * outputs);
  s.values[0] = 0;
  s.values[1] = static_cast<double>(*s.variable<T>(total) / *s.variable<T>(rows));
  return d_y;
}

template <class T> static void evaluate(const step &s) { loss<T>(s); }

template <class T> static void train(const step &s) {
  const T *const d_y = loss<T>(s);
  const T rate = static_cast<T>(s.learning_rate);
  for (int p = 0; p < (inputs + vocabulary) * outputs; ++p) {
    const int column = p % outputs, row = p / outputs;
    T sum = 0;
    for (long sample = 0; sample < s.batch; ++sample)
      if (row < inputs) {
        sum += s.input<T>(x)[sample * inputs + row] * d_y[sample * outputs + column];
      } else {
        const auto entry = [&](long id) { return id == row - inputs ? d_y[sample * outputs + column] : T(0); };
        add<uint16_t>(s, words, sum, sample, T(1), entry);
        add<int32_t>(s, marks, sum, sample, T(-1), entry);
      }
    (row < inputs ? s.variable<T>(kernel)[p] : s.variable<T>(table)[p - inputs * outputs]) -= rate * sum;
  }
  *s.variable<int64_t>(steps) = s.count;
}

template <class T> constexpr program program_of(const hornfels_model *model) {
  return {model, 0, bytes_per_sample<T>, initialize_step<T>, predict_step<T>, evaluate<T>, train<T>};
}

static const program code_f32 = program_of<float>(&hand_f32_twin_model);
static const program code_f64 = program_of<double>(&hand_f64_twin_model);

template <const program &code> static int32_t create_handle(void **handle, int64_t capacity) {
  return create(code, handle, capacity);
}

} // namespace hand

extern "C" const hornfels_model hand_f32_twin_model = hand::tables<float>::model("hand", hand::create_handle<hand::code_f32>);
extern "C" const hornfels_model hand_f64_twin_model = hand::tables<double>::model("hand", hand::create_handle<hand::code_f64>);
