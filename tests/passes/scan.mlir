// RUN: hornfels-opt %s --horn-differentiate --canonicalize --cse --split-input-file | FileCheck %s

// h' = tanh(x + h . u). The body of the backward scan has no product with h: h and d_z are stacked, and the gradient of
// u is one contraction behind the loop, over samples (d0) and places (d3).
// CHECK-DAG: #[[H:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d2)>
// CHECK-DAG: #[[D:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d1)>
// CHECK-LABEL: @recurrent_kernel
// CHECK: %[[F:.*]]:3 = horn.scan 5 initial(%{{.*}}) over(%{{.*}}) with(%{{.*}})
// CHECK: %[[B:.*]]:2 = horn.scan 5 reverse
// CHECK: horn.contract
// CHECK-NOT: horn.contract
// CHECK: horn.yield
// CHECK: %[[G:.*]] = horn.contract %[[F]]#{{.*}}, %[[B]]#1 [#[[H]], #[[D]], #{{.*}}]
// CHECK: return %[[G]]
#b = affine_map<(b, n, k) -> (b, k)>
#k = affine_map<(b, n, k) -> (k, n)>
#n = affine_map<(b, n, k) -> (b, n)>
func.func @recurrent_kernel(%x: tensor<?x5x4xf32>, %h0: tensor<?x4xf32>, %u: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %s:2 = horn.scan 5 initial(%h0) over(%x) with(%u) : (tensor<?x4xf32>, tensor<?x5x4xf32>, tensor<4x4xf32>) -> (tensor<?x4xf32>, tensor<?x5x4xf32>) {
  ^bb0(%h: tensor<?x4xf32>, %xt: tensor<?x4xf32>, %w: tensor<4x4xf32>):
    %hu = horn.contract %h, %w [#b, #k, #n] : tensor<?x4xf32>, tensor<4x4xf32>
    %z = horn.add %xt, %hu : tensor<?x4xf32>
    %y = horn.tanh %z : tensor<?x4xf32>
    horn.yield %y, %y : tensor<?x4xf32>, tensor<?x4xf32>
  }
  %loss = horn.reduce_sum %s#1 axes [0, 1, 2] : tensor<?x5x4xf32>
  %g = horn.gradient %loss of %u : tensor<f32>, tensor<4x4xf32> -> tensor<4x4xf32>
  return %g : tensor<4x4xf32>
}

// -----

// Slices that fill an axis: their gradients stand side by side.
// CHECK-LABEL: @halves
// CHECK-NOT: horn.embed
// CHECK: horn.concat
func.func @halves(%w: tensor<4x6xf32>) -> tensor<4x6xf32> {
  %a = horn.slice %w offsets [0, 0] sizes [4, 3] strides [1, 1] : tensor<4x6xf32>
  %b = horn.slice %w offsets [0, 3] sizes [4, 3] strides [1, 1] : tensor<4x6xf32>
  %p = horn.mul %a, %b : tensor<4x3xf32>
  %loss = horn.reduce_sum %p axes [0, 1] : tensor<4x3xf32>
  %g = horn.gradient %loss of %w : tensor<f32>, tensor<4x6xf32> -> tensor<4x6xf32>
  return %g : tensor<4x6xf32>
}
