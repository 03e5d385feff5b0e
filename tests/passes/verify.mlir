// RUN: hornfels-opt %s --split-input-file --verify-diagnostics -o /dev/null

// Each numbered constraint of an operation's description has a case here.

func.func @iota_axis() -> tensor<2xi32> {
  // expected-error @below {{'horn.iota' op counts along axis 1 of a tensor of rank 1}}
  %y = horn.iota 1 : tensor<2xi32>
  return %y : tensor<2xi32>
}

// -----

// broadcast C1: one axis of the result for each of the input
func.func @broadcast_c1_count(%x: tensor<2x3xf32>) -> tensor<4x2x3xf32> {
  // expected-error @below {{'horn.broadcast' op has 1 dims for an input of rank 2}}
  %y = horn.broadcast %x dims [1] : tensor<2x3xf32> to tensor<4x2x3xf32>
  return %y : tensor<4x2x3xf32>
}

// -----

// broadcast C1: ascending
func.func @broadcast_c1_order(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  // expected-error @below {{'horn.broadcast' op has dims that are not ascending axes of the result}}
  %y = horn.broadcast %x dims [1, 0] : tensor<2x3xf32> to tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// broadcast C1: axes of the result
func.func @broadcast_c1_range(%x: tensor<2xf32>) -> tensor<3x2xf32> {
  // expected-error @below {{'horn.broadcast' op has dims that are not ascending axes of the result}}
  %y = horn.broadcast %x dims [2] : tensor<2xf32> to tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// broadcast C2: an axis is repeated whole or not at all; no stretching of size 1
func.func @broadcast_c2(%x: tensor<1xf32>) -> tensor<4x3xf32> {
  // expected-error @below {{'horn.broadcast' op would stretch axis 0 of 'tensor<1xf32>' to 'tensor<4x3xf32>'}}
  %y = horn.broadcast %x dims [1] : tensor<1xf32> to tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// -----

// reshape C1
func.func @reshape_c1(%x: tensor<?x6xf32>) -> tensor<?x5xf32> {
  // expected-error @below {{'horn.reshape' op makes 5 elements of 6}}
  %y = horn.reshape %x : tensor<?x6xf32> to tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// -----

// reshape C2
func.func @reshape_c2(%x: tensor<?x6xf32>) -> tensor<6x?xf32> {
  // expected-error @below {{'horn.reshape' op moves the batch axis: 'tensor<?x6xf32>' to 'tensor<6x?xf32>'}}
  %y = horn.reshape %x : tensor<?x6xf32> to tensor<6x?xf32>
  return %y : tensor<6x?xf32>
}

// -----

func.func @slice_batch(%x: tensor<?x6xf32>) -> tensor<?x6xf32> {
  // expected-error @below {{'horn.slice' op slices the batch axis}}
  %y = horn.slice %x offsets [1, 0] sizes [-1, 6] strides [1, 1] : tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

func.func @slice_range(%x: tensor<?x6xf32>) -> tensor<?x3xf32> {
  // expected-error @below {{'horn.slice' op leaves axis 1 of 'tensor<?x6xf32>'}}
  %y = horn.slice %x offsets [0, 2] sizes [-1, 3] strides [1, 2] : tensor<?x6xf32>
  return %y : tensor<?x3xf32>
}

// -----

func.func @select_shape(%c: tensor<3xi1>, %x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{'horn.select' op has a condition of another shape than its values}}
  %y = horn.select %c, %x, %x : tensor<3xi1>, tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @element_type(%x: tensor<2xi32>) -> tensor<2xi32> {
  // expected-error @below {{'horn.exp' op operand #0 must be ranked tensor of 32-bit float or 64-bit float values}}
  %y = horn.exp %x : tensor<2xi32>
  return %y : tensor<2xi32>
}

// -----

func.func @contract_maps(%a: tensor<2x3xf32>) -> tensor<2x2xf32> {
  // expected-error @below {{'horn.contract' op needs three maps}}
  %y = horn.contract %a, %a [affine_map<(m, k) -> (m, k)>, affine_map<(m, k) -> (m, k)>] : tensor<2x3xf32>, tensor<2x3xf32>
  return %y : tensor<2x2xf32>
}

// -----

// contract C1: a projected permutation
func.func @contract_c1_sum(%a: tensor<4xf32>, %b: tensor<2x3xf32>) -> tensor<2xf32> {
  // expected-error @below {{'horn.contract' op has a map that does not fit operand 0}}
  %y = horn.contract %a, %b [affine_map<(m, k) -> (m + k)>, affine_map<(m, k) -> (m, k)>, affine_map<(m, k) -> (m)>] : tensor<4xf32>, tensor<2x3xf32>
  return %y : tensor<2xf32>
}

// -----

// contract C1: one result for each axis of the operand
func.func @contract_c1_rank(%a: tensor<2xf32>, %b: tensor<2x3xf32>) -> tensor<2xf32> {
  // expected-error @below {{'horn.contract' op has a map that does not fit operand 0}}
  %y = horn.contract %a, %b [affine_map<(m, k) -> (m, k)>, affine_map<(m, k) -> (m, k)>, affine_map<(m, k) -> (m)>] : tensor<2xf32>, tensor<2x3xf32>
  return %y : tensor<2xf32>
}

// -----

// contract C1: of the same dimensions
func.func @contract_c1_dimensions(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{'horn.contract' op has a map that does not fit operand 1}}
  %y = horn.contract %a, %b [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k, l) -> (l, n)>, affine_map<(m, n, k) -> (m, n)>] : tensor<2x3xf32>, tensor<3x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// contract C2
func.func @contract_c2(%x: tensor<?x784xf32>, %w: tensor<768x10xf32>) -> tensor<?x10xf32> {
  // expected-error @below {{'horn.contract' op contracts 784 features with 768}}
  %y = horn.contract %x, %w [affine_map<(b, n, k) -> (b, k)>, affine_map<(b, n, k) -> (k, n)>, affine_map<(b, n, k) -> (b, n)>] : tensor<?x784xf32>, tensor<768x10xf32>
  return %y : tensor<?x10xf32>
}

// -----

// contract C3
func.func @contract_c3(%x: tensor<2x3x5xf32>, %w: tensor<3x4xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{'horn.contract' op has a dimension in one map only}}
  %y = horn.contract %x, %w [affine_map<(b, n, k, l) -> (b, k, l)>, affine_map<(b, n, k, l) -> (k, n)>, affine_map<(b, n, k, l) -> (b, n)>] : tensor<2x3x5xf32>, tensor<3x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @concat_batch(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @below {{'horn.concat' op has no fixed axis 0 in 'tensor<?xf32>'}}
  %y = horn.concat %x, %x axis 0 : tensor<?xf32>, tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

func.func @concat_shape(%x: tensor<?x2xf32>, %y: tensor<?x3x2xf32>) -> tensor<?x4xf32> {
  // expected-error @below {{'horn.concat' op puts 'tensor<?x3x2xf32>' behind 'tensor<?x2xf32>'}}
  %z = horn.concat %x, %y axis 1 : tensor<?x2xf32>, tensor<?x3x2xf32>
  return %z : tensor<?x4xf32>
}

// -----

func.func @slice_rank(%x: tensor<?x6xf32>) -> tensor<?x3xf32> {
  // expected-error @below {{'horn.slice' op needs an offset, a size and a stride for each axis of 'tensor<?x6xf32>'}}
  %y = horn.slice %x offsets [0] sizes [-1, 3] strides [1, 2] : tensor<?x6xf32>
  return %y : tensor<?x3xf32>
}

// -----

func.func @transpose_permutation(%x: tensor<2x3xf32>) -> tensor<3x3xf32> {
  // expected-error @below {{'horn.transpose' op does not name each axis of 'tensor<2x3xf32>' once}}
  %y = horn.transpose %x permutation [1, 1] : tensor<2x3xf32>
  return %y : tensor<3x3xf32>
}

// -----

func.func @reduce_axes(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  // expected-error @below {{'horn.reduce_sum' op reduces axis 2 of 'tensor<2x3xf32>'}}
  %y = horn.reduce_sum %x axes [2] : tensor<2x3xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @gradient_types(%loss: tensor<f32>, %w: tensor<2xf32>) -> tensor<3xf32> {
  // expected-error @below {{'horn.gradient' op gives gradients of other types than the weights}}
  %d = horn.gradient %loss of %w : tensor<f32>, tensor<2xf32> -> tensor<3xf32>
  return %d : tensor<3xf32>
}

// -----

// C3: xs have `length` places along axis 1.
func.func @scan_places(%h: tensor<?x4xf32>, %x: tensor<?x5x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{has no 6 places along axis 1}}
  %s = horn.scan 6 initial(%h) over(%x) with() : (tensor<?x4xf32>, tensor<?x5x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%c: tensor<?x4xf32>, %xt: tensor<?x4xf32>):
    horn.yield %xt : tensor<?x4xf32>
  }
  return %s : tensor<?x4xf32>
}

// -----

// C2: a carry keeps its type.
func.func @scan_carry(%h: tensor<?x4xf32>, %x: tensor<?x5x3xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{yields 'tensor<?x3xf32>' for 'tensor<?x4xf32>'}}
  %s = horn.scan 5 initial(%h) over(%x) with() : (tensor<?x4xf32>, tensor<?x5x3xf32>) -> tensor<?x4xf32> {
  ^bb0(%c: tensor<?x4xf32>, %xt: tensor<?x3xf32>):
    horn.yield %xt : tensor<?x3xf32>
  }
  return %s : tensor<?x4xf32>
}

// -----

// windows C1: windows along the batch
func.func @windows_c1(%x: tensor<?x6xf32>) {
  // expected-error @below {{'horn.windows' op has axes that are not ascending fixed axes of 'tensor<?x6xf32>'}}
  %y = horn.windows %x axes [0] sizes [2] strides [1] dilations [1] : tensor<?x6xf32>
  return
}

// -----

// windows C2: a stride for each axis, at least 1
func.func @windows_c2(%x: tensor<?x6xf32>) {
  // expected-error @below {{'horn.windows' op has a size, stride or dilation below 1}}
  %y = horn.windows %x axes [1] sizes [2] strides [0] dilations [1] : tensor<?x6xf32>
  return
}

// -----

// windows C3: one window fits
func.func @windows_c3(%x: tensor<?x6xf32>) {
  // expected-error @below {{'horn.window_max' op has windows of 7 elements along axis 1 of 'tensor<?x6xf32>'}}
  %y = horn.window_max %x axes [1] sizes [4] strides [1] dilations [2] : tensor<?x6xf32>
  return
}

// -----

func.func @fold_shape(%x: tensor<?x5x3xf32>) -> tensor<?x6xf32> {
  // expected-error @below {{'horn.fold' op folds 'tensor<?x5x3xf32>' into 'tensor<?x6xf32>'}}
  %y = horn.fold %x axes [1] sizes [3] strides [1] dilations [1] : tensor<?x5x3xf32> to tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

func.func @gather_batch(%i: tensor<?xi32>, %t: tensor<?x3xf32>) {
  // expected-error @below {{'horn.gather' op takes rows of 'tensor<?x3xf32>'}}
  %y = horn.gather %i, %t : tensor<?xi32>, tensor<?x3xf32>
  return
}
