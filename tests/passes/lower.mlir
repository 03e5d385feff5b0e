// RUN: hornfels-opt %s --pass-pipeline='builtin.module(func.func(horn-lower))' --split-input-file --verify-diagnostics | FileCheck %s

#x = affine_map<(b, n, k) -> (b, k)>
#w = affine_map<(b, n, k) -> (k, n)>
#y = affine_map<(b, n, k) -> (b, n)>

// A contraction is a generic from 0; the batch is an index that is asked for once.
// CHECK-DAG: #[[X:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-DAG: #[[Y:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: @contraction
// CHECK: %[[BATCH:.*]] = horn.batch
// CHECK: %[[EMPTY:.*]] = tensor.empty(%[[BATCH]]) : tensor<?x2xf32>
// CHECK: %[[ZERO:.*]] = linalg.fill ins(%{{.*}} : f32) outs(%[[EMPTY]]
// CHECK: linalg.generic {indexing_maps = [#[[X]], #[[W]], #[[Y]]]
// CHECK-SAME: iterator_types = ["parallel", "parallel", "reduction"]
// CHECK-SAME: outs(%[[ZERO]]
// CHECK: arith.mulf
// CHECK: arith.addf
func.func @contraction(%x: tensor<?x4xf32>, %w: tensor<4x2xf32>) -> tensor<?x2xf32> {
  %y = horn.contract %x, %w [#x, #w, #y] : tensor<?x4xf32>, tensor<4x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

#x = affine_map<(b, n, k) -> (b, k)>
#w = affine_map<(b, n, k) -> (k, n)>
#y = affine_map<(b, n, k) -> (b, n)>

// The gradient of a weight has the domain of the weight, whatever the order of the forward pass was: rows of the
// weight outermost, its columns in lanes, the samples reduced.
// CHECK-DAG: #[[X:.*]] = affine_map<(d0, d1, d2) -> (d2, d0)>
// CHECK-DAG: #[[DY:.*]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-DAG: #[[DW:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: @weight_gradient
// CHECK: linalg.generic {indexing_maps = [#[[X]], #[[DY]], #[[DW]]]
// CHECK-SAME: iterator_types = ["parallel", "parallel", "reduction"]
func.func @weight_gradient(%x: tensor<?x4xf32>, %dy: tensor<?x2xf32>) -> tensor<4x2xf32> {
  %dw = horn.contract %x, %dy [#x, #y, #w] : tensor<?x4xf32>, tensor<?x2xf32>
  return %dw : tensor<4x2xf32>
}

// -----

// A transpose is the map of its reader; no data move.
// CHECK-DAG: #[[T:.*]] = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-DAG: #[[ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-LABEL: @transpose
// CHECK-COUNT-1: linalg.generic {indexing_maps = [#[[T]], #[[ID]]]
// CHECK-NOT: linalg.generic
// CHECK-NOT: horn.transpose
// CHECK: return
func.func @transpose(%x: tensor<3x4xf32>) -> tensor<4x3xf32> {
  %t = horn.transpose %x permutation [1, 0] : tensor<3x4xf32>
  %y = horn.exp %t : tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// -----

// Views of views become one map: a bias is read at its column, a slice at its offset and stride.
// CHECK-DAG: #[[SLICE:.*]] = affine_map<(d0, d1) -> (d1 * 2 + 1)>
// CHECK-DAG: #[[ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-LABEL: @views
// CHECK-COUNT-1: linalg.generic {indexing_maps = [#[[ID]], #[[SLICE]], #[[ID]]]
// CHECK-SAME: ins(%arg0, %arg1
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @views(%x: tensor<?x3xf32>, %bias: tensor<6xf32>) -> tensor<?x3xf32> {
  %part = horn.slice %bias offsets [1] sizes [3] strides [2] : tensor<6xf32>
  %wide = horn.broadcast %part dims [1] : tensor<3xf32> to tensor<?x3xf32>
  %y = horn.add %x, %wide : tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// -----

// No domain has a dimension of size 1; a reshape that only adds one is a view.
// CHECK-DAG: #[[COLUMN:.*]] = affine_map<(d0) -> (d0, 0)>
// CHECK-DAG: #[[ID:.*]] = affine_map<(d0) -> (d0)>
// CHECK-LABEL: @unit_dimensions
// CHECK: linalg.generic {indexing_maps = [#[[ID]], #[[COLUMN]]], iterator_types = ["parallel"]}
// CHECK-NOT: horn.reshape
// CHECK: return
func.func @unit_dimensions(%x: tensor<?xf32>) -> tensor<?x1xf32> {
  %column = horn.reshape %x : tensor<?xf32> to tensor<?x1xf32>
  %y = horn.exp %column : tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// A contraction with one column has no column dimension left.
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[VECTOR:.*]] = affine_map<(d0, d1) -> (d1, 0)>
// CHECK-DAG: #[[OUT:.*]] = affine_map<(d0, d1) -> (d0, 0)>
// CHECK-LABEL: @one_column
// CHECK: linalg.generic {indexing_maps = [#[[ROW]], #[[VECTOR]], #[[OUT]]], iterator_types = ["parallel", "reduction"]}
func.func @one_column(%x: tensor<?x4xf32>, %w: tensor<4x1xf32>) -> tensor<?x1xf32> {
  %y = horn.contract %x, %w [affine_map<(b, n, k) -> (b, k)>, affine_map<(b, n, k) -> (k, n)>, affine_map<(b, n, k) -> (b, n)>] : tensor<?x4xf32>, tensor<4x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// A reshape that regroups axes stays: it names the same bytes by another type.
// CHECK-LABEL: @regroup
// CHECK: %[[EXP:.*]] = linalg.generic
// CHECK: %[[FLAT:.*]] = horn.reshape %[[EXP]] : tensor<?x2x3xf32> to tensor<?x6xf32>
// CHECK: linalg.generic {{.*}} ins(%[[FLAT]] :
func.func @regroup(%x: tensor<?x2x3xf32>) -> tensor<?x6xf32> {
  %e = horn.exp %x : tensor<?x2x3xf32>
  %flat = horn.reshape %e : tensor<?x2x3xf32> to tensor<?x6xf32>
  %y = horn.tanh %flat : tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

// Constants and indices are computed in the bodies of their readers and never stored.
// CHECK-LABEL: @generators
// CHECK: %[[FIVE:.*]] = arith.constant 5.0
// CHECK-COUNT-1: linalg.generic
// CHECK: %[[COLUMN:.*]] = linalg.index 1
// CHECK: arith.index_cast %[[COLUMN]] : index to i32
// CHECK: %[[REAL:.*]] = arith.sitofp
// CHECK: arith.select %{{.*}}, %[[REAL]], %[[FIVE]]
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @generators(%mask: tensor<?x3xi1>) -> tensor<?x3xf32> {
  %column = horn.iota 1 : tensor<?x3xf32>
  %five = horn.full 5.0 : tensor<?x3xf32>
  %y = horn.select %mask, %column, %five : tensor<?x3xi1>, tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// -----

// Element e of a random tensor is a function of e alone: its row-major index.
// CHECK-LABEL: @random
// CHECK: %[[WIDTH:.*]] = arith.constant 3 : index
// CHECK: %[[ROW:.*]] = linalg.index 0
// CHECK: %[[COLUMN:.*]] = linalg.index 1
// CHECK: arith.muli %{{.*}}, %[[WIDTH]] : index
// CHECK: horn.random_element "uniform"(%{{.*}}, %{{.*}}, %{{.*}}) stream 7
func.func @random(%seed: tensor<i64>, %step: tensor<i64>) -> tensor<?x3xf32> {
  %r = horn.random_uniform %seed, %step stream 7 : tensor<i64> to tensor<?x3xf32>
  return %r : tensor<?x3xf32>
}

// -----

// Ragged operations stay until schedule; what they read is stored.
// CHECK-LABEL: @ragged
// CHECK: %[[TABLE:.*]] = linalg.generic
// CHECK: horn.gather_sum %arg0, %[[TABLE]] distinct
func.func @ragged(%tokens: !horn.tokens<9>, %w: tensor<2x9xf32>) -> tensor<?x2xf32> {
  %table = horn.transpose %w permutation [1, 0] : tensor<2x9xf32>
  %y = horn.gather_sum %tokens, %table distinct : !horn.tokens<9>, tensor<9x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// A concatenation writes each part at its place in one buffer.
// CHECK-LABEL: @concat
// CHECK: %[[WHOLE:.*]] = tensor.empty
// CHECK: %[[FIRST:.*]] = horn.insert %arg0 into %[[WHOLE]] offsets [0, 0] strides [1, 1]
// CHECK: %[[BOTH:.*]] = horn.insert %arg1 into %[[FIRST]] offsets [0, 2] strides [1, 1]
// CHECK: return %[[BOTH]]
func.func @concat(%a: tensor<?x2xf32>, %b: tensor<?x3xf32>) -> tensor<?x5xf32> {
  %y = horn.concat %a, %b axis 1 : tensor<?x2xf32>, tensor<?x3xf32>
  return %y : tensor<?x5xf32>
}

// -----

// Reductions start from what changes nothing; the largest of all-negative numbers is negative.
// CHECK-LABEL: @row_max
// CHECK: %[[LOWEST:.*]] = arith.constant 0xFF800000 : f32
// CHECK: linalg.fill ins(%[[LOWEST]]
// CHECK: arith.maximumf
func.func @row_max(%x: tensor<?x3xf32>) -> tensor<?xf32> {
  %y = horn.reduce_max %x axes [1] : tensor<?x3xf32>
  return %y : tensor<?xf32>
}

// -----

// An operation without a form is an error with its name, not a hole.
func.func @no_form(%loss: tensor<f32>, %w: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{'horn.gradient' op has none of the interfaces ViewOp, GeneratorOp, ScalarOp, LowerableOp}}
  %d = horn.gradient %loss of %w : tensor<f32>, tensor<2xf32> -> tensor<2xf32>
  return %d : tensor<2xf32>
}
