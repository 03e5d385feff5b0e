// RUN: hornfels-opt %s --pass-pipeline='builtin.module(func.func(horn-simplify))' --split-input-file | FileCheck %s

#x = affine_map<(b, n, k) -> (b, k)>
#w = affine_map<(b, n, k) -> (k, n)>
#y = affine_map<(b, n, k) -> (b, n)>

// The dense row of the vocabulary's width is never built.
// CHECK-LABEL: @multi_hot_dense
// CHECK-NOT: horn.multi_hot
// CHECK: horn.gather_sum %arg0, %arg1 distinct : <10000>, tensor<10000x16xf32>
// CHECK-NOT: horn.contract
func.func @multi_hot_dense(%tokens: !horn.tokens<10000>, %w: tensor<10000x16xf32>) -> tensor<?x16xf32> {
  %hot = horn.multi_hot %tokens : <10000> to tensor<?x10000xf32>
  %y = horn.contract %hot, %w [#x, #w, #y] : tensor<?x10000xf32>, tensor<10000x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

#x = affine_map<(b, n, k) -> (b, k)>
#w = affine_map<(b, n, k) -> (k, n)>
#y = affine_map<(b, n, k) -> (b, n)>

// Counts keep repeated ids: no `distinct`.
// CHECK-LABEL: @count_dense
// CHECK: horn.gather_sum %arg0, %arg1 : <10000>, tensor<10000x16xf32>
func.func @count_dense(%tokens: !horn.tokens<10000>, %w: tensor<10000x16xf32>) -> tensor<?x16xf32> {
  %count = horn.count %tokens : <10000> to tensor<?x10000xf32>
  %y = horn.contract %count, %w [#x, #w, #y] : tensor<?x10000xf32>, tensor<10000x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

#x = affine_map<(b, n, h, k) -> (b, k)>
#w = affine_map<(b, n, h, k) -> (k, n, h)>
#y = affine_map<(b, n, h, k) -> (b, n, h)>

// A table of any rank.
// CHECK-LABEL: @rank_three_table
// CHECK: horn.gather_sum %arg0, %arg1 distinct : <50>, tensor<50x3x4xf32>
func.func @rank_three_table(%tokens: !horn.tokens<50>, %w: tensor<50x3x4xf32>) -> tensor<?x3x4xf32> {
  %hot = horn.multi_hot %tokens : <50> to tensor<?x50xf32>
  %y = horn.contract %hot, %w [#x, #w, #y] : tensor<?x50xf32>, tensor<50x3x4xf32>
  return %y : tensor<?x3x4xf32>
}

// -----

#x = affine_map<(b, n, k) -> (b, k)>
#wt = affine_map<(b, n, k) -> (n, k)>
#y = affine_map<(b, n, k) -> (b, n)>

// Rows of the transposed table are columns: they do not lie together.
// CHECK-LABEL: @transposed_table
// CHECK: horn.multi_hot
// CHECK: horn.contract
func.func @transposed_table(%tokens: !horn.tokens<10000>, %w: tensor<16x10000xf32>) -> tensor<?x16xf32> {
  %hot = horn.multi_hot %tokens : <10000> to tensor<?x10000xf32>
  %y = horn.contract %hot, %w [#x, #wt, #y] : tensor<?x10000xf32>, tensor<16x10000xf32>
  return %y : tensor<?x16xf32>
}

// -----

#x = affine_map<(b, n, k) -> (b, k)>
#w = affine_map<(b, n, k) -> (k, n)>
#yt = affine_map<(b, n, k) -> (n, b)>

// A gather_sum's result has the batch first.
// CHECK-LABEL: @transposed_result
// CHECK: horn.multi_hot
// CHECK: horn.contract
func.func @transposed_result(%tokens: !horn.tokens<9>, %w: tensor<9x2xf32>) -> tensor<2x?xf32> {
  %hot = horn.multi_hot %tokens : <9> to tensor<?x9xf32>
  %y = horn.contract %hot, %w [#x, #w, #yt] : tensor<?x9xf32>, tensor<9x2xf32>
  return %y : tensor<2x?xf32>
}

// -----

// A constant moved is a constant.
// CHECK-LABEL: @moved_constant
// CHECK: %[[FULL:.*]] = horn.full 2.000000e+00 : tensor<4x3xf32>
// CHECK: return %[[FULL]]
func.func @moved_constant() -> tensor<4x3xf32> {
  %full = horn.full 2.0 : tensor<2xf32>
  %wide = horn.broadcast %full dims [1] : tensor<2xf32> to tensor<6x2xf32>
  %same = horn.reshape %wide : tensor<6x2xf32> to tensor<3x4xf32>
  %turned = horn.transpose %same permutation [1, 0] : tensor<3x4xf32>
  return %turned : tensor<4x3xf32>
}

// -----

// CHECK-LABEL: @cast_constant
// CHECK: horn.full 1.000000e+00 : tensor<2xf32>
func.func @cast_constant() -> tensor<2xf32> {
  %full = horn.full 1.0 : tensor<2xi32>
  %real = horn.cast %full : tensor<2xi32> to tensor<2xf32>
  return %real : tensor<2xf32>
}

// -----

#dy = affine_map<(n, a, o, k, i) -> (n, a, o)>
#w = affine_map<(n, a, o, k, i) -> (k, i, o)>
#dx = affine_map<(n, a, o, k, i) -> (n, a, i, k)>

// The input gradient of a convolution of windows of 3, 2 apart, over 9 places of one channel: 3 x the input is never built.
// CHECK-LABEL: @input_gradient
// CHECK-NOT: horn.fold
// CHECK-DAG: %[[SPREAD:.*]] = horn.embed %arg0 offsets [0, 2, 0] strides [1, 2, 1] : tensor<?x4x5xf32> to tensor<?x11x5xf32>
// CHECK-DAG: %[[BACK:.*]] = horn.slice %arg1 offsets [2, 0, 0] sizes [3, 1, 5] strides [-1, 1, 1]
// CHECK: %[[SEEN:.*]] = horn.windows %[[SPREAD]] axes [1] sizes [3] strides [1] dilations [1] : tensor<?x11x5xf32>
// CHECK: horn.contract %[[SEEN]], %[[BACK]]{{.*}} : tensor<?x9x5x3xf32>, tensor<3x1x5xf32>
func.func @input_gradient(%dy: tensor<?x4x5xf32>, %w: tensor<3x1x5xf32>) -> tensor<?x9x1xf32> {
  %0 = horn.contract %dy, %w [#dy, #w, #dx] : tensor<?x4x5xf32>, tensor<3x1x5xf32>
  %1 = horn.fold %0 axes [1] sizes [3] strides [2] dilations [1] : tensor<?x4x1x3xf32> to tensor<?x9x1xf32>
  return %1 : tensor<?x9x1xf32>
}

// With several channels it is added up where it lies, without zeros: the fold stays.
// CHECK-LABEL: @input_gradient_of_channels
// CHECK: horn.contract
// CHECK: horn.fold
func.func @input_gradient_of_channels(%dy: tensor<?x4x5xf32>, %w: tensor<3x2x5xf32>) -> tensor<?x9x2xf32> {
  %0 = horn.contract %dy, %w [#dy, #w, #dx] : tensor<?x4x5xf32>, tensor<3x2x5xf32>
  %1 = horn.fold %0 axes [1] sizes [3] strides [2] dilations [1] : tensor<?x4x2x3xf32> to tensor<?x9x2xf32>
  return %1 : tensor<?x9x2xf32>
}

// -----

#x = affine_map<(b, n, k) -> (b, k)>
#w = affine_map<(b, n, k) -> (k, n)>
#y = affine_map<(b, n, k) -> (b, n)>

// What follows a flattened product element by element is done before it is given its other shape, once.
// CHECK-LABEL: @sink
// CHECK: %[[PRODUCT:.*]] = horn.contract
// CHECK: %[[OTHER:.*]] = horn.reshape %arg2 : tensor<?x2x3xf32> to tensor<?x6xf32>
// CHECK: %[[SUM:.*]] = horn.mul %[[PRODUCT]], %[[OTHER]]
// CHECK: %[[SHAPED:.*]] = horn.reshape %[[SUM]] : tensor<?x6xf32> to tensor<?x2x3xf32>
// CHECK: return %[[SHAPED]]
func.func @sink(%x: tensor<?x4xf32>, %w: tensor<4x6xf32>, %z: tensor<?x2x3xf32>) -> tensor<?x2x3xf32> {
  %0 = horn.contract %x, %w [#x, #w, #y] : tensor<?x4xf32>, tensor<4x6xf32>
  %1 = horn.reshape %0 : tensor<?x6xf32> to tensor<?x2x3xf32>
  %2 = horn.mul %1, %z : tensor<?x2x3xf32>
  return %2 : tensor<?x2x3xf32>
}

// -----

#x = affine_map<(n, a, o, c, k) -> (n, a, c, k)>
#w = affine_map<(n, a, o, c, k) -> (k, c, o)>
#y = affine_map<(n, a, o, c, k) -> (n, a, o)>

// Windows of 2 over 9 places read 8: the convolution is not computed at the last one, and reads one element less. The relu
// is computed behind the pooling, for one place of each window.
// CHECK-LABEL: @unread
// CHECK: %[[LESS:.*]] = horn.slice %arg0 offsets [0, 0, 0] sizes [-1, 10, 4] strides [1, 1, 1]
// CHECK: %[[SEEN:.*]] = horn.windows %[[LESS]] {{.*}} : tensor<?x10x4xf32>
// CHECK: %[[SUM:.*]] = horn.contract %[[SEEN]], %arg1 {{.*}} : tensor<?x8x4x3xf32>, tensor<3x4x5xf32>
// CHECK: %[[BIAS:.*]] = horn.broadcast %arg2 dims [2] : tensor<5xf32> to tensor<?x8x5xf32>
// CHECK: %[[ADDED:.*]] = horn.add %[[SUM]], %[[BIAS]]
// CHECK: %[[LARGEST:.*]] = horn.window_max %[[ADDED]] {{.*}} : tensor<?x8x5xf32>
// CHECK: horn.relu %[[LARGEST]] : tensor<?x4x5xf32>
func.func @unread(%image: tensor<?x11x4xf32>, %w: tensor<3x4x5xf32>, %b: tensor<5xf32>) -> tensor<?x4x5xf32> {
  %0 = horn.windows %image axes [1] sizes [3] strides [1] dilations [1] : tensor<?x11x4xf32>
  %1 = horn.contract %0, %w [#x, #w, #y] : tensor<?x9x4x3xf32>, tensor<3x4x5xf32>
  %2 = horn.broadcast %b dims [2] : tensor<5xf32> to tensor<?x9x5xf32>
  %3 = horn.add %1, %2 : tensor<?x9x5xf32>
  %4 = horn.relu %3 : tensor<?x9x5xf32>
  %5 = horn.window_max %4 axes [1] sizes [2] strides [2] dilations [1] : tensor<?x9x5xf32>
  return %5 : tensor<?x4x5xf32>
}

// What somebody else reads, too, stays as it is: cut, it would be computed twice.
// CHECK-LABEL: @read_by_another
// CHECK-NOT: horn.slice
// CHECK: horn.contract {{.*}} : tensor<?x9x4x3xf32>, tensor<3x4x5xf32>
// CHECK: %[[RELU:.*]] = horn.relu
// CHECK: horn.window_max %[[RELU]]
func.func @read_by_another(%image: tensor<?x11x4xf32>, %w: tensor<3x4x5xf32>) -> (tensor<?x4x5xf32>, tensor<?x9x5xf32>) {
  %0 = horn.windows %image axes [1] sizes [3] strides [1] dilations [1] : tensor<?x11x4xf32>
  %1 = horn.contract %0, %w [#x, #w, #y] : tensor<?x9x4x3xf32>, tensor<3x4x5xf32>
  %2 = horn.relu %1 : tensor<?x9x5xf32>
  %3 = horn.window_max %2 axes [1] sizes [2] strides [2] dilations [1] : tensor<?x9x5xf32>
  return %3, %2 : tensor<?x4x5xf32>, tensor<?x9x5xf32>
}

// An operand of a sum that would have to be stored to be cut keeps the sum whole.
// CHECK-LABEL: @residual
// CHECK-NOT: horn.slice
// CHECK: horn.contract {{.*}} : tensor<?x9x4x3xf32>, tensor<3x4x5xf32>
func.func @residual(%image: tensor<?x11x4xf32>, %w: tensor<3x4x5xf32>, %other: tensor<?x9x5xf32>) -> tensor<?x4x5xf32> {
  %0 = horn.windows %image axes [1] sizes [3] strides [1] dilations [1] : tensor<?x11x4xf32>
  %1 = horn.contract %0, %w [#x, #w, #y] : tensor<?x9x4x3xf32>, tensor<3x4x5xf32>
  %2 = horn.add %1, %other : tensor<?x9x5xf32>
  %3 = horn.window_sum %2 axes [1] sizes [2] strides [2] dilations [1] : tensor<?x9x5xf32>
  return %3 : tensor<?x4x5xf32>
}

// -----

#x = affine_map<(n, t, j, k) -> (n, t, k)>
#w = affine_map<(n, t, j, k) -> (k, j)>
#y = affine_map<(n, t, j, k) -> (n, t, j)>
#h = affine_map<(n, j, k) -> (n, k)>
#r = affine_map<(n, j, k) -> (k, j)>
#o = affine_map<(n, j, k) -> (n, j)>

// The products of an element and of a carry are one, with one matrix that is put together before the scan; what the product of all
// places would have stored is never made.
// CHECK-LABEL: @join
// CHECK: %[[BOTH:.*]] = horn.concat %arg1, %arg3 axis 0 : tensor<3x4xf32>, tensor<4x4xf32>
// CHECK: horn.scan 5 initial(%arg4) over(%arg0)
// CHECK: ^bb0(%[[H:.*]]: tensor<?x4xf32>, %[[X:.*]]: tensor<?x3xf32>,
// CHECK: %[[ROWS:.*]] = horn.concat %[[X]], %[[H]] axis 1 : tensor<?x3xf32>, tensor<?x4xf32>
// CHECK: horn.contract %[[ROWS]], {{.*}} : tensor<?x7xf32>, tensor<7x4xf32>
// CHECK-NOT: horn.contract
// CHECK: horn.yield
func.func @join(%x: tensor<?x5x3xf32>, %w: tensor<3x4xf32>, %b: tensor<4xf32>, %r: tensor<4x4xf32>, %h: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = horn.contract %x, %w [#x, #w, #y] : tensor<?x5x3xf32>, tensor<3x4xf32>
  %1 = horn.broadcast %b dims [2] : tensor<4xf32> to tensor<?x5x4xf32>
  %2 = horn.add %0, %1 : tensor<?x5x4xf32>
  %3 = horn.scan 5 initial(%h) over(%2) with(%r) : (tensor<?x4xf32>, tensor<?x5x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%carry: tensor<?x4xf32>, %z: tensor<?x4xf32>, %m: tensor<4x4xf32>):
    %10 = horn.contract %carry, %m [#h, #r, #o] : tensor<?x4xf32>, tensor<4x4xf32>
    %11 = horn.add %z, %10 : tensor<?x4xf32>
    %12 = horn.tanh %11 : tensor<?x4xf32>
    horn.yield %12 : tensor<?x4xf32>
  }
  return %3 : tensor<?x4xf32>
}

// A matrix that another product reads stays beside the joined one.
// CHECK-LABEL: @join_shared
// CHECK: %[[BOTH:.*]] = horn.concat %arg2, %arg3 axis 0
// CHECK: horn.scan 5 initial(%arg4) over(%arg0, %arg1) with(%arg3, %arg2, %[[BOTH]])
// CHECK-DAG: horn.contract {{.*}} : tensor<?x3xf32>, tensor<3x4xf32>
// CHECK-DAG: horn.contract {{.*}} : tensor<?x7xf32>, tensor<7x4xf32>
func.func @join_shared(%x: tensor<?x5x3xf32>, %z: tensor<?x5x3xf32>, %w: tensor<3x4xf32>, %r: tensor<4x4xf32>, %h: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = horn.contract %x, %w [#x, #w, #y] : tensor<?x5x3xf32>, tensor<3x4xf32>
  %1 = horn.tanh %0 : tensor<?x5x4xf32>
  %2 = horn.contract %z, %w [#x, #w, #y] : tensor<?x5x3xf32>, tensor<3x4xf32>
  %3 = horn.add %1, %2 : tensor<?x5x4xf32>
  %4 = horn.scan 5 initial(%h) over(%3) with(%r) : (tensor<?x4xf32>, tensor<?x5x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%carry: tensor<?x4xf32>, %e: tensor<?x4xf32>, %m: tensor<4x4xf32>):
    %10 = horn.contract %carry, %m [#h, #r, #o] : tensor<?x4xf32>, tensor<4x4xf32>
    %11 = horn.add %e, %10 : tensor<?x4xf32>
    horn.yield %11 : tensor<?x4xf32>
  }
  return %4 : tensor<?x4xf32>
}

// A product that takes less room than what it reads stays outside.
// CHECK-LABEL: @narrow
// CHECK: %[[NARROW:.*]] = horn.contract
// CHECK: horn.scan 5 initial(%arg2) over(%[[NARROW]])
func.func @narrow(%x: tensor<?x5x4xf32>, %w: tensor<4x3xf32>, %h: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %0 = horn.contract %x, %w [#x, #w, #y] : tensor<?x5x4xf32>, tensor<4x3xf32>
  %3 = horn.scan 5 initial(%h) over(%0) with() : (tensor<?x3xf32>, tensor<?x5x3xf32>) -> tensor<?x3xf32> {
  ^bb0(%carry: tensor<?x3xf32>, %z: tensor<?x3xf32>):
    %11 = horn.mul %z, %carry : tensor<?x3xf32>
    horn.yield %11 : tensor<?x3xf32>
  }
  return %3 : tensor<?x3xf32>
}

// A product that only a scan reads is computed in its body.
// CHECK-LABEL: @sink
// CHECK-NOT: horn.contract
// CHECK: horn.scan 5 initial(%arg2) over(%arg0) with(%arg1)
// CHECK: horn.contract {{.*}} : tensor<?x3xf32>, tensor<3x4xf32>
func.func @sink(%x: tensor<?x5x3xf32>, %w: tensor<3x4xf32>, %h: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = horn.contract %x, %w [#x, #w, #y] : tensor<?x5x3xf32>, tensor<3x4xf32>
  %3 = horn.scan 5 initial(%h) over(%0) with() : (tensor<?x4xf32>, tensor<?x5x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%carry: tensor<?x4xf32>, %z: tensor<?x4xf32>):
    %11 = horn.mul %z, %carry : tensor<?x4xf32>
    horn.yield %11 : tensor<?x4xf32>
  }
  return %3 : tensor<?x4xf32>
}

// A matrix that is read along the reduction is transposed once.
// CHECK-LABEL: @hoist
// CHECK: %[[ACROSS:.*]] = horn.transpose %arg0
// CHECK: horn.scan 5 initial(%arg1) over() with(%arg0, %[[ACROSS]])
// CHECK: horn.contract {{.*}} : tensor<?x4xf32>, tensor<4x3xf32>
// CHECK: horn.contract {{.*}} : tensor<?x3xf32>, tensor<3x4xf32>
func.func @hoist(%w: tensor<3x4xf32>, %h: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %3 = horn.scan 5 initial(%h) over() with(%w) : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%carry: tensor<?x4xf32>, %m: tensor<3x4xf32>):
    %10 = horn.contract %carry, %m [#o, #r, #h] : tensor<?x4xf32>, tensor<3x4xf32>
    %12 = horn.contract %10, %m [#h, #r, #o] : tensor<?x3xf32>, tensor<3x4xf32>
    horn.yield %12 : tensor<?x4xf32>
  }
  return %3 : tensor<?x4xf32>
}

// Columns of a product that nobody reads are not computed.
// CHECK-LABEL: @columns
// CHECK: %[[PART:.*]] = horn.slice %arg1 offsets [0, 1] sizes [3, 2] strides [1, 1]
// CHECK: horn.contract %arg0, %[[PART]] {{.*}} : tensor<?x3xf32>, tensor<3x2xf32>
func.func @columns(%x: tensor<?x3xf32>, %w: tensor<3x4xf32>) -> tensor<?x2xf32> {
  %10 = horn.contract %x, %w [#h, #r, #o] : tensor<?x3xf32>, tensor<3x4xf32>
  %12 = horn.slice %10 offsets [0, 1] sizes [-1, 2] strides [1, 1] : tensor<?x4xf32>
  return %12 : tensor<?x2xf32>
}
