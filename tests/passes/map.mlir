// RUN: hornfels-opt %s --horn-map | FileCheck %s
// RUN: hornfels-opt %s --horn-map='math=tf32' | FileCheck %s --check-prefix=TENSOR

#id2 = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#column = affine_map<(d0, d1) -> (d1)>
#left = affine_map<(d0, d1, d2) -> (d0, d2)>
#right = affine_map<(d0, d1, d2) -> (d2, d1)>
#out = affine_map<(d0, d1, d2) -> (d0, d1)>
#one = affine_map<(d0) -> (d0)>
#none = affine_map<(d0) -> ()>
#scalar = affine_map<() -> ()>

module attributes {horn.training = {batch_size = 512 : i64}} {

// A product and what is done to its elements: one stage, a block makes a tile.
// CHECK-LABEL: func.func private @dense(
// CHECK-SAME: horn.form = "product"
// CHECK-SAME: horn.tile
// CHECK: linalg.generic {{.*}} attrs = {horn.axes = array<i64: 0, 1>, horn.columns_of = 1 : i64, horn.stage = 0 : i64}
// CHECK: linalg.generic {{.*}} attrs = {horn.stage = 0 : i64}
// TENSOR-LABEL: func.func private @dense(
// TENSOR-SAME: horn.arithmetic = "tf32"
func.func private @dense(%x: tensor<?x784xf32>, %w: tensor<784x512xf32>, %b: tensor<512xf32>) -> tensor<?x512xf32> attributes {horn.in_place = array<i64: -1>, horn.kernel} {
  %zero = arith.constant 0.0 : f32
  %n = horn.batch
  %e = tensor.empty(%n) : tensor<?x512xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x512xf32>) -> tensor<?x512xf32>
  %0 = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x784xf32>, tensor<784x512xf32>) outs(%f : tensor<?x512xf32>) {
  ^bb0(%a: f32, %c: f32, %s: f32):
    %p = arith.mulf %a, %c : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  } -> tensor<?x512xf32>
  %1 = linalg.generic {indexing_maps = [#id2, #column, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%0, %b : tensor<?x512xf32>, tensor<512xf32>) outs(%e : tensor<?x512xf32>) {
  ^bb0(%a: f32, %c: f32, %s: f32):
    %q = arith.addf %a, %c : f32
    linalg.yield %q : f32
  } -> tensor<?x512xf32>
  return %1 : tensor<?x512xf32>
}

// A row's largest, then what is left of each element: its neighbours' work, so a second stage, in one block for some rows.
// CHECK-LABEL: func.func private @rows(
// CHECK-SAME: horn.form = "rows"
// CHECK-SAME: horn.rows_of_block = 4
// CHECK-SAME: horn.threads = 64
// CHECK: horn.across = {{[0-9]+}} : i64, horn.stage = 0 : i64, horn.together
// CHECK: horn.stage = 1 : i64
func.func private @rows(%x: tensor<?x10xf32>) -> tensor<?x10xf32> attributes {horn.in_place = array<i64: -1>, horn.kernel} {
  %least = arith.constant 0xFF800000 : f32
  %n = horn.batch
  %e = tensor.empty(%n) : tensor<?x10xf32>
  %r = tensor.empty(%n) : tensor<?xf32>
  %f = linalg.fill ins(%least : f32) outs(%r : tensor<?xf32>) -> tensor<?xf32>
  %0 = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x10xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%a: f32, %s: f32):
    %q = arith.maximumf %s, %a : f32
    linalg.yield %q : f32
  } -> tensor<?xf32>
  %1 = linalg.generic {indexing_maps = [#id2, #row, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%x, %0 : tensor<?x10xf32>, tensor<?xf32>) outs(%e : tensor<?x10xf32>) {
  ^bb0(%a: f32, %c: f32, %s: f32):
    %q = arith.subf %a, %c : f32
    linalg.yield %q : f32
  } -> tensor<?x10xf32>
  return %1 : tensor<?x10xf32>
}

// The sum of a batch and the update behind it are one stage; neighbouring threads have neighbouring points.
// CHECK-LABEL: func.func private @bias(
// CHECK-SAME: horn.form = "points"
// CHECK: horn.across = 8 : i64, horn.stage = 0 : i64}
// CHECK-NOT: horn.together
// CHECK: return
func.func private @bias(%dy: tensor<?x64xf32>, %b: tensor<64xf32>) -> tensor<64xf32> attributes {horn.in_place = array<i64: 1>, horn.kernel} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64xf32>) -> tensor<64xf32>
  %0 = linalg.generic {indexing_maps = [#id2, #column], iterator_types = ["reduction", "parallel"]}
      ins(%dy : tensor<?x64xf32>) outs(%f : tensor<64xf32>) {
  ^bb0(%a: f32, %s: f32):
    %q = arith.addf %s, %a : f32
    linalg.yield %q : f32
  } -> tensor<64xf32>
  %1 = linalg.generic {indexing_maps = [#one, #one, #one], iterator_types = ["parallel"]}
      ins(%0, %b : tensor<64xf32>, tensor<64xf32>) outs(%e : tensor<64xf32>) {
  ^bb0(%a: f32, %c: f32, %s: f32):
    %q = arith.subf %c, %a : f32
    linalg.yield %q : f32
  } -> tensor<64xf32>
  return %1 : tensor<64xf32>
}

// Nothing is summed and there is enough of it: four points a thread.
// CHECK-LABEL: func.func private @sweep(
// CHECK-SAME: horn.form = "points"
// CHECK-SAME: horn.vector = 4
func.func private @sweep(%w: tensor<1024x1024xf32>) -> tensor<1024x1024xf32> attributes {horn.in_place = array<i64: 0>, horn.kernel} {
  %half = arith.constant 5.0e-01 : f32
  %e = tensor.empty() : tensor<1024x1024xf32>
  %0 = linalg.generic {indexing_maps = [#id2, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<1024x1024xf32>) outs(%e : tensor<1024x1024xf32>) {
  ^bb0(%a: f32, %s: f32):
    %q = arith.mulf %a, %half : f32
    linalg.yield %q : f32
  } -> tensor<1024x1024xf32>
  return %0 : tensor<1024x1024xf32>
}

// A number of the whole, then all that reads it: no common rows, one block does both.
// CHECK-LABEL: func.func private @whole(
// CHECK-SAME: horn.form = "whole"
func.func private @whole(%w: tensor<4096xf32>) -> tensor<4096xf32> attributes {horn.in_place = array<i64: -1>, horn.kernel} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4096xf32>
  %r = tensor.empty() : tensor<f32>
  %f = linalg.fill ins(%zero : f32) outs(%r : tensor<f32>) -> tensor<f32>
  %0 = linalg.generic {indexing_maps = [#one, #none], iterator_types = ["reduction"]}
      ins(%w : tensor<4096xf32>) outs(%f : tensor<f32>) {
  ^bb0(%a: f32, %s: f32):
    %q = arith.addf %s, %a : f32
    linalg.yield %q : f32
  } -> tensor<f32>
  %1 = linalg.generic {indexing_maps = [#one, #none, #one], iterator_types = ["parallel"]}
      ins(%w, %0 : tensor<4096xf32>, tensor<f32>) outs(%e : tensor<4096xf32>) {
  ^bb0(%a: f32, %c: f32, %s: f32):
    %q = arith.divf %a, %c : f32
    linalg.yield %q : f32
  } -> tensor<4096xf32>
  return %1 : tensor<4096xf32>
}

// Rows of ids: the runtime's function gives each element, a warp has a sample.
// CHECK-LABEL: func.func private @ids(
// CHECK-SAME: horn.form = "ids"
// CHECK-SAME: horn.threads = 128
func.func private @ids(%t: !horn.tokens<10000>, %table: tensor<10000x16xf32>) -> tensor<?x16xf32> attributes {horn.in_place = array<i64: -1>, horn.kernel} {
  %0 = horn.gather_sum %t, %table distinct : <10000>, tensor<10000x16xf32>
  return %0 : tensor<?x16xf32>
}
}
