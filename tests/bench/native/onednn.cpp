// oneDNN's matmul with bias and relu as post-operation, the weights in the layout that it chooses. onednn.py calls it.
#include <dnnl.hpp>

#include <cstdint>
#include <cstring>

using namespace dnnl;

namespace {

#if DNNL_VERSION_MAJOR >= 3
matmul::primitive_desc describe(const engine &cpu, const memory::desc &x, const memory::desc &w,
                                const memory::desc &b, const memory::desc &y, const primitive_attr &attributes) {
  return matmul::primitive_desc(cpu, x, w, b, y, attributes);
}
void append_relu(post_ops &operations) { operations.append_eltwise(algorithm::eltwise_relu, 0, 0); }
#else
matmul::primitive_desc describe(const engine &cpu, const memory::desc &x, const memory::desc &w,
                                const memory::desc &b, const memory::desc &y, const primitive_attr &attributes) {
  return matmul::primitive_desc(matmul::desc(x, w, b, y), attributes, cpu);
}
void append_relu(post_ops &operations) { operations.append_eltwise(1, algorithm::eltwise_relu, 0, 0); }
#endif

memory copied(const memory::desc &layout, const engine &cpu, const void *values) {
  memory to(layout, cpu);
  std::memcpy(to.get_data_handle(), values, layout.get_size());
  return to;
}

struct product {
  engine cpu{engine::kind::cpu, 0};
  stream line{cpu};
  memory x, w, b, y;
  matmul run;

  // y[rows, units] = relu(x[rows, inputs] w[inputs, units] + b)
  product(int64_t rows, int64_t inputs, int64_t units, const float *xs, const float *ws, const float *bs) {
    const auto f32 = memory::data_type::f32;
    const auto plain = memory::format_tag::ab, any = memory::format_tag::any;
    post_ops operations;
    append_relu(operations);
    primitive_attr attributes;
    attributes.set_post_ops(operations);
    const memory::desc x_plain({rows, inputs}, f32, plain), w_plain({inputs, units}, f32, plain),
        b_plain({1, units}, f32, plain), y_plain({rows, units}, f32, plain);
    const auto chosen =
        describe(cpu, x_plain, memory::desc({inputs, units}, f32, any), b_plain, y_plain, attributes);
    x = copied(x_plain, cpu, xs);
    b = copied(b_plain, cpu, bs);
    y = memory(y_plain, cpu);
    memory given = copied(w_plain, cpu, ws);
    w = memory(chosen.weights_desc(), cpu);
    reorder(given, w).execute(line, given, w);
    line.wait();
    run = matmul(chosen);
  }

  void repeat(int64_t calls) {
    for (int64_t i = 0; i < calls; ++i)
      run.execute(line, {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_BIAS, b}, {DNNL_ARG_DST, y}});
    line.wait();
  }
};

} // namespace

extern "C" {
void *onednn_open(int64_t rows, int64_t inputs, int64_t units, const float *x, const float *w, const float *b) {
  return new product(rows, inputs, units, x, w, b);
}
void onednn_repeat(void *p, int64_t calls) { static_cast<product *>(p)->repeat(calls); }
const void *onednn_output(void *p) { return static_cast<product *>(p)->y.get_data_handle(); }
// 10000 major + 100 minor + patch
int onednn_version() {
  const dnnl_version_t *v = dnnl_version();
  return 10000 * v->major + 100 * v->minor + v->patch;
}
}
