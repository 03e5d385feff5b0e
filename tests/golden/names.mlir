// Names from files that are not to be trusted: keywords, ends of comments and strings, trigraphs, other scripts, names
// that differ in punctuation alone. They become legal, stay apart, and end nothing.
#x = affine_map<(b, n, k) -> (b, k)>
#w = affine_map<(b, n, k) -> (k, n)>
#y = affine_map<(b, n, k) -> (b, n)>
module attributes {
  horn.model = "class*/ #error model", horn.real = "f32", horn.source = "a*/ #error b\\\0Ac??/\0A.horn:1:1",
  horn.inputs = [{name = "int", position = "*/ x", type = tensor<?x4xf32>}],
  horn.outputs = [{name = "x\"; system(\"reboot\"); //", position = "", type = tensor<?x3xf32>}],
  horn.targets = [], horn.metrics = ["loss*/ #error"],
  horn.layers = [{name = "double", text = "dense(3) */ #error \\", position = "*/??/\0A#error", kind = "dense"}],
  horn.variables = [{layer = "a", name = "a.b/c", role = "weight", type = tensor<4x3xf32>},
                    {layer = "a", name = "a-b/c", role = "weight", type = tensor<3xf32>},
                    {layer = "a", name = "a b/c", role = "weight", type = tensor<3xf32>},
                    {layer = "a", name = "v16f", role = "weight", type = tensor<3xf32>},
                    {layer = "a", name = "__reserved", role = "weight", type = tensor<3xf32>},
                    {layer = "a", name = "1st", role = "weight", type = tensor<3xf32>},
                    {layer = "a", name = "\E2\80\AEdrow", role = "weight", type = tensor<3xf32>},
                    {layer = "a", name = "\D1\81\D0\BB\D0\BE\D0\B9", role = "weight", type = tensor<3xf32>}]} {
  func.func @predict(
      %x: tensor<?x4xf32> {horn.name = "int", horn.role = "input"},
      %w: tensor<4x3xf32> {horn.name = "a.b/c", horn.role = "weight"},
      %b: tensor<3xf32> {horn.name = "a-b/c", horn.role = "weight"},
      %c: tensor<3xf32> {horn.name = "a b/c", horn.role = "weight"},
      %d: tensor<3xf32> {horn.name = "v16f", horn.role = "weight"},
      %e: tensor<3xf32> {horn.name = "__reserved", horn.role = "weight"},
      %f: tensor<3xf32> {horn.name = "1st", horn.role = "weight"},
      %g: tensor<3xf32> {horn.name = "\E2\80\AEdrow", horn.role = "weight"},
      %h: tensor<3xf32> {horn.name = "\D1\81\D0\BB\D0\BE\D0\B9", horn.role = "weight"})
      -> (tensor<?x3xf32> {horn.name = "x\"; system(\"reboot\"); //", horn.role = "output"}) {
    %0 = horn.contract %x, %w [#x, #w, #y] : tensor<?x4xf32>, tensor<4x3xf32> loc("double"("*/ ??/.horn":1:2))
    %bw = horn.broadcast %b dims [1] : tensor<3xf32> to tensor<?x3xf32>
    %cw = horn.broadcast %c dims [1] : tensor<3xf32> to tensor<?x3xf32>
    %dw = horn.broadcast %d dims [1] : tensor<3xf32> to tensor<?x3xf32>
    %ew = horn.broadcast %e dims [1] : tensor<3xf32> to tensor<?x3xf32>
    %fw = horn.broadcast %f dims [1] : tensor<3xf32> to tensor<?x3xf32>
    %gw = horn.broadcast %g dims [1] : tensor<3xf32> to tensor<?x3xf32>
    %hw = horn.broadcast %h dims [1] : tensor<3xf32> to tensor<?x3xf32>
    %1 = horn.add %0, %bw : tensor<?x3xf32>
    %2 = horn.mul %1, %cw : tensor<?x3xf32>
    %3 = horn.sub %2, %dw : tensor<?x3xf32>
    %4 = horn.max %3, %ew : tensor<?x3xf32>
    %5 = horn.min %4, %fw : tensor<?x3xf32>
    %6 = horn.mul %5, %gw : tensor<?x3xf32>
    %7 = horn.add %6, %hw : tensor<?x3xf32>
    return %7 : tensor<?x3xf32>
  }
}
