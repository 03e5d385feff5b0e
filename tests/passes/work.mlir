// What a kernel has to do: fixed, for each sample, for each id.
// RUN: hornfels-opt %s --horn-schedule --split-input-file | FileCheck %s

#x = affine_map<(d0, d1, d2) -> (d0, d2)>
#w = affine_map<(d0, d1, d2) -> (d2, d1)>
#y = affine_map<(d0, d1, d2) -> (d0, d1)>
#id = affine_map<(d0, d1) -> (d0, d1)>

// A product of 4 by 50: 2 * 4 * 50 for each sample, and 50 for the activation. The weight is 800 bytes, a sample 16 in
// and 200 out; what lies between the two units is never in memory.
// CHECK: func.func private @dense
// CHECK-SAME: horn.work = {flops = array<f64: 0.000000e+00, 4.500000e+02, 0.000000e+00>
// CHECK-SAME: gathered = array<f64: 0.000000e+00, 0.000000e+00, 0.000000e+00>
// CHECK-SAME: read = array<f64: 8.000000e+02, 1.600000e+01, 0.000000e+00>
// CHECK-SAME: touched = array<f64: 8.000000e+02, 2.160000e+02, 0.000000e+00>
// CHECK-SAME: written = array<f64: 0.000000e+00, 2.000000e+02, 0.000000e+00>
func.func private @dense(%x: tensor<?x4xf32>, %w: tensor<4x50xf32>) -> tensor<?x50xf32> attributes {horn.kernel} {
  %zero = arith.constant 0.0 : f32
  %batch = horn.batch
  %empty = tensor.empty(%batch) : tensor<?x50xf32>
  %cleared = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x50xf32>) -> tensor<?x50xf32>
  %sum = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x4xf32>, tensor<4x50xf32>) outs(%cleared : tensor<?x50xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x50xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sum : tensor<?x50xf32>) outs(%empty : tensor<?x50xf32>) {
  ^bb0(%a: f32, %b: f32):
    %m = arith.maximumf %a, %zero : f32
    linalg.yield %m : f32
  } -> tensor<?x50xf32>
  return %y : tensor<?x50xf32>
}

// -----

// A row of 64 for each id: 64 sums, 256 bytes and the id's own 2; of the table of 9 rows not more than 2304 bytes.
// CHECK: func.func private @gather
// CHECK-SAME: horn.work = {flops = array<f64: 0.000000e+00, 0.000000e+00, 6.400000e+01>
// CHECK-SAME: gathered = array<f64: 2.304000e+03, 0.000000e+00, 2.560000e+02>
// CHECK-SAME: read = array<f64: 0.000000e+00, 8.000000e+00, 2.580000e+02>
// CHECK-SAME: touched = array<f64: 0.000000e+00, 2.640000e+02, 2.000000e+00>
// CHECK-SAME: written = array<f64: 0.000000e+00, 2.560000e+02, 0.000000e+00>
func.func private @gather(%tokens: !horn.tokens<9>, %w: tensor<9x64xf32>) -> tensor<?x64xf32> attributes {horn.kernel} {
  %0 = horn.gather_sum %tokens, %w distinct : !horn.tokens<9>, tensor<9x64xf32>
  return %0 : tensor<?x64xf32>
}

// -----

#row = affine_map<(d0) -> (d0)>

// In place: the variable is read and written, but touched once. A function counts 15, a root 1.
// CHECK: func.func private @update
// CHECK-SAME: horn.work = {flops = array<f64: 1.600000e+03, 0.000000e+00, 0.000000e+00>
// CHECK-SAME: read = array<f64: 4.000000e+02, 0.000000e+00, 0.000000e+00>
// CHECK-SAME: touched = array<f64: 4.000000e+02, 0.000000e+00, 0.000000e+00>
// CHECK-SAME: written = array<f64: 4.000000e+02, 0.000000e+00, 0.000000e+00>
func.func private @update(%w: tensor<100xf32>) -> tensor<100xf32> attributes {horn.kernel, horn.in_place = array<i64: 0>} {
  %empty = tensor.empty() : tensor<100xf32>
  %0 = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel"]}
      ins(%w : tensor<100xf32>) outs(%empty : tensor<100xf32>) {
  ^bb0(%a: f32, %b: f32):
    %e = horn.math "exp"(%a) : (f32) -> f32
    %r = horn.math "sqrt"(%e) : (f32) -> f32
    linalg.yield %r : f32
  } -> tensor<100xf32>
  return %0 : tensor<100xf32>
}
