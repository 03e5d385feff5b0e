// Conditions in lanes and one by one: of two widths, with and without columns, stored as bytes.
module attributes {
  horn.model = "conditions", horn.real = "f32", horn.source = "conditions.mlir:1:1",
  horn.inputs = [{name = "x", position = "", type = tensor<?x20xf32>}, {name = "s", position = "", type = tensor<?xf32>},
                 {name = "l", position = "", type = tensor<?x20xi64>}],
  horn.outputs = [{name = "y", position = "", type = tensor<?x20xf32>}, {name = "m", position = "", type = tensor<?x20xi1>},
                  {name = "z", position = "", type = tensor<?xf32>}],
  horn.targets = [], horn.metrics = [], horn.layers = [], horn.variables = []} {
  func.func @predict(
      %x: tensor<?x20xf32> {horn.name = "x", horn.role = "input"},
      %s: tensor<?xf32> {horn.name = "s", horn.role = "input"},
      %l: tensor<?x20xi64> {horn.name = "l", horn.role = "input"})
      -> (tensor<?x20xf32> {horn.name = "y", horn.role = "output"}, tensor<?x20xi1> {horn.name = "m", horn.role = "output"},
          tensor<?xf32> {horn.name = "z", horn.role = "output"}) {
    %one = horn.full 1.0 : tensor<?x20xf32>
    %three = horn.full 3.0 : tensor<?x20xi64>
    %wide = horn.broadcast %s dims [0] : tensor<?xf32> to tensor<?x20xf32>
    %a = horn.compare gt %x, %one : tensor<?x20xf32>
    %b = horn.compare lt %wide, %one : tensor<?x20xf32>
    %c = horn.compare eq %l, %three : tensor<?x20xi64>
    // A condition of the row, one of the element, one of elements twice as wide.
    %ab = horn.or %a, %b : tensor<?x20xi1>
    %abc = horn.and %ab, %c : tensor<?x20xi1>
    %not = horn.not %abc : tensor<?x20xi1>
    %chosen = horn.select %b, %not, %a : tensor<?x20xi1>, tensor<?x20xi1>
    %y = horn.select %chosen, %x, %wide : tensor<?x20xi1>, tensor<?x20xf32>
    // The same without lanes: "or" inside "and" needs parentheses.
    %zero = horn.full 0.0 : tensor<?x20xf32>
    %first = horn.slice %x offsets [0, 3] sizes [-1, 1] strides [1, 1] : tensor<?x20xf32>
    %f = horn.reshape %first : tensor<?x1xf32> to tensor<?xf32>
    %two = horn.full 2.0 : tensor<?xf32>
    %p = horn.compare gt %f, %two : tensor<?xf32>
    %q = horn.compare lt %s, %two : tensor<?xf32>
    %r = horn.compare ne %f, %s : tensor<?xf32>
    %pq = horn.or %p, %q : tensor<?xi1>
    %pqr = horn.and %pq, %r : tensor<?xi1>
    %pqrs = horn.or %pqr, %p : tensor<?xi1>
    %z = horn.select %pqrs, %f, %two : tensor<?xi1>, tensor<?xf32>
    return %y, %chosen, %z : tensor<?x20xf32>, tensor<?x20xi1>, tensor<?xf32>
  }
}
