// RUN: hornfels-opt %s --horn-memory --horn-pack --split-input-file | FileCheck %s
// RUN: hornfels-opt %s --horn-memory --horn-pack=vector-bytes=32 --split-input-file | FileCheck %s --check-prefix=AVX2

// Kernels are given to the memory pass, steps as calls of them: it makes the launches that this pass reads.
#x = affine_map<(d0, d1, d2) -> (d0, d2)>
#w = affine_map<(d0, d1, d2) -> (d2, d1)>
#y = affine_map<(d0, d1, d2) -> (d0, d1)>
#wt = affine_map<(d0, d1, d2) -> (d1, d2)>
#xt = affine_map<(d0, d1, d2) -> (d2, d0)>
#dy = affine_map<(d0, d1, d2) -> (d2, d1)>
#id = affine_map<(d0, d1) -> (d0, d1)>

// A product reads the weight by panels of 32 columns; the product that reads it transposed takes it from panel to
// panel; the update runs on it and its slot, which lies like it. What has the batch is not packed.
// CHECK: horn.panels = {velocity = 32 : i64, w = 32 : i64}
// CHECK: func.func private @dense(%arg0: tensor<?x100xf32>, %arg1: tensor<100x300xf32> {horn.panel = 32 : i64})
// CHECK: func.func private @d_x(%arg0: tensor<?x300xf32>, %arg1: tensor<100x300xf32> {horn.panel = 32 : i64})
// CHECK: func.func private @update(%arg0: tensor<?x100xf32>, %arg1: tensor<?x300xf32>,
// CHECK-SAME: tensor<100x300xf32> {horn.panel = 32 : i64}, %arg3: tensor<100x300xf32> {horn.panel = 32 : i64})
// AVX2: horn.panels = {velocity = 16 : i64, w = 16 : i64}
module {
  func.func private @dense(%x: tensor<?x100xf32>, %w: tensor<100x300xf32>) -> tensor<?x300xf32> attributes {horn.kernel} {
    %zero = arith.constant 0.0 : f32
    %n = horn.batch
    %e = tensor.empty(%n) : tensor<?x300xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x300xf32>) -> tensor<?x300xf32>
    %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<?x100xf32>, tensor<100x300xf32>) outs(%f : tensor<?x300xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    } -> tensor<?x300xf32>
    return %y : tensor<?x300xf32>
  }
  func.func private @d_x(%dy: tensor<?x300xf32>, %w: tensor<100x300xf32>) -> tensor<?x100xf32> attributes {horn.kernel} {
    %zero = arith.constant 0.0 : f32
    %n = horn.batch
    %e = tensor.empty(%n) : tensor<?x100xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x100xf32>) -> tensor<?x100xf32>
    %y = linalg.generic {indexing_maps = [#x, #wt, #y], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%dy, %w : tensor<?x300xf32>, tensor<100x300xf32>) outs(%f : tensor<?x100xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    } -> tensor<?x100xf32>
    return %y : tensor<?x100xf32>
  }
  func.func private @update(%x: tensor<?x100xf32>, %dy: tensor<?x300xf32>, %w: tensor<100x300xf32>,
                            %velocity: tensor<100x300xf32>) -> (tensor<100x300xf32>, tensor<100x300xf32>)
      attributes {horn.kernel} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<100x300xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<100x300xf32>) -> tensor<100x300xf32>
    %g = linalg.generic {indexing_maps = [#xt, #dy, #y], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %dy : tensor<?x100xf32>, tensor<?x300xf32>) outs(%f : tensor<100x300xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    } -> tensor<100x300xf32>
    %new:2 = linalg.generic {indexing_maps = [#id, #id, #id, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%g, %w, %velocity : tensor<100x300xf32>, tensor<100x300xf32>, tensor<100x300xf32>)
        outs(%e, %e : tensor<100x300xf32>, tensor<100x300xf32>) {
    ^bb0(%a: f32, %b: f32, %v: f32, %o: f32, %q: f32):
      %s = arith.addf %a, %v : f32
      %d = arith.subf %b, %s : f32
      linalg.yield %d, %s : f32, f32
    } -> (tensor<100x300xf32>, tensor<100x300xf32>)
    return %new#0, %new#1 : tensor<100x300xf32>, tensor<100x300xf32>
  }
  func.func @train_step(%x: tensor<?x100xf32> {horn.name = "x", horn.role = "input"},
                        %w: tensor<100x300xf32> {horn.name = "w", horn.role = "weight"},
                        %velocity: tensor<100x300xf32> {horn.name = "velocity", horn.role = "slot"})
      -> (tensor<?x100xf32> {horn.name = "loss", horn.role = "value"},
          tensor<100x300xf32> {horn.name = "w", horn.role = "weight"},
          tensor<100x300xf32> {horn.name = "velocity", horn.role = "slot"}) {
    %y = call @dense(%x, %w) : (tensor<?x100xf32>, tensor<100x300xf32>) -> tensor<?x300xf32>
    %d = call @d_x(%y, %w) : (tensor<?x300xf32>, tensor<100x300xf32>) -> tensor<?x100xf32>
    %new:2 = call @update(%x, %y, %w, %velocity) : (tensor<?x100xf32>, tensor<?x300xf32>, tensor<100x300xf32>,
      tensor<100x300xf32>) -> (tensor<100x300xf32>, tensor<100x300xf32>)
    return %d, %new#0, %new#1 : tensor<?x100xf32>, tensor<100x300xf32>, tensor<100x300xf32>
  }
}

// -----

#x = affine_map<(d0, d1, d2) -> (d0, d2)>
#w = affine_map<(d0, d1, d2) -> (d2, d1)>
#y = affine_map<(d0, d1, d2) -> (d0, d1)>

// Up to 32 KiB a weight stays row by row: 32 rows of 256 are that, 33 are more. So does one no wider than a panel, however
// many rows it has.
// CHECK: horn.panels = {taller = 32 : i64}
// AVX2: horn.panels = {narrow = 16 : i64, taller = 16 : i64}
module {
  func.func private @small(%x: tensor<?x32xf32>, %w: tensor<32x256xf32>) -> tensor<?x256xf32> attributes {horn.kernel} {
    %zero = arith.constant 0.0 : f32
    %n = horn.batch
    %e = tensor.empty(%n) : tensor<?x256xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x256xf32>) -> tensor<?x256xf32>
    %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<?x32xf32>, tensor<32x256xf32>) outs(%f : tensor<?x256xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    } -> tensor<?x256xf32>
    return %y : tensor<?x256xf32>
  }
  func.func private @taller(%x: tensor<?x33xf32>, %w: tensor<33x256xf32>) -> tensor<?x256xf32> attributes {horn.kernel} {
    %zero = arith.constant 0.0 : f32
    %n = horn.batch
    %e = tensor.empty(%n) : tensor<?x256xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x256xf32>) -> tensor<?x256xf32>
    %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<?x33xf32>, tensor<33x256xf32>) outs(%f : tensor<?x256xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    } -> tensor<?x256xf32>
    return %y : tensor<?x256xf32>
  }
  func.func private @narrow(%x: tensor<?x2000xf32>, %w: tensor<2000x32xf32>) -> tensor<?x32xf32> attributes {horn.kernel} {
    %zero = arith.constant 0.0 : f32
    %n = horn.batch
    %e = tensor.empty(%n) : tensor<?x32xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x32xf32>) -> tensor<?x32xf32>
    %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<?x2000xf32>, tensor<2000x32xf32>) outs(%f : tensor<?x32xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    } -> tensor<?x32xf32>
    return %y : tensor<?x32xf32>
  }
  func.func @predict(%a: tensor<?x32xf32> {horn.name = "a", horn.role = "input"},
                     %b: tensor<?x33xf32> {horn.name = "b", horn.role = "input"},
                     %c: tensor<?x2000xf32> {horn.name = "c", horn.role = "input"},
                     %v: tensor<32x256xf32> {horn.name = "small", horn.role = "weight"},
                     %w: tensor<33x256xf32> {horn.name = "taller", horn.role = "weight"},
                     %u: tensor<2000x32xf32> {horn.name = "narrow", horn.role = "weight"})
      -> (tensor<?x256xf32> {horn.name = "p", horn.role = "output"}, tensor<?x256xf32> {horn.name = "q", horn.role = "output"},
          tensor<?x32xf32> {horn.name = "r", horn.role = "output"}) {
    %p = call @small(%a, %v) : (tensor<?x32xf32>, tensor<32x256xf32>) -> tensor<?x256xf32>
    %q = call @taller(%b, %w) : (tensor<?x33xf32>, tensor<33x256xf32>) -> tensor<?x256xf32>
    %r = call @narrow(%c, %u) : (tensor<?x2000xf32>, tensor<2000x32xf32>) -> tensor<?x32xf32>
    return %p, %q, %r : tensor<?x256xf32>, tensor<?x256xf32>, tensor<?x32xf32>
  }
}

// -----

#x = affine_map<(d0, d1, d2) -> (d0, d2)>
#w = affine_map<(d0, d1, d2) -> (d2, d1)>
#y = affine_map<(d0, d1, d2) -> (d0, d1)>

// Another step gathers rows of it by ids: a row must be in one piece.
// CHECK: horn.panels = {}
// CHECK: func.func private @dense(%arg0: tensor<?x100xf32>, %arg1: tensor<100x300xf32>)
module {
  func.func private @dense(%x: tensor<?x100xf32>, %w: tensor<100x300xf32>) -> tensor<?x300xf32> attributes {horn.kernel} {
    %zero = arith.constant 0.0 : f32
    %n = horn.batch
    %e = tensor.empty(%n) : tensor<?x300xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x300xf32>) -> tensor<?x300xf32>
    %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<?x100xf32>, tensor<100x300xf32>) outs(%f : tensor<?x300xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    } -> tensor<?x300xf32>
    return %y : tensor<?x300xf32>
  }
  func.func private @gather(%tokens: !horn.tokens<100>, %w: tensor<100x300xf32>) -> tensor<?x300xf32>
      attributes {horn.kernel} {
    %y = horn.gather_sum %tokens, %w : !horn.tokens<100>, tensor<100x300xf32>
    return %y : tensor<?x300xf32>
  }
  func.func @predict(%x: tensor<?x100xf32> {horn.name = "x", horn.role = "input"},
                     %w: tensor<100x300xf32> {horn.name = "w", horn.role = "weight"})
      -> (tensor<?x300xf32> {horn.name = "y", horn.role = "output"}) {
    %y = call @dense(%x, %w) : (tensor<?x100xf32>, tensor<100x300xf32>) -> tensor<?x300xf32>
    return %y : tensor<?x300xf32>
  }
  func.func @evaluate_step(%tokens: !horn.tokens<100> {horn.name = "ids", horn.role = "input"},
                           %w: tensor<100x300xf32> {horn.name = "w", horn.role = "weight"})
      -> (tensor<?x300xf32> {horn.name = "y", horn.role = "output"}) {
    %y = call @gather(%tokens, %w) : (!horn.tokens<100>, tensor<100x300xf32>) -> tensor<?x300xf32>
    return %y : tensor<?x300xf32>
  }
}

// -----

#x = affine_map<(d0, d1, d2) -> (d0, d2)>
#w = affine_map<(d0, d1, d2) -> (d2, d1)>
#y = affine_map<(d0, d1, d2) -> (d0, d1)>
#one = affine_map<(d0) -> (d0)>

// Another kernel takes the same bytes as one long row.
// CHECK: horn.panels = {}
module {
  func.func private @dense(%x: tensor<?x100xf32>, %w: tensor<100x300xf32>) -> tensor<?x300xf32> attributes {horn.kernel} {
    %zero = arith.constant 0.0 : f32
    %n = horn.batch
    %e = tensor.empty(%n) : tensor<?x300xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x300xf32>) -> tensor<?x300xf32>
    %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<?x100xf32>, tensor<100x300xf32>) outs(%f : tensor<?x300xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    } -> tensor<?x300xf32>
    return %y : tensor<?x300xf32>
  }
  func.func private @negate(%w: tensor<30000xf32>) -> tensor<30000xf32> attributes {horn.kernel} {
    %e = tensor.empty() : tensor<30000xf32>
    %y = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]}
        ins(%w : tensor<30000xf32>) outs(%e : tensor<30000xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = arith.negf %a : f32
      linalg.yield %m : f32
    } -> tensor<30000xf32>
    return %y : tensor<30000xf32>
  }
  func.func @predict(%x: tensor<?x100xf32> {horn.name = "x", horn.role = "input"},
                     %w: tensor<100x300xf32> {horn.name = "w", horn.role = "weight"})
      -> (tensor<?x300xf32> {horn.name = "y", horn.role = "output"}) {
    %y = call @dense(%x, %w) : (tensor<?x100xf32>, tensor<100x300xf32>) -> tensor<?x300xf32>
    return %y : tensor<?x300xf32>
  }
  func.func @evaluate_step(%w: tensor<100x300xf32> {horn.name = "w", horn.role = "weight"})
      -> (tensor<30000xf32> {horn.name = "y", horn.role = "output"}) {
    %long = horn.reshape %w : tensor<100x300xf32> to tensor<30000xf32>
    %y = call @negate(%long) : (tensor<30000xf32>) -> tensor<30000xf32>
    return %y : tensor<30000xf32>
  }
}

// -----

#x = affine_map<(d0, d1, d2) -> (d0, d2)>
#w = affine_map<(d0, d1, d2) -> (d2, d1)>
#y = affine_map<(d0, d1, d2) -> (d0, d1)>

// The caller's data lie as the caller says.
// CHECK: horn.panels = {}
// CHECK-NOT: horn.panel =
module {
  func.func private @dense(%x: tensor<?x100xf32>, %w: tensor<100x300xf32>) -> tensor<?x300xf32> attributes {horn.kernel} {
    %zero = arith.constant 0.0 : f32
    %n = horn.batch
    %e = tensor.empty(%n) : tensor<?x300xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x300xf32>) -> tensor<?x300xf32>
    %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<?x100xf32>, tensor<100x300xf32>) outs(%f : tensor<?x300xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    } -> tensor<?x300xf32>
    return %y : tensor<?x300xf32>
  }
  func.func @predict(%x: tensor<?x100xf32> {horn.name = "x", horn.role = "input"},
                     %w: tensor<100x300xf32> {horn.name = "w", horn.role = "input"})
      -> (tensor<?x300xf32> {horn.name = "y", horn.role = "output"}) {
    %y = call @dense(%x, %w) : (tensor<?x100xf32>, tensor<100x300xf32>) -> tensor<?x300xf32>
    return %y : tensor<?x300xf32>
  }
}

// -----

#x = affine_map<(d0, d1, d2) -> (d0, d2)>
#w = affine_map<(d0, d1, d2) -> (d2, d1)>
#y = affine_map<(d0, d1, d2) -> (d0, d1)>
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#column = affine_map<(d0, d1) -> (d1)>

// A sum over the rows has its columns in lanes, a panel at a time. A sum over each row would cross panels.
// CHECK: horn.panels = {}
module {
  func.func private @dense(%x: tensor<?x100xf32>, %w: tensor<100x300xf32>) -> tensor<?x300xf32> attributes {horn.kernel} {
    %zero = arith.constant 0.0 : f32
    %n = horn.batch
    %e = tensor.empty(%n) : tensor<?x300xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x300xf32>) -> tensor<?x300xf32>
    %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<?x100xf32>, tensor<100x300xf32>) outs(%f : tensor<?x300xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    } -> tensor<?x300xf32>
    return %y : tensor<?x300xf32>
  }
  func.func private @rows(%w: tensor<100x300xf32>) -> tensor<100xf32> attributes {horn.kernel} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<100xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<100xf32>) -> tensor<100xf32>
    %y = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
        ins(%w : tensor<100x300xf32>) outs(%f : tensor<100xf32>) {
    ^bb0(%a: f32, %o: f32):
      %s = arith.addf %o, %a : f32
      linalg.yield %s : f32
    } -> tensor<100xf32>
    return %y : tensor<100xf32>
  }
  func.func @predict(%x: tensor<?x100xf32> {horn.name = "x", horn.role = "input"},
                     %w: tensor<100x300xf32> {horn.name = "w", horn.role = "weight"})
      -> (tensor<?x300xf32> {horn.name = "y", horn.role = "output"}) {
    %y = call @dense(%x, %w) : (tensor<?x100xf32>, tensor<100x300xf32>) -> tensor<?x300xf32>
    return %y : tensor<?x300xf32>
  }
  func.func @evaluate_step(%w: tensor<100x300xf32> {horn.name = "w", horn.role = "weight"})
      -> (tensor<100xf32> {horn.name = "y", horn.role = "output"}) {
    %y = call @rows(%w) : (tensor<100x300xf32>) -> tensor<100xf32>
    return %y : tensor<100xf32>
  }
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>

// Rows of a page lie a line apart where both kernels get nothing else; those of the caller, and what is passed to the same
// parameter as the caller's, lie as they are.
// CHECK-LABEL: func.func private @scale
// CHECK-NOT: horn.stride
// CHECK: func.func private @first(%arg0: tensor<?x1024xf32>) -> (tensor<?x1024xf32> {horn.stride = 1040 : i64})
// CHECK: func.func private @second(%arg0: tensor<?x1024xf32> {horn.stride = 1040 : i64}) -> tensor<?x1024xf32>
// CHECK: horn.arena {{.*}} {horn.stride = 1040 : i64}
module {
  func.func private @scale(%x: tensor<?x1024xf32>) -> tensor<?x1024xf32> attributes {horn.kernel} {
    %n = horn.batch
    %e = tensor.empty(%n) : tensor<?x1024xf32>
    %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<?x1024xf32>) outs(%e : tensor<?x1024xf32>) {
    ^bb0(%a: f32, %o: f32):
      %s = arith.addf %a, %a : f32
      linalg.yield %s : f32
    } -> tensor<?x1024xf32>
    return %y : tensor<?x1024xf32>
  }
  func.func private @first(%x: tensor<?x1024xf32>) -> tensor<?x1024xf32> attributes {horn.kernel} {
    %n = horn.batch
    %e = tensor.empty(%n) : tensor<?x1024xf32>
    %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<?x1024xf32>) outs(%e : tensor<?x1024xf32>) {
    ^bb0(%a: f32, %o: f32):
      %s = arith.mulf %a, %a : f32
      linalg.yield %s : f32
    } -> tensor<?x1024xf32>
    return %y : tensor<?x1024xf32>
  }
  func.func private @second(%x: tensor<?x1024xf32>) -> tensor<?x1024xf32> attributes {horn.kernel} {
    %n = horn.batch
    %e = tensor.empty(%n) : tensor<?x1024xf32>
    %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<?x1024xf32>) outs(%e : tensor<?x1024xf32>) {
    ^bb0(%a: f32, %o: f32):
      %s = arith.subf %a, %a : f32
      linalg.yield %s : f32
    } -> tensor<?x1024xf32>
    return %y : tensor<?x1024xf32>
  }
  func.func @predict(%x: tensor<?x1024xf32> {horn.name = "x", horn.role = "input"})
      -> (tensor<?x1024xf32> {horn.name = "y", horn.role = "output"}) {
    %a = call @scale(%x) : (tensor<?x1024xf32>) -> tensor<?x1024xf32>
    %b = call @scale(%a) : (tensor<?x1024xf32>) -> tensor<?x1024xf32>
    %c = call @first(%b) : (tensor<?x1024xf32>) -> tensor<?x1024xf32>
    %y = call @second(%c) : (tensor<?x1024xf32>) -> tensor<?x1024xf32>
    return %y : tensor<?x1024xf32>
  }
}
