// RUN: hornfels-opt %s --horn-split --split-input-file | FileCheck %s
// RUN: hornfels-opt %s --horn-split='vector-bytes=16 registers=16' --split-input-file | FileCheck %s --check-prefix=NARROW

#x = affine_map<(d0, d1, d2) -> (d2, d0)>
#dy = affine_map<(d0, d1, d2) -> (d2, d1)>
#dw = affine_map<(d0, d1, d2) -> (d0, d1)>

module attributes {horn.training = {batch_size = 32768 : i64}} {
// The gradient of 16 by 16 weights is one tile: eight parts of the batch, each to its place; then their sum, in order.
// CHECK-DAG: #[[X:.*]] = affine_map<(d0, d1, d2, d3) -> (d3, d1)>
// CHECK-DAG: #[[DY:.*]] = affine_map<(d0, d1, d2, d3) -> (d3, d2)>
// CHECK-DAG: #[[PARTS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG: #[[PART:.*]] = affine_map<(d0, d1, d2) -> (d2, d0, d1)>
// CHECK-DAG: #[[DW:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: @few
// CHECK: %[[ZERO:.*]] = linalg.fill {{.*}} -> tensor<8x16x16xf32>
// CHECK: %[[SUMS:.*]] = linalg.generic {indexing_maps = [#[[X]], #[[DY]], #[[PARTS]]], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
// CHECK-SAME: outs(%[[ZERO]] : tensor<8x16x16xf32>) attrs = {horn.parts}
// CHECK: arith.mulf
// CHECK: %[[WHOLE:.*]] = linalg.generic {indexing_maps = [#[[PART]], #[[DW]]], iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[SUMS]] : tensor<8x16x16xf32>)
// CHECK-NOT: arith.mulf
// CHECK: arith.addf
// CHECK: return %[[WHOLE]] : tensor<16x16xf32>
// NARROW-LABEL: @few
// NARROW: horn.parts
func.func @few(%x: tensor<?x16xf32>, %dy: tensor<?x16xf32>) -> tensor<16x16xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16x16xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<16x16xf32>) -> tensor<16x16xf32>
  %0 = linalg.generic {indexing_maps = [#x, #dy, #dw], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %dy : tensor<?x16xf32>, tensor<?x16xf32>) outs(%f : tensor<16x16xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<16x16xf32>
  return %0 : tensor<16x16xf32>
}

// 32 by 64 are four tiles of rows, but each of them would read 12 MiB of operands again; a part of 1.5 MiB is nearer.
// CHECK-LABEL: @far
// CHECK: horn.parts
func.func @far(%x: tensor<?x32xf32>, %dy: tensor<?x64xf32>) -> tensor<32x64xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<32x64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<32x64xf32>) -> tensor<32x64xf32>
  %0 = linalg.generic {indexing_maps = [#x, #dy, #dw], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %dy : tensor<?x32xf32>, tensor<?x64xf32>) outs(%f : tensor<32x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<32x64xf32>
  return %0 : tensor<32x64xf32>
}

// A bias of 64: two tiles of two vectors with the widest vectors, eight with the narrowest.
// CHECK-LABEL: @bias
// CHECK: horn.parts
// NARROW-LABEL: @bias
// NARROW-NOT: horn.parts
// NARROW: return
func.func @bias(%dy: tensor<?x64xf32>) -> tensor<64xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64xf32>) -> tensor<64xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>], iterator_types = ["reduction", "parallel"]}
      ins(%dy : tensor<?x64xf32>) outs(%f : tensor<64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<64xf32>
  return %0 : tensor<64xf32>
}

// 32768 numbers are summed in less time than it takes to wake a thread.
// CHECK-LABEL: @short
// CHECK-NOT: horn.parts
// CHECK: return
func.func @short(%x: tensor<?xf32>) -> tensor<f32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<f32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<f32>) -> tensor<f32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> ()>], iterator_types = ["reduction"]}
      ins(%x : tensor<?xf32>) outs(%f : tensor<f32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<f32>
  return %0 : tensor<f32>
}
}

// -----

#x = affine_map<(d0, d1, d2) -> (d2, d0)>
#dy = affine_map<(d0, d1, d2) -> (d2, d1)>
#dw = affine_map<(d0, d1, d2) -> (d0, d1)>

// The same weights at a batch of 512: one thread is done before another has begun.
module attributes {horn.training = {batch_size = 512 : i64}} {
// CHECK-LABEL: @small_batch
// CHECK-NOT: horn.parts
// CHECK: return
func.func @small_batch(%x: tensor<?x16xf32>, %dy: tensor<?x16xf32>) -> tensor<16x16xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16x16xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<16x16xf32>) -> tensor<16x16xf32>
  %0 = linalg.generic {indexing_maps = [#x, #dy, #dw], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %dy : tensor<?x16xf32>, tensor<?x16xf32>) outs(%f : tensor<16x16xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<16x16xf32>
  return %0 : tensor<16x16xf32>
}
}

// -----

#x = affine_map<(d0, d1, d2) -> (d2, d0)>
#dy = affine_map<(d0, d1, d2) -> (d2, d1)>
#dw = affine_map<(d0, d1, d2) -> (d0, d1)>

// 64 by 64 are eight tiles of rows, and the second cache holds what they read: as many chunks as are wanted.
module attributes {horn.training = {batch_size = 2048 : i64}} {
// CHECK-LABEL: @enough
// CHECK-NOT: horn.parts
// CHECK: return
// NARROW-LABEL: @enough
// NARROW-NOT: horn.parts
// NARROW: return
func.func @enough(%x: tensor<?x64xf32>, %dy: tensor<?x64xf32>) -> tensor<64x64xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<64x64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64x64xf32>) -> tensor<64x64xf32>
  %0 = linalg.generic {indexing_maps = [#x, #dy, #dw], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %dy : tensor<?x64xf32>, tensor<?x64xf32>) outs(%f : tensor<64x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<64x64xf32>
  return %0 : tensor<64x64xf32>
}
}

// -----

module attributes {horn.training = {batch_size = 4194304 : i64}} {
// The largest element: a part starts from what the whole starts from, and an index of the batch counts all samples.
// CHECK-LABEL: @largest
// CHECK: %[[LEAST:.*]] = arith.constant 0xFF800000 : f32
// CHECK: linalg.fill ins(%[[LEAST]] : f32) outs(%{{.*}} : tensor<8x1xf32>)
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]{{.*}}horn.parts
// CHECK: linalg.index 1 : index
// CHECK: arith.maximumf
// CHECK: linalg.fill ins(%[[LEAST]] : f32) outs(%{{.*}} : tensor<1xf32>)
// CHECK: linalg.generic {{.*}} iterator_types = ["reduction"]
// CHECK: %[[MAX:.*]] = arith.maximumf %out, %in : f32
// CHECK-NEXT: linalg.yield %[[MAX]]
func.func @largest(%x: tensor<?x1xf32>) -> tensor<1xf32> {
  %least = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<1xf32>
  %f = linalg.fill ins(%least : f32) outs(%e : tensor<1xf32>) -> tensor<1xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0, 0)>, affine_map<(d0) -> (0)>], iterator_types = ["reduction"]}
      ins(%x : tensor<?x1xf32>) outs(%f : tensor<1xf32>) {
  ^bb0(%a: f32, %o: f32):
    %i = linalg.index 0 : index
    %n = arith.index_cast %i : index to i32
    %r = arith.sitofp %n : i32 to f32
    %p = arith.mulf %a, %r : f32
    %s = arith.maximumf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// A product is left alone.
// CHECK-LABEL: @product
// CHECK-NOT: horn.parts
// CHECK: return
func.func @product(%x: tensor<?xf32>) -> tensor<f32> {
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<f32>
  %f = linalg.fill ins(%one : f32) outs(%e : tensor<f32>) -> tensor<f32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> ()>], iterator_types = ["reduction"]}
      ins(%x : tensor<?xf32>) outs(%f : tensor<f32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.mulf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<f32>
  return %0 : tensor<f32>
}
}
