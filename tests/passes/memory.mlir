// RUN: hornfels-opt %s --horn-memory --split-input-file --verify-diagnostics | FileCheck %s

// Kernels are given as this pass finds them: functions on tensors, their bodies whatever fusion left.
#id = affine_map<(d0, d1) -> (d0, d1)>
#t = affine_map<(d0, d1) -> (d1, d0)>

// The new value overwrites the old one: one parameter, no arena. The kernel that reads the old value comes first,
// although the program says otherwise.
// CHECK: horn.arena = array<i64: 0, 0>
// CHECK: func.func private @update{{.*}}horn.in_place = array<i64: 0>
// CHECK: func.func private @read{{.*}}horn.in_place = array<i64: -1>
// CHECK-LABEL: func.func @train_step(%arg0: memref<2x2xf32> {horn.name = "w"}, %arg1: memref<2x2xf32> {horn.name = "y"})
// CHECK: horn.launch @read ins(%arg0 : {{.*}}) outs(%arg1 : {{.*}})
// CHECK: horn.launch @update ins(%arg0 : {{.*}}) outs( : )
// CHECK-NOT: memref.copy
// CHECK: return
module {
  func.func private @update(%x: tensor<2x2xf32>) -> tensor<2x2xf32> attributes {horn.kernel} {
    %e = tensor.empty() : tensor<2x2xf32>
    %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) {
    ^bb0(%a: f32, %o: f32):
      linalg.yield %a : f32
    } -> tensor<2x2xf32>
    return %y : tensor<2x2xf32>
  }
  func.func private @read(%x: tensor<2x2xf32>) -> tensor<2x2xf32> attributes {horn.kernel} {
    %e = tensor.empty() : tensor<2x2xf32>
    %y = linalg.generic {indexing_maps = [#t, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) {
    ^bb0(%a: f32, %o: f32):
      linalg.yield %a : f32
    } -> tensor<2x2xf32>
    return %y : tensor<2x2xf32>
  }
  func.func @train_step(%w: tensor<2x2xf32> {horn.name = "w"})
      -> (tensor<2x2xf32> {horn.name = "w"}, tensor<2x2xf32> {horn.name = "y"}) {
    %new = call @update(%w) : (tensor<2x2xf32>) -> tensor<2x2xf32>
    %y = call @read(%w) : (tensor<2x2xf32>) -> tensor<2x2xf32>
    return %new, %y : tensor<2x2xf32>, tensor<2x2xf32>
  }
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#t = affine_map<(d0, d1) -> (d1, d0)>

// The new value reads the old one at other places than it writes: it is made elsewhere and copied.
// CHECK: horn.arena = array<i64: 64, 0>
// CHECK-LABEL: func.func @transposed_update
// CHECK: %[[NEW:.*]] = horn.arena 0 + 0 * capacity
// CHECK: horn.launch @turn ins(%arg0 : {{.*}}) outs(%[[NEW]] : {{.*}})
// CHECK: memref.copy %[[NEW]], %arg0
module {
  func.func private @turn(%x: tensor<2x2xf32>) -> tensor<2x2xf32> attributes {horn.kernel} {
    %e = tensor.empty() : tensor<2x2xf32>
    %y = linalg.generic {indexing_maps = [#t, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) {
    ^bb0(%a: f32, %o: f32):
      linalg.yield %a : f32
    } -> tensor<2x2xf32>
    return %y : tensor<2x2xf32>
  }
  func.func @transposed_update(%w: tensor<2x2xf32> {horn.name = "w"}) -> (tensor<2x2xf32> {horn.name = "w"}) {
    %new = call @turn(%w) : (tensor<2x2xf32>) -> tensor<2x2xf32>
    return %new : tensor<2x2xf32>
  }
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#v = affine_map<(d0) -> (d0)>

// Read by another type, the same bytes are read elsewhere than they are written.
// CHECK-LABEL: func.func @reshaped_update
// CHECK: memref.copy %{{.*}}, %arg0
module {
  func.func private @shift(%x: tensor<2x2xf32>, %flat: tensor<4xf32>) -> tensor<2x2xf32> attributes {horn.kernel} {
    %e = tensor.empty() : tensor<2x2xf32>
    %y = linalg.generic {indexing_maps = [#id, affine_map<(d0, d1) -> (d1 * 2 + d0)>, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x, %flat : tensor<2x2xf32>, tensor<4xf32>) outs(%e : tensor<2x2xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %s = arith.addf %a, %b : f32
      linalg.yield %s : f32
    } -> tensor<2x2xf32>
    return %y : tensor<2x2xf32>
  }
  func.func @reshaped_update(%w: tensor<2x2xf32> {horn.name = "w"}) -> (tensor<2x2xf32> {horn.name = "w"}) {
    %flat = horn.reshape %w : tensor<2x2xf32> to tensor<4xf32>
    %new = call @shift(%w, %flat) : (tensor<2x2xf32>, tensor<4xf32>) -> tensor<2x2xf32>
    return %new : tensor<2x2xf32>
  }
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>

// Each of two weights is read by the kernel that overwrites the other: a circle. One of them is copied at the end.
// CHECK-LABEL: func.func @circle
// CHECK: %[[NEW_W:.*]] = horn.arena
// CHECK: horn.launch @mix ins(%arg1, %arg0 : {{.*}}) outs(%[[NEW_W]] :
// CHECK: horn.launch @mix ins(%arg0, %arg1 : {{.*}}) outs(%arg0 :
// CHECK: memref.copy %[[NEW_W]], %arg1
// CHECK-NOT: memref.copy
// CHECK: return
module {
  func.func private @mix(%x: tensor<2x2xf32>, %y: tensor<2x2xf32>) -> tensor<2x2xf32> attributes {horn.kernel} {
    %e = tensor.empty() : tensor<2x2xf32>
    %z = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x, %y : tensor<2x2xf32>, tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %s = arith.subf %a, %b : f32
      linalg.yield %s : f32
    } -> tensor<2x2xf32>
    return %z : tensor<2x2xf32>
  }
  func.func @circle(%v: tensor<2x2xf32> {horn.name = "v"}, %w: tensor<2x2xf32> {horn.name = "w"})
      -> (tensor<2x2xf32> {horn.name = "v"}, tensor<2x2xf32> {horn.name = "w"}) {
    %new_v = call @mix(%v, %w) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
    %new_w = call @mix(%w, %v) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
    return %new_v, %new_w : tensor<2x2xf32>, tensor<2x2xf32>
  }
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>

// Four values in a chain: two are alive at a time, so that two places do. Rows of samples and values of a known size
// lie in parts of their own; sizes are rounded up to 64 bytes in the second.
// CHECK: horn.arena = array<i64: 0, 32>
// CHECK-LABEL: func.func @chain
// CHECK: %[[A:.*]] = horn.arena -1 + 0 * capacity {horn.name = "a"}
// CHECK: %[[B:.*]] = horn.arena -1 + 16 * capacity {horn.name = "a"}
// CHECK: horn.launch @step ins(%[[A]] : {{.*}}) outs(%[[B]] :
// CHECK: %[[C:.*]] = horn.arena -1 + 0 * capacity {horn.name = "a"}
// CHECK: horn.launch @step ins(%[[B]] : {{.*}}) outs(%[[C]] :
// CHECK: horn.launch @step ins(%[[C]] : {{.*}}) outs(%arg1 :
module {
  func.func private @step(%x: tensor<?x4xf32>) -> (tensor<?x4xf32> {horn.name = "a"}) attributes {horn.kernel} {
    %n = horn.batch
    %e = tensor.empty(%n) : tensor<?x4xf32>
    %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) {
    ^bb0(%a: f32, %o: f32):
      linalg.yield %a : f32
    } -> tensor<?x4xf32>
    return %y : tensor<?x4xf32>
  }
  func.func @chain(%x: tensor<?x4xf32> {horn.name = "x"}) -> (tensor<?x4xf32> {horn.name = "y"}) {
    %a = call @step(%x) : (tensor<?x4xf32>) -> tensor<?x4xf32>
    %b = call @step(%a) : (tensor<?x4xf32>) -> tensor<?x4xf32>
    %c = call @step(%b) : (tensor<?x4xf32>) -> tensor<?x4xf32>
    %y = call @step(%c) : (tensor<?x4xf32>) -> tensor<?x4xf32>
    return %y : tensor<?x4xf32>
  }
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>

// A value that a later kernel still reads keeps its bytes.
// CHECK: horn.arena = array<i64: 128, 0>
// CHECK-LABEL: func.func @long_life
// CHECK-DAG: horn.arena 0 + 0 * capacity
// CHECK-DAG: horn.arena 64 + 0 * capacity
module {
  func.func private @step(%x: tensor<2x2xf32>) -> (tensor<2x2xf32> {horn.name = "a"}) attributes {horn.kernel} {
    %e = tensor.empty() : tensor<2x2xf32>
    %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) {
    ^bb0(%a: f32, %o: f32):
      linalg.yield %a : f32
    } -> tensor<2x2xf32>
    return %y : tensor<2x2xf32>
  }
  func.func @long_life(%x: tensor<2x2xf32> {horn.name = "x"})
      -> (tensor<2x2xf32> {horn.name = "y"}, tensor<2x2xf32> {horn.name = "z"}) {
    %a = call @step(%x) : (tensor<2x2xf32>) -> tensor<2x2xf32>
    %b = call @step(%a) : (tensor<2x2xf32>) -> tensor<2x2xf32>
    %y = call @step(%b) : (tensor<2x2xf32>) -> tensor<2x2xf32>
    %z = call @step(%a) : (tensor<2x2xf32>) -> tensor<2x2xf32>
    return %y, %z : tensor<2x2xf32>, tensor<2x2xf32>
  }
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#v = affine_map<(d0, d1, d2) -> (d0, d1, d2)>

// A change of shape moves nothing: the same place by another type.
// CHECK: horn.arena = array<i64: 0, 48>
// CHECK-LABEL: func.func @reshape
// CHECK: %[[FLAT:.*]] = horn.arena -1 + 0 * capacity : memref<?x12xf32>
// CHECK: %[[WIDE:.*]] = builtin.unrealized_conversion_cast %[[FLAT]] : memref<?x12xf32> to memref<?x3x4xf32>
// CHECK: horn.launch @second ins(%[[WIDE]] :
module {
  func.func private @first(%x: tensor<?x12xf32>) -> tensor<?x12xf32> attributes {horn.kernel} {
    %n = horn.batch
    %e = tensor.empty(%n) : tensor<?x12xf32>
    %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<?x12xf32>) outs(%e : tensor<?x12xf32>) {
    ^bb0(%a: f32, %o: f32):
      linalg.yield %a : f32
    } -> tensor<?x12xf32>
    return %y : tensor<?x12xf32>
  }
  func.func private @second(%x: tensor<?x3x4xf32>) -> tensor<?x3x4xf32> attributes {horn.kernel} {
    %n = horn.batch
    %e = tensor.empty(%n) : tensor<?x3x4xf32>
    %y = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%x : tensor<?x3x4xf32>) outs(%e : tensor<?x3x4xf32>) {
    ^bb0(%a: f32, %o: f32):
      linalg.yield %a : f32
    } -> tensor<?x3x4xf32>
    return %y : tensor<?x3x4xf32>
  }
  func.func @reshape(%x: tensor<?x12xf32> {horn.name = "x"}) -> (tensor<?x3x4xf32> {horn.name = "y"}) {
    %0 = call @first(%x) : (tensor<?x12xf32>) -> tensor<?x12xf32>
    %1 = horn.reshape %0 : tensor<?x12xf32> to tensor<?x3x4xf32>
    %2 = call @second(%1) : (tensor<?x3x4xf32>) -> tensor<?x3x4xf32>
    return %2 : tensor<?x3x4xf32>
  }
}

// -----

// Parts of one value are written one after another into its buffer, which is the result's.
// CHECK: horn.arena = array<i64: 0, 0>
// CHECK-LABEL: func.func @concat(%arg0: {{.*}}, %arg1: {{.*}}, %arg2: memref<?x5xf32> {horn.name = "y"})
// CHECK: horn.launch @left ins(%arg0 : {{.*}}) outs(%arg2 : {{.*}})
// CHECK: horn.launch @right ins(%arg1, %arg2 : {{.*}}) outs( : )
module {
  func.func private @left(%x: tensor<?x2xf32>) -> tensor<?x5xf32> attributes {horn.kernel} {
    %n = horn.batch
    %e = tensor.empty(%n) : tensor<?x5xf32>
    %y = horn.insert %x into %e offsets [0, 0] strides [1, 1] : tensor<?x2xf32>, tensor<?x5xf32>
    return %y : tensor<?x5xf32>
  }
  func.func private @right(%x: tensor<?x3xf32>, %d: tensor<?x5xf32>) -> tensor<?x5xf32> attributes {horn.kernel} {
    %y = horn.insert %x into %d offsets [0, 2] strides [1, 1] : tensor<?x3xf32>, tensor<?x5xf32>
    return %y : tensor<?x5xf32>
  }
  func.func @concat(%a: tensor<?x2xf32> {horn.name = "a"}, %b: tensor<?x3xf32> {horn.name = "b"})
      -> (tensor<?x5xf32> {horn.name = "y"}) {
    %0 = call @left(%a) : (tensor<?x2xf32>) -> tensor<?x5xf32>
    %1 = call @right(%b, %0) : (tensor<?x3xf32>, tensor<?x5xf32>) -> tensor<?x5xf32>
    return %1 : tensor<?x5xf32>
  }
}
