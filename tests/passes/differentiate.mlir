// RUN: hornfels-opt %s --pass-pipeline='builtin.module(func.func(horn-differentiate))' --split-input-file --verify-diagnostics | FileCheck %s

// A value used twice collects both gradients.
// CHECK-LABEL: @square_gradient
// CHECK: %[[ONE:.*]] = horn.full 1.000000e+00 : tensor<f32>
// CHECK: %[[DY:.*]] = horn.broadcast %[[ONE]] dims [] : tensor<f32> to tensor<3xf32>
// CHECK: %[[A:.*]] = horn.mul %[[DY]], %arg0
// CHECK: %[[B:.*]] = horn.mul %[[DY]], %arg0
// CHECK: %[[D:.*]] = horn.add %[[A]], %[[B]]
// CHECK: return %[[D]]
func.func @square_gradient(%w: tensor<3xf32>) -> tensor<3xf32> {
  %y = horn.mul %w, %w : tensor<3xf32>
  %loss = horn.reduce_sum %y axes [0] : tensor<3xf32>
  %d = horn.gradient %loss of %w : tensor<f32>, tensor<3xf32> -> tensor<3xf32>
  return %d : tensor<3xf32>
}

// -----

// Two paths from one value: their gradients are summed once, before what made the value.
// CHECK-LABEL: @diamond
// CHECK: %[[H:.*]] = horn.exp %arg0
// CHECK: horn.full 1.0
// CHECK: %[[DY:.*]] = horn.broadcast
// CHECK: %[[VIA_NEG:.*]] = horn.neg %[[DY]]
// CHECK: %[[VIA_TANH:.*]] = horn.mul %[[DY]]
// CHECK: %[[DH:.*]] = horn.add %[[VIA_NEG]], %[[VIA_TANH]]
// CHECK: %[[DW:.*]] = horn.mul %[[DH]], %[[H]]
// CHECK-NOT: horn.mul
// CHECK: return %[[DW]]
func.func @diamond(%w: tensor<3xf32>) -> tensor<3xf32> {
  %h = horn.exp %w : tensor<3xf32>
  %left = horn.tanh %h : tensor<3xf32>
  %right = horn.neg %h : tensor<3xf32>
  %y = horn.add %left, %right : tensor<3xf32>
  %loss = horn.reduce_sum %y axes [0] : tensor<3xf32>
  %d = horn.gradient %loss of %w : tensor<f32>, tensor<3xf32> -> tensor<3xf32>
  return %d : tensor<3xf32>
}

// -----

#x = affine_map<(b, n, k) -> (b, k)>
#w = affine_map<(b, n, k) -> (k, n)>
#y = affine_map<(b, n, k) -> (b, n)>

// Only the maps of a contraction change places; nothing is built for the input, which asks for no gradient.
// CHECK-DAG: #[[X:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-DAG: #[[Y:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: @dense
// CHECK: horn.contract %arg0, %arg1 [#[[X]], #[[W]], #[[Y]]]
// CHECK: %[[DY:.*]] = horn.broadcast
// CHECK: %[[DW:.*]] = horn.contract %arg0, %[[DY]] [#[[X]], #[[Y]], #[[W]]]
// CHECK: return %[[DW]]
func.func @dense(%x: tensor<?x4xf32>, %w: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %y = horn.contract %x, %w [#x, #w, #y] : tensor<?x4xf32>, tensor<4x2xf32>
  %loss = horn.reduce_sum %y axes [0, 1] : tensor<?x2xf32>
  %d = horn.gradient %loss of %w : tensor<f32>, tensor<4x2xf32> -> tensor<4x2xf32>
  return %d : tensor<4x2xf32>
}

// -----

// The gradient of a sum of rows adds to rows; ids have none.
// CHECK-LABEL: @embedding
// CHECK: %[[DY:.*]] = horn.broadcast
// CHECK: %[[D:.*]] = horn.scatter_add %arg0, %[[DY]] distinct : <9>, tensor<?x2xf32>
// CHECK: return %[[D]] : tensor<9x2xf32>
func.func @embedding(%tokens: !horn.tokens<9>, %w: tensor<9x2xf32>) -> tensor<9x2xf32> {
  %y = horn.gather_sum %tokens, %w distinct : !horn.tokens<9>, tensor<9x2xf32>
  %loss = horn.reduce_sum %y axes [0, 1] : tensor<?x2xf32>
  %d = horn.gradient %loss of %w : tensor<f32>, tensor<9x2xf32> -> tensor<9x2xf32>
  return %d : tensor<9x2xf32>
}

// -----

// A weight that the loss does not read has the gradient 0.
// CHECK-LABEL: @unused_weight
// CHECK: %[[ZERO:.*]] = horn.full 0.000000e+00 : tensor<5xf32>
// CHECK: return %{{.*}}, %[[ZERO]]
func.func @unused_weight(%w: tensor<3xf32>, %unused: tensor<5xf32>) -> (tensor<3xf32>, tensor<5xf32>) {
  %loss = horn.reduce_sum %w axes [0] : tensor<3xf32>
  %d:2 = horn.gradient %loss of %w, %unused : tensor<f32>, tensor<3xf32>, tensor<5xf32> -> tensor<3xf32>, tensor<5xf32>
  return %d#0, %d#1 : tensor<3xf32>, tensor<5xf32>
}

// -----

// No gradient passes a stop; what stands beside it goes on.
// CHECK-LABEL: @stop
// CHECK: %[[STOPPED:.*]] = horn.stop_gradient
// CHECK: %[[DY:.*]] = horn.broadcast
// CHECK: %[[D:.*]] = horn.mul %[[DY]], %[[STOPPED]]
// CHECK-NOT: horn.add
// CHECK: return %[[D]]
func.func @stop(%w: tensor<3xf32>) -> tensor<3xf32> {
  %stopped = horn.stop_gradient %w : tensor<3xf32>
  %y = horn.mul %w, %stopped : tensor<3xf32>
  %loss = horn.reduce_sum %y axes [0] : tensor<3xf32>
  %d = horn.gradient %loss of %w : tensor<f32>, tensor<3xf32> -> tensor<3xf32>
  return %d : tensor<3xf32>
}

// -----

// An operation that cannot answer is named; silence would be a wrong gradient.
func.func @not_differentiable(%w: tensor<2xf32>, %d: tensor<4xf32>) -> tensor<2xf32> {
  // expected-error @below {{'horn.insert' op stands between a weight and the loss and has no DifferentiableOp interface}}
  %y = horn.insert %w into %d offsets [0] strides [1] : tensor<2xf32>, tensor<4xf32>
  %loss = horn.reduce_sum %y axes [0] : tensor<4xf32>
  %g = horn.gradient %loss of %w : tensor<f32>, tensor<2xf32> -> tensor<2xf32>
  return %g : tensor<2xf32>
}

// -----

// The same operation beside the path is nobody's business.
// CHECK-LABEL: @beside_the_path
// CHECK: horn.insert
// CHECK: return
func.func @beside_the_path(%w: tensor<2xf32>, %x: tensor<2xf32>, %d: tensor<4xf32>) -> (tensor<2xf32>, tensor<4xf32>) {
  %y = horn.insert %x into %d offsets [0] strides [1] : tensor<2xf32>, tensor<4xf32>
  %loss = horn.reduce_sum %w axes [0] : tensor<2xf32>
  %g = horn.gradient %loss of %w : tensor<f32>, tensor<2xf32> -> tensor<2xf32>
  return %g, %y : tensor<2xf32>, tensor<4xf32>
}
