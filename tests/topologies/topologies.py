"""Small models of every shape that a graph of layers takes, each as Horn and as a function that builds it in Keras.

Names agree: a layer of Keras's is called as the variable that Horn binds it to.
"""


class Topology:
    """horn: inputs, outputs and body; inputs: name -> shape without the batch, or (shape, ids); build(keras, inputs) ->
    outputs by name; losses: of each output, with its weight; optimizer: Horn's text and Keras's class and arguments."""

    def __init__(self, horn, inputs, build, losses, optimizer):
        self.horn, self.inputs, self.build, self.losses, self.optimizer = horn, inputs, build, losses, optimizer


def branches(keras, x):
    layers = keras.layers
    wide = layers.Dense(7, activation="tanh", name="wide")(x["x"])
    narrow = layers.Dense(3, activation="relu", name="narrow")(x["x"])
    deep = layers.Dense(4, activation="sigmoid", name="deep")(narrow)
    both = layers.Concatenate(name="both")([wide, deep])
    return {"y": layers.Dense(2, name="y")(both)}


BRANCHES = """model branches(x: real[5]) -> y {
    wide = x |> dense(7, tanh)
    narrow = x |> dense(3, relu)
    deep = narrow |> dense(4, sigmoid)
    both = concatenate()([wide, deep])
    y = both |> dense(2)
}
"""


def heads(keras, x):
    layers = keras.layers
    trunk = layers.Dense(6, activation="tanh", name="trunk")(x["x"])
    price = layers.Dense(1, name="price")(trunk)
    kind = layers.Dense(3, activation="softmax", name="kind")(trunk)
    seen = layers.Dense(1, activation="sigmoid", name="seen")(layers.Concatenate(name="all")([trunk, kind]))
    return {"price": price, "kind": kind, "seen": seen}


HEADS = """model heads(x: real[5]) -> (price, kind, seen) {
    trunk = x |> dense(6, tanh)
    price = trunk |> dense(1)
    kind = trunk |> dense(3, softmax)
    all = concatenate()([trunk, kind])
    seen = all |> dense(1, sigmoid)
}
"""


def inception(keras, x):
    layers = keras.layers
    conv = lambda name, filters, size: layers.Conv2D(filters, size, padding="same", activation="relu", name=name)
    a = conv("a", 2, 1)(x["image"])
    b = conv("b", 3, 3)(conv("b_in", 2, 1)(x["image"]))
    c = conv("c", 2, 5)(conv("c_in", 1, 1)(x["image"]))
    pooled = layers.MaxPooling2D(3, strides=1, padding="same", name="pooled")(x["image"])
    d = conv("d", 2, 1)(pooled)
    block = layers.Concatenate(name="block")([a, b, c, d])
    mean = layers.GlobalAveragePooling2D(name="mean")(block)
    return {"y": layers.Dense(3, activation="softmax", name="y")(mean)}


INCEPTION = """model inception(image: real[6, 5, 3]) -> y {
    a = image |> conv2d(2, 1, padding = "same", activation = relu)
    b_in = image |> conv2d(2, 1, padding = "same", activation = relu)
    b = b_in |> conv2d(3, 3, padding = "same", activation = relu)
    c_in = image |> conv2d(1, 1, padding = "same", activation = relu)
    c = c_in |> conv2d(2, 5, padding = "same", activation = relu)
    pooled = image |> max_pooling2d(3, strides = 1, padding = "same")
    d = pooled |> conv2d(2, 1, padding = "same", activation = relu)
    block = concatenate()([a, b, c, d])
    y = block |> global_average_pooling2d |> dense(3, softmax)
}
"""


def residual(keras, x):
    layers = keras.layers
    h = layers.Conv2D(4, 3, padding="same", use_bias=False, name="first")(x["image"])
    for i in range(2):
        y = layers.BatchNormalization(momentum=0.8, name=f"norm{i}")(h)
        y = layers.Activation("relu", name=f"relu{i}")(y)
        y = layers.Conv2D(4, 3, padding="same", name=f"conv{i}")(y)
        h = layers.Add(name=f"sum{i}")([h, y])
    mean = layers.GlobalAveragePooling2D(name="mean")(h)
    return {"y": layers.Dense(2, name="y")(mean)}


RESIDUAL = """model residual(image: real[5, 4, 2]) -> y {
    first = image |> conv2d(4, 3, padding = "same", use_bias = false)
    h = first
    for i in 0..2 {
        side = h |> batch_normalization(momentum = 0.8, name = ["norm0", "norm1"][i]) |> activation(relu)
                 |> conv2d(4, 3, padding = "same", name = ["conv0", "conv1"][i])
        h = h + side
    }
    y = h |> global_average_pooling2d |> dense(2)
}
"""


def shared(keras, x):
    layers = keras.layers
    layer = layers.Dense(4, activation="tanh", name="layer")
    once, twice = layer(x["x"]), layer(layer(x["x"]))
    return {"y": layers.Dense(1, name="y")(layers.Multiply(name="product")([once, twice]))}


SHARED = """model shared(x: real[4]) -> y {
    layer = dense(4, tanh)
    once = layer(x)
    twice = layer(once)
    y = once * twice |> dense(1)
}
"""


def siamese(keras, x):
    layers = keras.layers
    encoder = keras.Sequential([keras.Input((5, 5, 1)), layers.Conv2D(3, 2, activation="relu", name="conv"),
                                layers.Flatten(name="flat"), layers.Dense(4, activation="tanh", name="code")],
                               name="encoder")
    distance = keras.ops.abs(encoder(x["left"]) - encoder(x["right"]))
    return {"same": layers.Dense(1, activation="sigmoid", name="same")(distance)}


SIAMESE = """model siamese(left: real[5, 5, 1], right: real[5, 5, 1]) -> same {
    encoder = sequential(conv2d(3, 2, activation = relu, name = "conv"), flatten, dense(4, tanh, name = "code"))
    same = abs(encoder(left) - encoder(right)) |> dense(1, sigmoid)
}
"""


def nested(keras, x):
    layers = keras.layers
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    mixed = layers.Concatenate(name="mixed")([layers.Dense(3, activation="tanh", name="left")(a), b])
    inner = keras.Model([a, b], [layers.Dense(2, name="sum")(mixed), layers.Dense(3, activation="relu", name="rest")(mixed)],
                        name="inner")
    tail = keras.Sequential([keras.Input((3,)), layers.Dense(4, activation="tanh", name="up"),
                             layers.Dense(3, name="down")], name="tail")
    s, r = inner([x["x"], x["z"]])
    s2, r2 = inner([x["x"], tail(r)])
    return {"y": layers.Add(name="y")([s, s2]), "rest": layers.Dense(1, name="rest")(r2)}


NESTED = """model inner(a: real[4], b: real[3]) -> (sum, rest) {
    left = a |> dense(3, tanh)
    mixed = concatenate()([left, b])
    sum = mixed |> dense(2)
    rest = mixed |> dense(3, relu)
}

model nested(x: real[4], z: real[3]) -> (y, rest) {
    s, r = inner(x, z)
    s2, r2 = inner(x, sequential(dense(4, tanh, name = "up"), dense(3, name = "down"), name = "tail")(r))
    y = s + s2
    rest = r2 |> dense(1)
}
"""


def translator(keras, x):
    layers = keras.layers
    table = layers.Embedding(9, 4, name="table")
    _, h, c = layers.LSTM(5, return_state=True, name="encoder")(table(x["source"]))
    decoded = layers.LSTM(5, return_sequences=True, name="decoder")(table(x["target"]), initial_state=[h, c])
    word = layers.TimeDistributed(layers.Dense(9, activation="softmax", name="choice"), name="word")(decoded)
    return {"word": word}


TRANSLATOR = """model translator(source: i32[6], target: i32[4]) -> word {
    table = embedding(9, 4)
    encoder = table(source) |> lstm(5, return_state = true)
    decoder = lstm(5, return_sequences = true)(table(target), initial_state = encoder[1:])
    word = decoder |> time_distributed(dense(9, softmax, name = "choice"))
}
"""


def directions(keras, x):
    layers = keras.layers
    first = layers.Bidirectional(layers.GRU(3, return_sequences=True, name="gru"), merge_mode="sum", name="first")(x["x"])
    second = layers.Bidirectional(layers.LSTM(3, name="lstm"), backward_layer=layers.SimpleRNN(
        3, go_backwards=True, name="back"), name="second")(first)
    return {"y": layers.Dense(1, name="y")(second)}


DIRECTIONS = """model directions(x: real[5, 3]) -> y {
    first = x |> bidirectional(gru(3, return_sequences = true), merge_mode = "sum")
    second = first |> bidirectional(lstm(3), backward_layer = simple_rnn(3, go_backwards = true, name = "back"))
    y = second |> dense(1)
}
"""

SGD = ("sgd(learning_rate = 0.1, momentum = 0.9)", "SGD", {"learning_rate": 0.1, "momentum": 0.9})
ADAM = ("adam(learning_rate = 0.01)", "Adam", {"learning_rate": 0.01})
RMSPROP = ("rmsprop(learning_rate = 0.003)", "RMSprop", {"learning_rate": 0.003})
CLASSES, BITS = "sparse_categorical_crossentropy", "binary_crossentropy"

TOPOLOGIES = {
    "branches": Topology(BRANCHES, {"x": [5]}, branches, {"y": ("mse", 1)}, ADAM),
    "heads": Topology(HEADS, {"x": [5]}, heads, {"price": ("mae", 0.5), "kind": (CLASSES, 1), "seen": (BITS, 2)}, SGD),
    "inception": Topology(INCEPTION, {"image": [6, 5, 3]}, inception, {"y": (CLASSES, 1)}, ADAM),
    "residual": Topology(RESIDUAL, {"image": [5, 4, 2]}, residual, {"y": ("mse", 1)}, SGD),
    "shared": Topology(SHARED, {"x": [4]}, shared, {"y": ("mse", 1)}, RMSPROP),
    "siamese": Topology(SIAMESE, {"left": [5, 5, 1], "right": [5, 5, 1]}, siamese, {"same": (BITS, 1)}, SGD),
    "nested": Topology(NESTED, {"x": [4], "z": [3]}, nested, {"y": ("mse", 1), "rest": ("mae", 1)}, ADAM),
    "translator": Topology(TRANSLATOR, {"source": ([6], 9), "target": ([4], 9)}, translator, {"word": (CLASSES, 1)}, ADAM),
    "directions": Topology(DIRECTIONS, {"x": [5, 3]}, directions, {"y": ("mse", 1)}, SGD),
}
