// RUN: hornfels-opt %s --horn-schedule --split-input-file --verify-diagnostics | FileCheck %s
// RUN: hornfels-opt %s --horn-schedule=vector-bytes=32 --split-input-file --verify-diagnostics | FileCheck %s --check-prefix=AVX2

#x = affine_map<(d0, d1, d2) -> (d0, d2)>
#w = affine_map<(d0, d1, d2) -> (d2, d1)>
#y = affine_map<(d0, d1, d2) -> (d0, d1)>
#id = affine_map<(d0, d1) -> (d0, d1)>

// Tiles of 8 rows and two vectors of columns, then the columns that remain as a smaller tile, then the rows that
// remain one by one. The activation is emitted with the accumulators: nothing between them is stored.
// CHECK: func.func private @dense(%[[X:.*]]: memref<?x4xf32>, %[[W:.*]]: memref<4x50xf32>, %[[Y:.*]]: memref<?x50xf32>, %[[BEGIN:.*]]: index, %[[END:.*]]: index)
// CHECK-SAME: horn.grain = 8 : i64
// CHECK-SAME: horn.rows = -9223372036854775808 : i64
// CHECK: %[[REST:.*]] = arith.remui
// CHECK: scf.for %[[ROW:.*]] = %[[BEGIN]] to %{{.*}} step %
// CHECK: memref.alloca() {horn.name = "acc"} : memref<8x32xf32>
// CHECK: scf.for %[[K:.*]] = %
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : memref<8x1xf32, {{.*}}>, memref<1x32xf32, {{.*}}>) outs(%{{.*}} : memref<8x32xf32>)
// CHECK: {horn.name = "k"}
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : memref<8x32xf32>) outs(%{{.*}} : memref<8x32xf32, strided<[50, 1], offset: ?>>)
// CHECK: arith.maximumf
// CHECK: memref.alloca() {horn.name = "acc"} : memref<8x18xf32>
// CHECK: {horn.name = "row"}
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[END]] step %
// CHECK: memref.alloca() {horn.name = "acc"} : memref<1x32xf32>
// CHECK: memref.alloca() {horn.name = "acc"} : memref<1x18xf32>
// CHECK-NOT: memref.alloca
// CHECK: return
// AVX2: memref.alloca() {horn.name = "acc"} : memref<8x16xf32>
// AVX2: memref.alloca() {horn.name = "acc"} : memref<8x2xf32>
func.func private @dense(%x: tensor<?x4xf32>, %w: tensor<4x50xf32>) -> tensor<?x50xf32> attributes {horn.kernel} {
  %zero = arith.constant 0.0 : f32
  %n = horn.batch
  %e = tensor.empty(%n) : tensor<?x50xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x50xf32>) -> tensor<?x50xf32>
  %0 = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x4xf32>, tensor<4x50xf32>) outs(%f : tensor<?x50xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x50xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<?x50xf32>) outs(%e : tensor<?x50xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.maximumf %a, %zero : f32
    linalg.yield %m : f32
  } -> tensor<?x50xf32>
  return %1 : tensor<?x50xf32>
}

// -----

#x = affine_map<(d0, d1, d2) -> (d2, d0)>
#dy = affine_map<(d0, d1, d2) -> (d2, d1)>
#dw = affine_map<(d0, d1, d2) -> (d0, d1)>
#id = affine_map<(d0, d1) -> (d0, d1)>
#none = affine_map<(d0, d1) -> ()>

// The rows of a weight are a constant: the last of them are one smaller tile. The batch is reduced sample by sample, in
// one order whatever runs it. A scalar between the product and the update does not part them.
// CHECK: func.func private @update
// CHECK-SAME: horn.grain = 8 : i64
// CHECK-SAME: horn.rows = 12 : i64
// CHECK: memref.alloca() {{.*}} : memref<f32>
// CHECK: memref.alloca() {horn.name = "acc"} : memref<8x10xf32>
// CHECK: {horn.name = "sample"}
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : memref<8x10xf32>,
// CHECK: memref.alloca() {horn.name = "acc"} : memref<4x10xf32>
// CHECK: {horn.name = "sample"}
// CHECK-NOT: memref.alloca
// CHECK: return
func.func private @update(%x: tensor<?x12xf32>, %dy: tensor<?x10xf32>, %rate: tensor<f32>) -> tensor<12x10xf32>
    attributes {horn.kernel} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<12x10xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<12x10xf32>) -> tensor<12x10xf32>
  %0 = linalg.generic {indexing_maps = [#x, #dy, #dw], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %dy : tensor<?x12xf32>, tensor<?x10xf32>) outs(%f : tensor<12x10xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<12x10xf32>
  %es = tensor.empty() : tensor<f32>
  %scalar = linalg.generic {indexing_maps = [affine_map<() -> ()>, affine_map<() -> ()>], iterator_types = []}
      ins(%rate : tensor<f32>) outs(%es : tensor<f32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.negf %a : f32
    linalg.yield %m : f32
  } -> tensor<f32>
  %1 = linalg.generic {indexing_maps = [#id, #none, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0, %scalar : tensor<12x10xf32>, tensor<f32>) outs(%e : tensor<12x10xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<12x10xf32>
  return %1 : tensor<12x10xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// Without a product rows come one at a time; what one row leaves to the next unit stays on the stack.
// CHECK: func.func private @row_sum
// CHECK-SAME: horn.grain = 1 : i64
// CHECK: scf.for %{{.*}} = %arg2 to %arg3
// CHECK: memref.alloca() {{.*}} : memref<1xf32>
// CHECK: iterator_types = ["parallel", "reduction"]
// CHECK: iterator_types = ["parallel", "parallel"]
// CHECK: return
func.func private @row_sum(%x: tensor<?x20xf32>) -> tensor<?x20xf32> attributes {horn.kernel} {
  %zero = arith.constant 0.0 : f32
  %n = horn.batch
  %e = tensor.empty(%n) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %0 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x20xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %d = tensor.empty(%n) : tensor<?x20xf32>
  %1 = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %0 : tensor<?x20xf32>, tensor<?xf32>) outs(%d : tensor<?x20xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.divf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<?x20xf32>
  return %1 : tensor<?x20xf32>
}

// -----

// The sum over all samples is one piece, in lanes: a vector of partial sums, the last samples into its first lane, then
// the lanes in one order.
// CHECK: func.func private @batch_sum
// CHECK-NOT: horn.rows
// CHECK: memref.alloca() {horn.name = "lane_acc"} : memref<16xf32>
// CHECK: memref.subview %arg0[%{{.*}}] [16] [1]
// CHECK: {horn.name = "sample"}
// CHECK: memref.subview %arg0[%{{.*}}] [1] [1]
// CHECK: {horn.name = "sample"}
// CHECK: ins(%{{.*}} : memref<16xf32>) outs(%{{.*}} : memref<f32>)
// AVX2: memref.alloca() {horn.name = "lane_acc"} : memref<8xf32>
func.func private @batch_sum(%x: tensor<?xf32>) -> tensor<f32> attributes {horn.kernel} {
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

// -----

// A sum of rows: a loop over the ids of a row, four vectors of a table's row at a time.
// CHECK: func.func private @gather
// CHECK: memref.alloca() {horn.name = "acc"} : memref<1x64xf32>
// CHECK: %[[FIRST:.*]], %[[LAST:.*]] = horn.row_bounds %arg0[%
// CHECK: scf.for %[[T:.*]] = %[[FIRST]] to %[[LAST]]
// CHECK: %[[ID:.*]] = horn.token %arg0[%[[T]]]
// CHECK: memref.subview %arg1[%[[ID]], 0] [1, 64] [1, 1]
func.func private @gather(%tokens: !horn.tokens<9>, %w: tensor<9x64xf32>) -> tensor<?x64xf32> attributes {horn.kernel} {
  %0 = horn.gather_sum %tokens, %w distinct : !horn.tokens<9>, tensor<9x64xf32>
  return %0 : tensor<?x64xf32>
}

// -----

// Rows of at most two vectors are summed in two turns, which do not wait for each other; an odd last id goes to the
// first. Eight lanes make 32 columns four vectors: one sum.
// CHECK: func.func private @narrow_gather
// CHECK: %[[FIRST:.*]], %[[LAST:.*]] = horn.row_bounds
// CHECK: %[[EVEN:.*]] = memref.alloca() {horn.name = "sum"} : memref<1x32xf32>
// CHECK: %[[ODD:.*]] = memref.alloca() {horn.name = "sum"} : memref<1x32xf32>
// CHECK: scf.for %{{.*}} = %[[FIRST]] to %[[MAIN:.*]] step
// CHECK: linalg.generic {{.*}} outs(%[[EVEN]] : memref<1x32xf32>)
// CHECK: linalg.generic {{.*}} outs(%[[ODD]] : memref<1x32xf32>)
// CHECK: scf.for %{{.*}} = %[[MAIN]] to %[[LAST]] step
// CHECK: linalg.generic {{.*}} outs(%[[EVEN]] : memref<1x32xf32>)
// CHECK: linalg.generic {{.*}} ins(%[[EVEN]], %[[ODD]] : memref<1x32xf32>, memref<1x32xf32>)
// AVX2: func.func private @narrow_gather
// AVX2-NOT: horn.name = "sum"
// AVX2: return
func.func private @narrow_gather(%tokens: !horn.tokens<9>, %w: tensor<9x32xf32>) -> tensor<?x32xf32> attributes {horn.kernel} {
  %0 = horn.gather_sum %tokens, %w distinct : !horn.tokens<9>, tensor<9x32xf32>
  return %0 : tensor<?x32xf32>
}

// -----

// A table beyond the second cache is fetched some ids ahead; at the end of a row its last id once more.
// CHECK: func.func private @large_gather
// CHECK: horn.row_bounds
// CHECK: scf.for %[[T:.*]] = %{{.*}} to %[[LAST:.*]] step
// CHECK: %[[FAR:.*]] = arith.addi %[[T]], %c16
// CHECK: %[[FINAL:.*]] = arith.subi %[[LAST]], %c1
// CHECK: %[[AHEAD:.*]] = arith.minsi %[[FAR]], %[[FINAL]]
// CHECK: %[[NEXT:.*]] = horn.token %arg0[%[[AHEAD]]]
// CHECK: memref.prefetch %arg1[%[[NEXT]], %{{.*}}], read
func.func private @large_gather(%tokens: !horn.tokens<9000>, %w: tensor<9000x64xf32>) -> tensor<?x64xf32> attributes {horn.kernel} {
  %0 = horn.gather_sum %tokens, %w distinct : !horn.tokens<9000>, tensor<9000x64xf32>
  return %0 : tensor<?x64xf32>
}

// -----

// What is also written is fetched ahead from a smaller table on.
// Each chunk looks through all samples: no more than four.
// CHECK: func.func private @large_scatter
// CHECK-SAME: horn.grain = 225 : i64
// CHECK: memref.prefetch %arg2[%{{.*}}, %{{.*}}], write
func.func private @large_scatter(%tokens: !horn.tokens<900>, %dy: tensor<?x16xf32>) -> tensor<900x16xf32> attributes {horn.kernel} {
  %0 = horn.scatter_add %tokens, %dy distinct : !horn.tokens<900>, tensor<?x16xf32>
  return %0 : tensor<900x16xf32>
}

// -----

// A scatter owns rows of the table: every chunk looks through all samples for its ids, in the order of the samples.
// CHECK: func.func private @scatter
// CHECK-SAME: horn.rows = 9 : i64
// CHECK: %[[BATCH:.*]] = horn.batch
// CHECK: scf.for %{{.*}} = %[[BEGIN:arg3]] to %[[END:arg4]]
// CHECK: scf.for %[[SAMPLE:.*]] = %{{.*}} to %[[BATCH]]
// CHECK: horn.lower_bound %arg0{{.*}} id %[[BEGIN]]
// CHECK: horn.lower_bound %arg0{{.*}} id %[[END]]
// CHECK-NOT: memref.prefetch
// CHECK: arith.addf
func.func private @scatter(%tokens: !horn.tokens<9>, %dy: tensor<?x2xf32>) -> tensor<9x2xf32> attributes {horn.kernel} {
  %0 = horn.scatter_add %tokens, %dy distinct : !horn.tokens<9>, tensor<?x2xf32>
  return %0 : tensor<9x2xf32>
}

// -----

#id2 = affine_map<(d0, d1) -> (d0, d1)>

// Rows of 256 bytes and more, read by nothing but the update: for each id its samples, found in the place of the
// gradient, are summed in registers. Where they do not fit, the gradient is made and read. One update for both.
// CHECK: func.func private @sums_by_id
// CHECK: %[[SAMPLES:.*]]:3 = builtin.unrealized_conversion_cast %arg0, %[[GRADIENT:arg3]], %{{.*}}, %[[BEGIN:arg4]], %arg5
// CHECK: scf.if %[[SAMPLES]]#2
// CHECK: horn.lower_bound
// CHECK: scf.for %[[ROW:.*]] = %[[BEGIN]] to
// CHECK: %[[SUM:.*]] = memref.alloca() {horn.name = "sum"} : memref<1x64xf32>
// CHECK: scf.if %[[SAMPLES]]#1
// CHECK: %[[LOCAL:.*]] = arith.subi %[[ROW]], %[[BEGIN]]
// CHECK: horn.row_bounds %[[SAMPLES]]#0[%[[LOCAL]]]
// CHECK: linalg.generic {{.*}} outs(%[[SUM]] : memref<1x64xf32>)
// CHECK: scf.if %[[SAMPLES]]#2
// CHECK: linalg.generic {{.*}} outs(%[[SUM]] : memref<1x64xf32>)
// CHECK: arith.subf
// CHECK-NOT: arith.subf
// CHECK: return
func.func private @sums_by_id(%tokens: !horn.tokens<9>, %dy: tensor<?x64xf32>, %w: tensor<9x64xf32>)
    -> (tensor<9x64xf32> {horn.private}, tensor<9x64xf32>) attributes {horn.kernel, horn.in_place = array<i64: -1, 2>} {
  %0 = horn.scatter_add %tokens, %dy distinct : !horn.tokens<9>, tensor<?x64xf32>
  %e = tensor.empty() : tensor<9x64xf32>
  %1 = linalg.generic {indexing_maps = [#id2, #id2, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%0, %w : tensor<9x64xf32>, tensor<9x64xf32>) outs(%e : tensor<9x64xf32>) {
  ^bb0(%g: f32, %old: f32, %o: f32):
    %new = arith.subf %old, %g : f32
    linalg.yield %new : f32
  } -> tensor<9x64xf32>
  return %0, %1 : tensor<9x64xf32>, tensor<9x64xf32>
}

// A gradient that another kernel reads is stored, whatever its rows.
// CHECK: func.func private @gradient_read_elsewhere
// CHECK-NOT: unrealized_conversion_cast
// CHECK: return
func.func private @gradient_read_elsewhere(%tokens: !horn.tokens<9>, %dy: tensor<?x64xf32>, %w: tensor<9x64xf32>)
    -> (tensor<9x64xf32>, tensor<9x64xf32>) attributes {horn.kernel, horn.in_place = array<i64: -1, 2>} {
  %0 = horn.scatter_add %tokens, %dy distinct : !horn.tokens<9>, tensor<?x64xf32>
  %e = tensor.empty() : tensor<9x64xf32>
  %1 = linalg.generic {indexing_maps = [#id2, #id2, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%0, %w : tensor<9x64xf32>, tensor<9x64xf32>) outs(%e : tensor<9x64xf32>) {
  ^bb0(%g: f32, %old: f32, %o: f32):
    %new = arith.subf %old, %g : f32
    linalg.yield %new : f32
  } -> tensor<9x64xf32>
  return %0, %1 : tensor<9x64xf32>, tensor<9x64xf32>
}

// -----

// A variable's new value in the place of the old one: one parameter for both.
// CHECK: func.func private @in_place(%arg0: memref<4xf32>, %arg1: index, %arg2: index)
// CHECK: linalg.generic {{.*}} ins(%arg0 : memref<4xf32>) outs(%arg0 : memref<4xf32>)
func.func private @in_place(%x: tensor<4xf32>) -> tensor<4xf32> attributes {horn.kernel, horn.in_place = array<i64: 0>} {
  %e = tensor.empty() : tensor<4xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.negf %a : f32
    linalg.yield %m : f32
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

#x = affine_map<(d0, d1, d2) -> (d0, d2)>
#y = affine_map<(d0, d1, d2) -> (d0, d1)>
#w = affine_map<(d0, d1, d2) -> (d2, d1)>

// A product of 300 columns: each panel of them for all tiles of rows, the columns that remain as a narrower one. A packed
// operand gives the panel its width. The last samples pass by four panels at a time, whose sums share one loop over k.
// CHECK: func.func private @panels
// CHECK-SAME: horn.rows = 300 : i64
// CHECK: scf.for %[[COLUMN:.*]] = %arg3 to
// CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step %
// CHECK: memref.alloca() {horn.name = "acc"} : memref<8x32xf32>
// CHECK: memref.subview %arg1[%{{.*}}, %[[COLUMN]]] [1, 32] [1, 1]
// CHECK: {horn.name = "k"}
// CHECK: {horn.name = "row"}
// CHECK-NEXT: {horn.name = "column"}
// CHECK: scf.if
// CHECK: memref.alloca() {horn.name = "acc"} : memref<8x12xf32>
// CHECK: {horn.name = "row"}
// CHECK: scf.for
// CHECK: scf.for
// CHECK-COUNT-4: memref.alloca() {horn.name = "acc"} : memref<1x32xf32>
// CHECK: {horn.name = "k"}
// CHECK-NOT: {horn.name = "k"}
// CHECK: {horn.name = "column"}
// CHECK: memref.alloca() {horn.name = "acc"} : memref<1x12xf32>
// AVX2: memref.alloca() {horn.name = "acc"} : memref<8x16xf32>
func.func private @panels(%x: tensor<?x70xf32>, %w: tensor<70x300xf32> {horn.panel = 32 : i64}) -> tensor<?x300xf32> attributes {horn.kernel} {
  %zero = arith.constant 0.0 : f32
  %n = horn.batch
  %e = tensor.empty(%n) : tensor<?x300xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x300xf32>) -> tensor<?x300xf32>
  %0 = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x70xf32>, tensor<70x300xf32>) outs(%f : tensor<?x300xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x300xf32>
  return %0 : tensor<?x300xf32>
}

// -----

#x = affine_map<(d0, d1, d2) -> (d0, d2)>
#y = affine_map<(d0, d1, d2) -> (d0, d1)>
#wt = affine_map<(d0, d1, d2) -> (d1, d2)>

// The operand lies along k: a panel of it is transposed into scratch before the rows, in squares from panel to panel of
// k, because it may be packed along k itself; then the product reads scratch.
// CHECK: func.func private @transposed
// CHECK: scf.for %[[COLUMN:.*]] = %
// CHECK: %[[PACKED:.*]] = memref.alloca() {horn.name = "packed"} : memref<70x32xf32>
// CHECK: scf.for %[[K:.*]] = %{{.*}} to %{{.*}} step %
// CHECK: memref.subview %arg1[%[[COLUMN]], %[[K]]] [16, 16] [1, 1]
// CHECK: memref.subview %arg1[%{{.*}}, %[[K]]] [16, 16] [1, 1]
// CHECK: %[[NEXT:.*]] = arith.addi %[[K]],
// CHECK: memref.subview %arg1[%[[COLUMN]], %[[NEXT]]] [16, 16] [1, 1]
// CHECK: {horn.name = "k"}
// CHECK: memref.subview %arg1[%[[COLUMN]], 64] [16, 6] [1, 1]
// CHECK: scf.for
// CHECK: memref.alloca() {horn.name = "acc"} : memref<8x32xf32>
// CHECK: memref.subview %[[PACKED]][%{{.*}}, 0] [1, 32] [1, 1]
// CHECK: {horn.name = "column"}
func.func private @transposed(%x: tensor<?x70xf32>, %w: tensor<300x70xf32>) -> tensor<?x300xf32> attributes {horn.kernel} {
  %zero = arith.constant 0.0 : f32
  %n = horn.batch
  %e = tensor.empty(%n) : tensor<?x300xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x300xf32>) -> tensor<?x300xf32>
  %0 = linalg.generic {indexing_maps = [#x, #wt, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x70xf32>, tensor<300x70xf32>) outs(%f : tensor<?x300xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x300xf32>
  return %0 : tensor<?x300xf32>
}

// -----

#x = affine_map<(d0, d1, d2) -> (d0, d2)>
#y = affine_map<(d0, d1, d2) -> (d0, d1)>
#wt = affine_map<(d0, d1, d2) -> (d1, d2)>

// More steps than scratch has room for: sums over a part of them wait in the result. Parts are whole panels; the last one
// has what remains.
// CHECK: func.func private @parts
// CHECK: %[[ZERO:.*]] = memref.subview %arg2[%{{.*}}, %{{.*}}] [8, 32] [1, 1]
// CHECK: linalg.generic {{.*}}} outs(%[[ZERO]] :
// CHECK: memref.alloca() {horn.name = "packed"} : memref<{{[0-9]+}}x32xf32>
// CHECK: memref.subview %arg1[%{{.*}}] [16, 16] [1, 1]
// CHECK: %[[SUMS:.*]] = memref.subview %arg2[%{{.*}}, %{{.*}}] [8, 32] [1, 1]
// CHECK: linalg.generic {{.*}} ins(%[[SUMS]] : {{.*}}) outs(%[[ACC:.*]] : memref<8x32xf32>)
// CHECK: {horn.name = "k"}
// CHECK: linalg.generic {{.*}} ins(%[[ACC]] : memref<8x32xf32>) outs(
// CHECK: memref.alloca() {horn.name = "packed"} : memref<{{[0-9]+}}x32xf32>
// CHECK: return
func.func private @parts(%x: tensor<?x1100xf32>, %w: tensor<64x1100xf32>) -> tensor<?x64xf32> attributes {horn.kernel} {
  %zero = arith.constant 0.0 : f32
  %n = horn.batch
  %e = tensor.empty(%n) : tensor<?x64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
  %0 = linalg.generic {indexing_maps = [#x, #wt, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x1100xf32>, tensor<64x1100xf32>) outs(%f : tensor<?x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x64xf32>
  return %0 : tensor<?x64xf32>
}

// -----

// The batch is always outermost: columns of an unknown number would be no static tile.
func.func private @batch_of_columns(%x: tensor<4x?xf32>) -> tensor<4x?xf32> attributes {horn.kernel} {
  %n = horn.batch
  %e = tensor.empty(%n) : tensor<4x?xf32>
  // expected-error @below {{'linalg.generic' op has the batch behind another dimension}}
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x?xf32>) outs(%e : tensor<4x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.negf %a : f32
    linalg.yield %m : f32
  } -> tensor<4x?xf32>
  return %0 : tensor<4x?xf32>
}

// -----

#x = affine_map<(d0, d1, d2, d3) -> (d3, d1)>
#dy = affine_map<(d0, d1, d2, d3) -> (d3, d2)>
#parts = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>

// Rows are parts of the batch, each with samples from place * size to the next, or to the end of a small batch. In a part
// runs what would run for the whole: panels of 32 columns, tiles of 8 rows.
// CHECK: func.func private @parts({{.*}}%[[OUT:.*]]: memref<8x10x64xf32>, %[[BEGIN:.*]]: index, %[[END:.*]]: index)
// CHECK-SAME: horn.grain = 1 : i64
// CHECK-SAME: horn.parts
// CHECK-SAME: horn.rows = 8 : i64
// CHECK: %[[BATCH:.*]] = horn.batch
// CHECK: %[[TILES:.*]] = arith.divui
// CHECK: %[[SIZE:.*]] = arith.muli %[[TILES]]
// CHECK: scf.for %[[PART:.*]] = %[[BEGIN]] to %[[END]] step
// CHECK: %[[PLACE:.*]] = arith.muli %[[PART]], %[[SIZE]]
// CHECK: %[[FIRST:.*]] = arith.minsi %[[PLACE]], %[[BATCH]]
// CHECK: %[[PAST:.*]] = arith.addi %[[FIRST]], %[[SIZE]]
// CHECK: %[[LAST:.*]] = arith.minsi %[[PAST]], %[[BATCH]]
// CHECK: scf.for %[[COLUMN:.*]] = %{{.*}} to
// CHECK: memref.alloca() {horn.name = "acc"} : memref<1x8x32xf32>
// CHECK: scf.for %{{.*}} = %[[FIRST]] to %[[LAST]]
// CHECK: {horn.name = "sample"}
// CHECK: memref.subview %[[OUT]][%[[PART]], 0, %[[COLUMN]]] [1, 8, 32] [1, 1, 1]
// CHECK: memref.alloca() {horn.name = "acc"} : memref<1x2x32xf32>
// CHECK: scf.for %{{.*}} = %[[FIRST]] to %[[LAST]]
// CHECK: {horn.name = "part"}
func.func private @parts(%x: tensor<?x10xf32>, %dy: tensor<?x64xf32>) -> tensor<8x10x64xf32> attributes {horn.kernel} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x10x64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<8x10x64xf32>) -> tensor<8x10x64xf32>
  %0 = linalg.generic {indexing_maps = [#x, #dy, #parts], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %dy : tensor<?x10xf32>, tensor<?x64xf32>) outs(%f : tensor<8x10x64xf32>) attrs = {horn.parts} {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<8x10x64xf32>
  return %0 : tensor<8x10x64xf32>
}

// -----

// Numbers without columns: in each part samples run in lanes, from its first.
// CHECK: func.func private @sums
// CHECK: %[[FIRST:.*]] = arith.minsi
// CHECK: %[[LAST:.*]] = arith.minsi
// CHECK: memref.alloca() {horn.name = "lane_acc"} : memref<16xf32>
// CHECK: %[[COUNT:.*]] = arith.subi %[[LAST]], %[[FIRST]]
// CHECK: %[[REST:.*]] = arith.remui %[[COUNT]]
// CHECK: scf.for %{{.*}} = %[[FIRST]] to %[[MAIN:.*]] step
// CHECK: scf.for %{{.*}} = %[[MAIN]] to %[[LAST]] step
func.func private @sums(%x: tensor<?xf32>) -> tensor<8xf32> attributes {horn.kernel} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<8xf32>) -> tensor<8xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?xf32>) outs(%f : tensor<8xf32>) attrs = {horn.parts} {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

#x = affine_map<(n, a, b, o, k) -> (n, a, b, k)>
#w = affine_map<(n, a, b, o, k) -> (k, o)>
#s = affine_map<(n, a, b, o, k) -> (n, a, b, o)>
#even = affine_map<(n, a, b, o) -> (n, a * 2, b, o)>
#odd = affine_map<(n, a, b, o) -> (n, a * 2 + 1, b, o)>
#id = affine_map<(n, a, b, o) -> (n, a, b, o)>

// A line of a pooling follows the two lines that it reads. What nobody else reads lies at the first row of the chunk, for
// every row. Lines are too long for a tile of two of them.
// CHECK-LABEL: func.func private @pooled
// CHECK-SAME: %[[S:[a-z0-9]*]]: memref<?x4x20x32xf32> {horn.private}, %{{.*}}: memref<?x2x20x32xf32>, %[[BEGIN:.*]]: index, %{{.*}}: index)
// CHECK: scf.for %[[ROW:.*]] = %[[BEGIN]] to
// CHECK: scf.for %[[LINE:.*]] = %
// CHECK: %[[FIRST:.*]] = arith.muli %[[LINE]]
// CHECK: scf.for %[[I:.*]] = %[[FIRST]] to
// CHECK: memref.alloca() {horn.name = "acc"} : memref<1x1x10x32xf32>
// CHECK: memref.subview %[[S]][%[[BEGIN]], %[[I]]
// CHECK: {horn.name = "i"}
// CHECK: memref.subview %[[S]][%[[BEGIN]], %{{.*}}
// CHECK: arith.maximumf
// CHECK: {horn.name = "line"}
// CHECK: {horn.name = "row"}
func.func private @pooled(%x: tensor<?x4x20x8xf32>, %w: tensor<8x32xf32>) -> (tensor<?x4x20x32xf32> {horn.private}, tensor<?x2x20x32xf32>) attributes {horn.kernel} {
  %zero = arith.constant 0.0 : f32
  %n = horn.batch
  %e = tensor.empty(%n) : tensor<?x4x20x32xf32>
  %g = tensor.empty(%n) : tensor<?x2x20x32xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x4x20x32xf32>) -> tensor<?x4x20x32xf32>
  %0 = linalg.generic {indexing_maps = [#x, #w, #s], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x4x20x8xf32>, tensor<8x32xf32>) outs(%f : tensor<?x4x20x32xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x4x20x32xf32>
  %1 = linalg.generic {indexing_maps = [#even, #odd, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%0, %0 : tensor<?x4x20x32xf32>, tensor<?x4x20x32xf32>) outs(%g : tensor<?x2x20x32xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.maximumf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<?x2x20x32xf32>
  return %0, %1 : tensor<?x4x20x32xf32>, tensor<?x2x20x32xf32>
}

// -----

#x = affine_map<(n, a, b, o, k) -> (n, a, b, k)>
#w = affine_map<(n, a, b, o, k) -> (k, o)>
#s = affine_map<(n, a, b, o, k) -> (n, a, b, o)>

// Short lines share a tile: 4 lines of 3 places.
// CHECK-LABEL: func.func private @short_lines
// CHECK: memref.alloca() {horn.name = "acc"} : memref<1x4x3x32xf32>
// CHECK-NOT: memref.alloca
// CHECK: return
func.func private @short_lines(%x: tensor<?x4x3x8xf32>, %w: tensor<8x32xf32>) -> tensor<?x4x3x32xf32> attributes {horn.kernel} {
  %zero = arith.constant 0.0 : f32
  %n = horn.batch
  %e = tensor.empty(%n) : tensor<?x4x3x32xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x4x3x32xf32>) -> tensor<?x4x3x32xf32>
  %0 = linalg.generic {indexing_maps = [#x, #w, #s], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x4x3x8xf32>, tensor<8x32xf32>) outs(%f : tensor<?x4x3x32xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x4x3x32xf32>
  return %0 : tensor<?x4x3x32xf32>
}
