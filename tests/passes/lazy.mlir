// RUN: hornfels-opt %s --horn-memory --horn-lazy --split-input-file | FileCheck %s
// RUN: hornfels-opt %s --horn-memory --horn-lazy=make=false --split-input-file | FileCheck %s --check-prefix=NEVER

#id = affine_map<(d0, d1) -> (d0, d1)>
#none = affine_map<(d0, d1) -> ()>

// RMSprop: the velocity decays by its factor, the weight stays.
// CHECK: horn.lazy = [{slots = [{factor = 0.89999997615814208 : f64, name = "v"}], type = tensor<50x8xf32>}]
// CHECK: func.func private @update({{.*}} attributes {horn.decays = {{.*}}, horn.exact,
// CHECK: func.func private @update_lazy(
// CHECK-SAME: horn.lazy = array<f64: 1.000000e+00, 1.000000e+00, 1.000000e+00, 0.89999997615814208, 1.000000e+00>
// CHECK: horn.launch @update {{.*}}horn.lazy = @update_lazy, horn.table = 0
// NEVER-NOT: horn.lazy
// NEVER: horn.exact
module {
  func.func private @update(%ids: !horn.tokens<50>, %rows: tensor<?x8xf32>, %w: tensor<50x8xf32>, %v: tensor<50x8xf32>,
      %rate: tensor<f32>) -> (tensor<50x8xf32> {horn.private}, tensor<50x8xf32>, tensor<50x8xf32>) attributes {horn.kernel} {
    %rho = arith.constant 0.9 : f32
    %rest = arith.constant 0.1 : f32
    %epsilon = arith.constant 1.0e-7 : f32
    %g = horn.scatter_add %ids, %rows : !horn.tokens<50>, tensor<?x8xf32>
    %e = tensor.empty() : tensor<50x8xf32>
    %u:2 = linalg.generic {indexing_maps = [#id, #id, #id, #none, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%w, %v, %g, %rate : tensor<50x8xf32>, tensor<50x8xf32>, tensor<50x8xf32>, tensor<f32>)
        outs(%e, %e : tensor<50x8xf32>, tensor<50x8xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32, %r: f32, %o: f32, %p: f32):
      %old = arith.mulf %b, %rho : f32
      %square = arith.mulf %c, %c : f32
      %new = arith.mulf %square, %rest : f32
      %velocity = arith.addf %old, %new : f32
      %under = arith.addf %velocity, %epsilon : f32
      %root = horn.math "sqrt"(%under) : (f32) -> f32
      %step = arith.mulf %r, %c : f32
      %d = arith.divf %step, %root : f32
      %weight = arith.subf %a, %d : f32
      linalg.yield %weight, %velocity : f32, f32
    } -> (tensor<50x8xf32>, tensor<50x8xf32>)
    return %g, %u#0, %u#1 : tensor<50x8xf32>, tensor<50x8xf32>, tensor<50x8xf32>
  }
  func.func @train_step(%ids: !horn.tokens<50> {horn.name = "ids", horn.role = "input"},
      %rows: tensor<?x8xf32> {horn.name = "rows", horn.role = "input"},
      %w: tensor<50x8xf32> {horn.name = "w", horn.role = "weight"}, %v: tensor<50x8xf32> {horn.name = "v", horn.role = "slot"},
      %rate: tensor<f32> {horn.name = "learning_rate", horn.role = "learning_rate"})
      -> (tensor<50x8xf32> {horn.name = "w"}, tensor<50x8xf32> {horn.name = "v"}) {
    %u:3 = func.call @update(%ids, %rows, %w, %v, %rate) : (!horn.tokens<50>, tensor<?x8xf32>, tensor<50x8xf32>,
        tensor<50x8xf32>, tensor<f32>) -> (tensor<50x8xf32>, tensor<50x8xf32>, tensor<50x8xf32>)
    return %u#1, %u#2 : tensor<50x8xf32>, tensor<50x8xf32>
  }
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#none = affine_map<(d0, d1) -> ()>

// The same without epsilon: 0 / sqrt(0) is no number, in a row that no batch has too.
// CHECK-NOT: horn.lazy
// CHECK-NOT: horn.exact
// CHECK: func.func private @update
// NEVER-NOT: horn.exact
module {
  func.func private @update(%ids: !horn.tokens<50>, %rows: tensor<?x8xf32>, %w: tensor<50x8xf32>, %v: tensor<50x8xf32>,
      %rate: tensor<f32>) -> (tensor<50x8xf32> {horn.private}, tensor<50x8xf32>, tensor<50x8xf32>) attributes {horn.kernel} {
    %rho = arith.constant 0.9 : f32
    %rest = arith.constant 0.1 : f32
    %g = horn.scatter_add %ids, %rows : !horn.tokens<50>, tensor<?x8xf32>
    %e = tensor.empty() : tensor<50x8xf32>
    %u:2 = linalg.generic {indexing_maps = [#id, #id, #id, #none, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%w, %v, %g, %rate : tensor<50x8xf32>, tensor<50x8xf32>, tensor<50x8xf32>, tensor<f32>)
        outs(%e, %e : tensor<50x8xf32>, tensor<50x8xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32, %r: f32, %o: f32, %p: f32):
      %old = arith.mulf %b, %rho : f32
      %square = arith.mulf %c, %c : f32
      %new = arith.mulf %square, %rest : f32
      %velocity = arith.addf %old, %new : f32
      %root = horn.math "sqrt"(%velocity) : (f32) -> f32
      %step = arith.mulf %r, %c : f32
      %d = arith.divf %step, %root : f32
      %weight = arith.subf %a, %d : f32
      linalg.yield %weight, %velocity : f32, f32
    } -> (tensor<50x8xf32>, tensor<50x8xf32>)
    return %g, %u#0, %u#1 : tensor<50x8xf32>, tensor<50x8xf32>, tensor<50x8xf32>
  }
  func.func @train_step(%ids: !horn.tokens<50> {horn.name = "ids", horn.role = "input"},
      %rows: tensor<?x8xf32> {horn.name = "rows", horn.role = "input"},
      %w: tensor<50x8xf32> {horn.name = "w", horn.role = "weight"}, %v: tensor<50x8xf32> {horn.name = "v", horn.role = "slot"},
      %rate: tensor<f32> {horn.name = "learning_rate", horn.role = "learning_rate"})
      -> (tensor<50x8xf32> {horn.name = "w"}, tensor<50x8xf32> {horn.name = "v"}) {
    %u:3 = func.call @update(%ids, %rows, %w, %v, %rate) : (!horn.tokens<50>, tensor<?x8xf32>, tensor<50x8xf32>,
        tensor<50x8xf32>, tensor<f32>) -> (tensor<50x8xf32>, tensor<50x8xf32>, tensor<50x8xf32>)
    return %u#1, %u#2 : tensor<50x8xf32>, tensor<50x8xf32>
  }
}
