// RUN: hornfels-opt %s --pass-pipeline='builtin.module(func.func(horn-lower,canonicalize,cse),horn-fuse)' --split-input-file --verify-diagnostics | FileCheck %s
// RUN: hornfels-opt %s --pass-pipeline='builtin.module(func.func(horn-lower,canonicalize,cse),horn-fuse{all=false})' --split-input-file --verify-diagnostics | FileCheck %s --check-prefix=NONE

#x = affine_map<(b, n, k) -> (b, k)>
#w = affine_map<(b, n, k) -> (k, n)>
#y = affine_map<(b, n, k) -> (b, n)>

// Bias and activation join the contraction, as one element-wise unit behind it. Without fusion each has a kernel.
// CHECK: func.func private @[[KERNEL:.*]](%{{.*}}) -> (tensor<?x2xf32> {horn.name = "y"})
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]
// CHECK: arith.addf
// CHECK: arith.maximumf
// CHECK-NOT: linalg.generic
// CHECK-LABEL: @dense
// CHECK-COUNT-1: call @[[KERNEL]](%arg0, %arg1, %arg2)
// CHECK-NOT: call
// CHECK: return
// NONE-LABEL: func.func @dense
// NONE-COUNT-3: call
// NONE-NOT: call
// NONE: return
func.func @dense(%x: tensor<?x4xf32> {horn.name = "x"}, %w: tensor<4x2xf32> {horn.name = "w"},
                 %b: tensor<2xf32> {horn.name = "b"}) -> (tensor<?x2xf32> {horn.name = "y"}) {
  %0 = horn.contract %x, %w [#x, #w, #y] : tensor<?x4xf32>, tensor<4x2xf32>
  %1 = horn.broadcast %b dims [1] : tensor<2xf32> to tensor<?x2xf32>
  %2 = horn.add %0, %1 : tensor<?x2xf32>
  %3 = horn.relu %2 : tensor<?x2xf32>
  return %3 : tensor<?x2xf32>
}

// -----

#x = affine_map<(b, n, k) -> (b, k)>
#w = affine_map<(b, n, k) -> (k, n)>
#y = affine_map<(b, n, k) -> (b, n)>

// Softmax needs whole rows, and a kernel has whole rows: its two reductions join the contraction.
// CHECK-LABEL: func.func private
// CHECK: iterator_types = ["parallel", "parallel", "reduction"]
// CHECK: arith.maximumf
// CHECK: horn.math "exp"
// CHECK: arith.divf
// CHECK: return
// CHECK-LABEL: func.func @softmax
// CHECK-COUNT-1: call
// CHECK-NOT: call
// CHECK: return
// NONE-LABEL: func.func @softmax
// NONE-COUNT-6: call
// NONE-NOT: call
// NONE: return
func.func @softmax(%x: tensor<?x4xf32>, %w: tensor<4x10xf32>) -> tensor<?x10xf32> {
  %0 = horn.contract %x, %w [#x, #w, #y] : tensor<?x4xf32>, tensor<4x10xf32>
  %max = horn.reduce_max %0 axes [1] : tensor<?x10xf32>
  %maxes = horn.broadcast %max dims [0] : tensor<?xf32> to tensor<?x10xf32>
  %1 = horn.sub %0, %maxes : tensor<?x10xf32>
  %2 = horn.exp %1 : tensor<?x10xf32>
  %sum = horn.reduce_sum %2 axes [1] : tensor<?x10xf32>
  %sums = horn.broadcast %sum dims [0] : tensor<?xf32> to tensor<?x10xf32>
  %3 = horn.div %2, %sums : tensor<?x10xf32>
  return %3 : tensor<?x10xf32>
}

// -----

#x = affine_map<(b, n, k) -> (b, k)>
#w = affine_map<(b, n, k) -> (k, n)>
#y = affine_map<(b, n, k) -> (b, n)>

// The update joins the gradient of its weight, which is never stored; the kernel is called after the weight.
// CHECK: func.func private @[[UPDATE:"dense/kernel_update"]](%{{.*}}) -> (tensor<4x2xf32> {horn.name = "dense/kernel"})
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]
// CHECK-LABEL: func.func @train_step
// CHECK-COUNT-1: call @[[UPDATE]]
// CHECK-NOT: call
// CHECK: return
func.func @train_step(%x: tensor<?x4xf32>, %dy: tensor<?x2xf32>,
                      %w: tensor<4x2xf32> {horn.name = "dense/kernel", horn.role = "weight"},
                      %rate: tensor<f32> {horn.name = "learning_rate", horn.role = "learning_rate"})
    -> (tensor<4x2xf32> {horn.name = "dense/kernel", horn.role = "weight"}) {
  %dw = horn.contract %x, %dy [#x, #y, #w] : tensor<?x4xf32>, tensor<?x2xf32>
  %rates = horn.broadcast %rate dims [] : tensor<f32> to tensor<4x2xf32>
  %step = horn.mul %dw, %rates : tensor<4x2xf32>
  %new = horn.sub %w, %step : tensor<4x2xf32>
  return %new : tensor<4x2xf32>
}

// -----

#x = affine_map<(b, n, k) -> (b, k)>
#w = affine_map<(b, n, k) -> (k, n)>
#y = affine_map<(b, n, k) -> (b, n)>

// A diamond: h is read by the second contraction and, beside it, by the sum. The sum cannot join h's kernel, which the
// second contraction stands behind: that would be a circle.
// CHECK: func.func private @[[FIRST:first_forward]]
// CHECK: func.func private @[[SECOND:second_forward]]
// CHECK-LABEL: func.func @diamond
// CHECK: %[[H:.*]] = call @[[FIRST]](%arg0, %arg1)
// CHECK: %[[Y:.*]] = call @[[SECOND]]({{.*}}%[[H]]
// CHECK-NOT: call
// CHECK: return %[[Y]]
func.func @diamond(%x: tensor<?x4xf32>, %w: tensor<4x4xf32>, %v: tensor<4x4xf32>) -> tensor<?x4xf32> {
  %0 = horn.contract %x, %w [#x, #w, #y] : tensor<?x4xf32>, tensor<4x4xf32> loc("first"("m":1:1))
  %h = horn.relu %0 : tensor<?x4xf32> loc("first"("m":1:1))
  %1 = horn.contract %h, %v [#x, #w, #y] : tensor<?x4xf32>, tensor<4x4xf32> loc("second"("m":2:1))
  %2 = horn.add %h, %1 : tensor<?x4xf32> loc("sum"("m":3:1))
  return %2 : tensor<?x4xf32>
}

// -----

#x = affine_map<(b, n, k) -> (b, k)>
#w = affine_map<(b, n, k) -> (k, n)>
#y = affine_map<(b, n, k) -> (b, n)>

// Dropout's numbers are drawn again by each kernel that reads them: a mask is never stored.
// CHECK: func.func private
// CHECK: horn.random_element "uniform"
// CHECK: func.func private
// CHECK: horn.random_element "uniform"
// CHECK-LABEL: func.func @recomputed
// CHECK-COUNT-2: call
// CHECK-NOT: call
// CHECK: return
// NONE-LABEL: func.func @recomputed
// NONE-COUNT-5: call
// NONE-NOT: call
// NONE: return
func.func @recomputed(%x: tensor<?x4xf32>, %w: tensor<4x4xf32>, %dy: tensor<?x4xf32>, %seed: tensor<i64>, %step: tensor<i64>)
    -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %mask = horn.random_uniform %seed, %step stream 3 : tensor<i64> to tensor<?x4xf32>
  %0 = horn.contract %x, %w [#x, #w, #y] : tensor<?x4xf32>, tensor<4x4xf32>
  %1 = horn.mul %0, %mask : tensor<?x4xf32>
  %2 = horn.contract %dy, %w [#x, #w, #y] : tensor<?x4xf32>, tensor<4x4xf32>
  %3 = horn.sub %2, %mask : tensor<?x4xf32>
  return %1, %3 : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

#x = affine_map<(b, n, k) -> (b, k)>
#w = affine_map<(b, n, k) -> (k, n)>
#y = affine_map<(b, n, k) -> (b, n)>

// One number for a whole column is no row of the kernel that reads it: it is drawn first, into a buffer.
// CHECK: func.func private
// CHECK: horn.random_element
// CHECK: func.func private
// CHECK-NOT: horn.random_element
// CHECK-LABEL: func.func @noise_of_columns
// CHECK-COUNT-2: call
func.func @noise_of_columns(%x: tensor<?x4xf32>, %w: tensor<4x4xf32>, %seed: tensor<i64>, %step: tensor<i64>) -> tensor<?x4xf32> {
  %noise = horn.random_uniform %seed, %step stream 3 : tensor<i64> to tensor<4xf32>
  %0 = horn.contract %x, %w [#x, #w, #y] : tensor<?x4xf32>, tensor<4x4xf32>
  %1 = horn.broadcast %noise dims [1] : tensor<4xf32> to tensor<?x4xf32>
  %2 = horn.mul %0, %1 : tensor<?x4xf32>
  return %2 : tensor<?x4xf32>
}

// -----

#x = affine_map<(b, n, k) -> (b, k)>
#w = affine_map<(b, n, k) -> (k, n)>
#y = affine_map<(b, n, k) -> (b, n)>

// Behind a change of shape a value is read by another type: what reads it waits for the bytes.
// CHECK-LABEL: func.func @reshaped
// CHECK: %[[FLAT:.*]] = call
// CHECK: %[[WIDE:.*]] = horn.reshape %[[FLAT]] : tensor<?x12xf32> to tensor<?x3x4xf32>
// CHECK: call @{{.*}}(%[[WIDE]])
func.func @reshaped(%x: tensor<?x12xf32>, %w: tensor<12x12xf32>) -> tensor<?x3x4xf32> {
  %0 = horn.contract %x, %w [#x, #w, #y] : tensor<?x12xf32>, tensor<12x12xf32>
  %1 = horn.reshape %0 : tensor<?x12xf32> to tensor<?x3x4xf32>
  %2 = horn.relu %1 : tensor<?x3x4xf32>
  return %2 : tensor<?x3x4xf32>
}

// -----

#x = affine_map<(b, n, k) -> (b, k)>
#w = affine_map<(b, n, k) -> (k, n)>
#y = affine_map<(b, n, k) -> (b, n)>

// A weight used twice has a sum of two contractions for its gradient: two kernels, the update in the second.
// CHECK-LABEL: func.func @shared_weight
// CHECK: %[[FIRST:.*]] = call @{{.*}}(%arg0, %arg1)
// CHECK: call @w_update({{.*}}%[[FIRST]]
// CHECK-NOT: call
// CHECK: return
func.func @shared_weight(%x: tensor<?x4xf32>, %dx: tensor<?x2xf32>, %y: tensor<?x4xf32>, %dy: tensor<?x2xf32>,
                         %w: tensor<4x2xf32> {horn.name = "w", horn.role = "weight"})
    -> (tensor<4x2xf32> {horn.name = "w", horn.role = "weight"}) {
  %a = horn.contract %x, %dx [#x, #y, #w] : tensor<?x4xf32>, tensor<?x2xf32>
  %b = horn.contract %y, %dy [#x, #y, #w] : tensor<?x4xf32>, tensor<?x2xf32>
  %dw = horn.add %a, %b : tensor<4x2xf32>
  %new = horn.sub %w, %dw : tensor<4x2xf32>
  return %new : tensor<4x2xf32>
}

// -----

#x = affine_map<(b, n, k) -> (b, k)>
#w = affine_map<(b, n, k) -> (k, n)>
#y = affine_map<(b, n, k) -> (b, n)>

// Two steps with one forward pass call one kernel.
// CHECK-COUNT-1: func.func private
// CHECK-NOT: func.func private
// CHECK-LABEL: func.func @predict
// CHECK: call @[[KERNEL:.*]](
// CHECK-LABEL: func.func @evaluate
// CHECK: call @[[KERNEL]](
func.func @predict(%x: tensor<?x4xf32>, %w: tensor<4x4xf32>) -> tensor<?x4xf32> {
  %0 = horn.contract %x, %w [#x, #w, #y] : tensor<?x4xf32>, tensor<4x4xf32>
  return %0 : tensor<?x4xf32>
}
func.func @evaluate(%x: tensor<?x4xf32>, %w: tensor<4x4xf32>) -> tensor<?x4xf32> {
  %0 = horn.contract %x, %w [#x, #w, #y] : tensor<?x4xf32>, tensor<4x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// An argument that is returned is copied: each result has a buffer of its own.
// CHECK-LABEL: func.func @returned_argument
// CHECK: %[[COPY:.*]] = call
// CHECK: return %[[COPY]]
func.func @returned_argument(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  return %x : tensor<?x4xf32>
}

// -----

// Rows of ids are sets where every reader counts an id once, sorted where repeats count.
// CHECK: horn.token_rows = {counted = 1 : i64, once = 2 : i64}
func.func @token_rows(%a: !horn.tokens<9> {horn.name = "once"}, %b: !horn.tokens<9> {horn.name = "counted"},
                      %w: tensor<9x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %0 = horn.gather_sum %a, %w distinct : !horn.tokens<9>, tensor<9x2xf32>
  %1 = horn.gather_sum %b, %w : !horn.tokens<9>, tensor<9x2xf32>
  return %0, %1 : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

func.func @token_rows_of_two_kinds(%a: !horn.tokens<9> {horn.name = "ids"}, %w: tensor<9x2xf32>)
    -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %0 = horn.gather_sum %a, %w distinct : !horn.tokens<9>, tensor<9x2xf32>
  // expected-error @below {{'horn.gather_sum' op counts repeated ids of an input whose other readers count each id once}}
  %1 = horn.gather_sum %a, %w : !horn.tokens<9>, tensor<9x2xf32>
  return %0, %1 : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (k, n)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>

// Zeros around a result follow it in its kernel, row by row. Without fusion zeros, and what is written over them, are two.
// CHECK: func.func private @[[KERNEL:.*]](%{{.*}}tensor<?x4x3xf32>{{.*}}) -> ({{.*}}tensor<?x6x2xf32>
// CHECK: iterator_types = ["parallel", "parallel", "parallel", "reduction"]
// CHECK: horn.insert
// CHECK: func.func @surrounded
// CHECK: call @[[KERNEL]]
// CHECK-NOT: call
// NONE: func.func @surrounded
// NONE-COUNT-3: call
func.func @surrounded(%x: tensor<?x4x3xf32>, %w: tensor<3x2xf32>) -> tensor<?x6x2xf32> {
  %0 = horn.contract %x, %w [#x, #w, #y] : tensor<?x4x3xf32>, tensor<3x2xf32>
  %1 = horn.embed %0 offsets [0, 1, 0] strides [1, 1, 1] : tensor<?x4x2xf32> to tensor<?x6x2xf32>
  return %1 : tensor<?x6x2xf32>
}
