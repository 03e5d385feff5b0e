"""Random configurations of layers. A family is a function that yields cases; add one here and run make_goldens.py.

A case is one Keras layer with its arguments and the shapes of its inputs. The same arguments give the Horn text: names
are Keras's, the layer's name is its snake case. What is no plain value is a `Both`: a Keras object and its Horn text.
"""


class Both:
    """An argument that Keras has as an object: `text` is Horn, `make(keras)` gives the object."""

    def __init__(self, text, make):
        self.text, self.make = text, make


class Code(Both):
    """One that has no form in JSON."""


class Word:
    """A function that Keras names by a string and Horn by a name: relu, zeros."""

    def __init__(self, name):
        self.name = name


class Case:
    """kind: what is counted; layer: the class in keras.layers; horn: the name in the library; arguments: by name;
    shapes: of the inputs, without the batch; data: normal, positive or ids(n); batch: rows; states: all inputs but the
    first are its initial_state; trained: false where training is random, so that only the prediction is compared."""

    def __init__(self, kind, layer, horn, shapes, /, data="normal", batch=4, states=False, trained=True, **arguments):
        self.kind, self.layer, self.horn, self.shapes = kind, layer, horn, shapes
        self.data, self.batch, self.arguments = data, batch, arguments
        self.states, self.trained = states, trained

    def gives_many(self):
        """Whether the layer has several results."""
        layer = self.arguments.get("layer")
        return (self.arguments.get("return_state", False) or self.arguments.get("merge_mode", "") is None
                or (layer is not None and "return_state = true" in layer.text))


def horn_value(value):
    if isinstance(value, Both):
        return value.text
    if isinstance(value, Word):
        return value.name
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(horn_value(each) for each in value) + "]"
    if isinstance(value, float):
        return f"{value:.9f}".rstrip("0") + ("0" if value == int(value) else "")
    return repr(value)


def keras_value(keras, value):
    if isinstance(value, Both):
        return value.make(keras)
    if isinstance(value, Word):
        return value.name
    if isinstance(value, list):
        return tuple(keras_value(keras, each) for each in value)
    return value


def shape_of(random, rank, low=2, high=6):
    return [random.randint(low, high) for _ in range(rank)]


ACTIVATIONS = """linear relu relu6 leaky_relu elu selu celu gelu silu mish softplus softsign tanh sigmoid exponential
hard_sigmoid hard_silu hard_tanh hard_shrink soft_shrink tanh_shrink squareplus sparse_plus sparse_sigmoid log_sigmoid
softmax log_softmax glu""".split()


def sparsemax(x):
    """The projection onto the simplex. Keras's own (3.15) adds up all cumulative sums of the support, where the last is
    meant, so that what it gives does not sum to 1."""
    import jax.numpy as jnp

    ordered = -jnp.sort(-x, axis=-1)
    sums = jnp.cumsum(ordered, axis=-1)
    k = jnp.sum(1 + jnp.arange(1, x.shape[-1] + 1) * ordered > sums, axis=-1, keepdims=True)
    return jnp.maximum(x - (jnp.take_along_axis(sums, k - 1, axis=-1) - 1) / k, 0)


def activations(random):
    for name in ACTIVATIONS:
        shape = shape_of(random, random.randint(1, 2))
        shape[-1] += shape[-1] % 2
        yield Case("activation " + name, "Activation", "activation", [shape], activation=Word(name))
    for size in (3, 7):
        yield Case("activation sparsemax", "Activation", "activation", [[2, size]],
                   activation=Code("sparsemax", lambda keras: sparsemax))


def activation_layers(random):
    for _ in range(3):
        shape = shape_of(random, random.randint(1, 3))
        yield Case("ReLU", "ReLU", "re_lu", [shape], max_value=random.choice([None, 0.8005, 1.5005]),
                   negative_slope=random.choice([0.0, 0.2]), threshold=random.choice([0.0, 0.2505]))
        yield Case("LeakyReLU", "LeakyReLU", "leaky_re_lu", [shape], negative_slope=random.choice([0.1, 0.3]))
        yield Case("ELU", "ELU", "elu_layer", [shape], alpha=random.choice([0.5, 1.0, 1.7]))
        yield Case("Softmax", "Softmax", "softmax_layer", [shape],
                   axis=random.choice([-1, 1, len(shape)] + ([[1, 2]] if len(shape) > 1 else [])))
    for shared in (None, [1], [1, 2]):
        shape = shape_of(random, random.randint(2, 3))
        yield Case("PReLU", "PReLU", "p_re_lu", [shape], shared_axes=shared,
                   alpha_initializer=Word("glorot_uniform"))


def regularizers():
    return [
        Both("l1(0.02)", lambda keras: keras.regularizers.L1(0.02)),
        Both("l2(0.03)", lambda keras: keras.regularizers.L2(0.03)),
        Both("l1_l2(0.01, 0.02)", lambda keras: keras.regularizers.L1L2(0.01, 0.02)),
        Both('orthogonal_regularizer(0.05, "rows")',
             lambda keras: keras.regularizers.OrthogonalRegularizer(0.05, "rows")),
        Both('orthogonal_regularizer(0.05, "columns")',
             lambda keras: keras.regularizers.OrthogonalRegularizer(0.05, "columns")),
    ]


def constraints():
    return [
        Both("max_norm(0.7, axis = 0)", lambda keras: keras.constraints.MaxNorm(0.7, axis=0)),
        Both("max_norm(0.5, axis = 1)", lambda keras: keras.constraints.MaxNorm(0.5, axis=1)),
        Both("non_neg", lambda keras: keras.constraints.NonNeg()),
        Both("unit_norm(axis = 1)", lambda keras: keras.constraints.UnitNorm(axis=1)),
        Both("min_max_norm(0.3, 0.8, rate = 0.6, axis = 0)",
             lambda keras: keras.constraints.MinMaxNorm(0.3, 0.8, rate=0.6, axis=0)),
    ]


def dense(random):
    for _ in range(5):
        yield Case("Dense", "Dense", "dense", [shape_of(random, random.randint(1, 3))], units=random.randint(1, 7),
                   activation=Word(random.choice(["linear", "relu", "tanh", "softmax"])),
                   use_bias=random.choice([True, True, False]), bias_initializer=Word("random_normal"))
    for each in regularizers():
        yield Case("kernel regularizer", "Dense", "dense", [shape_of(random, 1, 3)], units=4,
                   kernel_regularizer=each)
    for each in regularizers()[:3]:
        yield Case("bias regularizer", "Dense", "dense", [shape_of(random, 1)], units=3, bias_regularizer=each,
                   bias_initializer=Word("random_normal"))
        yield Case("activity regularizer", "Dense", "dense", [shape_of(random, 2)], units=3,
                   activity_regularizer=each, activation=Word("tanh"))
    for each in constraints():
        yield Case("kernel constraint", "Dense", "dense", [shape_of(random, 1, 3)], units=4, kernel_constraint=each)
    yield Case("bias constraint", "Dense", "dense", [shape_of(random, 1)], units=5, bias_constraint=constraints()[2],
               bias_initializer=Word("random_normal"))


def flags(random):
    return {"center": random.choice([True, True, False]), "scale": random.choice([True, True, False]),
            "gamma_initializer": Word("random_uniform"), "beta_initializer": Word("random_normal")}


def normalizations(random):
    for i in range(7):
        shape = shape_of(random, random.randint(1, 3))
        yield Case("BatchNormalization", "BatchNormalization", "batch_normalization", [shape],
                   axis=random.choice([-1, len(shape), 1]), momentum=random.choice([0.99, 0.7, 0.0]),
                   epsilon=random.choice([0.001, 0.01]), batch=1 if i == 2 else 4, **flags(random),
                   **({"gamma_regularizer": regularizers()[1]} if i == 3 else {}),
                   **({"beta_constraint": constraints()[2]} if i == 4 else {}))
        yield Case("LayerNormalization", "LayerNormalization", "layer_normalization", [shape],
                   axis=random.choice([-1, 1, len(shape)] + ([[1, 2], [-2, -1]] if len(shape) > 1 else [])),
                   epsilon=random.choice([0.001, 0.01]), **flags(random))
    for _ in range(5):
        shape = shape_of(random, random.randint(1, 3))
        axis = random.choice([-1, len(shape), 1])
        groups = random.choice([1, 2, 3, -1])
        shape[axis if axis < 0 else axis - 1] = random.choice([6, 12]) if groups != -1 else 4
        yield Case("GroupNormalization", "GroupNormalization", "group_normalization", [shape], groups=groups,
                   axis=axis, **flags(random))
        yield Case("RMSNormalization", "RMSNormalization", "rms_normalization", [shape],
                   axis=random.choice([-1, len(shape)] + ([[1, 2]] if len(shape) == 2 else [])),
                   epsilon=random.choice([0.000001, 0.01]))
        yield Case("UnitNormalization", "UnitNormalization", "unit_normalization", [shape],
                   axis=random.choice([-1, 1] + ([[1, 2]] if len(shape) > 1 else [])))
    for scale, offset in ((0.5, 0.0), (2.0, -1.0), (0.1, 0.3)):
        yield Case("Rescaling", "Rescaling", "rescaling", [shape_of(random, 2)], scale=scale, offset=offset)
    for _ in range(2):
        yield Case("Normalization", "Normalization", "normalization", [shape_of(random, 2)], mean=0.4,
                   variance=random.choice([0.3, 2.0]), invert=random.choice([True, False]))


def merging(random):
    for name in "Add Multiply Average Maximum Minimum Subtract".split():
        for count in ((2,) if name == "Subtract" else (2, 3)):
            shape = shape_of(random, random.randint(1, 3))
            yield Case(name, name, name.lower(), [shape] * count)
        shape = shape_of(random, 3)
        yield Case(name, name, name.lower(), [shape, shape[1:]])
    for _ in range(4):
        shape = shape_of(random, random.randint(1, 3))
        axis = random.randint(1, len(shape))
        shapes = [shape[:], shape[:], shape[:]]
        for each in shapes:
            each[axis - 1] = random.randint(1, 4)
        yield Case("Concatenate", "Concatenate", "concatenate", shapes[: random.randint(2, 3)], axis=axis)
    yield Case("Concatenate", "Concatenate", "concatenate", [[3, 2], [3, 4]])
    for normalize in (False, True):
        yield Case("Dot", "Dot", "dot", [[5], [5]], axes=1, normalize=normalize)
        yield Case("Dot", "Dot", "dot", [[3, 5], [4, 5]], axes=2, normalize=normalize)
        yield Case("Dot", "Dot", "dot", [[5, 3], [2, 5]], axes=[1, 2], normalize=normalize)
        yield Case("Dot", "Dot", "dot", [[5], [5, 2]], axes=[1, 1], normalize=normalize)
        yield Case("Dot", "Dot", "dot", [[2, 3, 4], [4, 2]], axes=[-1, 1], normalize=normalize)


def pads(random, n, high=2):
    return [[random.randint(0, high), random.randint(0, high)] for _ in range(n)]


def reshaping(random):
    for _ in range(3):
        for rank in (1, 2, 3):
            shape = shape_of(random, rank + 1, 2, 4)
            padding = random.choice([random.randint(0, 2), pads(random, rank) if rank > 1 else pads(random, 1)[0]])
            if rank > 1 and random.random() < 0.3:
                padding = [random.randint(0, 2) for _ in range(rank)]
            yield Case(f"ZeroPadding{rank}D", f"ZeroPadding{rank}D", f"zero_padding{rank}d", [shape], padding=padding)
            wide = [n + 4 for n in shape]
            yield Case(f"Cropping{rank}D", f"Cropping{rank}D", f"cropping{rank}d", [wide],
                       cropping=random.choice([1, pads(random, rank) if rank > 1 else pads(random, 1)[0]]))
            yield Case(f"UpSampling{rank}D", f"UpSampling{rank}D", f"up_sampling{rank}d", [shape],
                       size=random.choice([2, 3]) if rank == 1 else [random.randint(1, 3) for _ in range(rank)])
    for size in (2, 3):
        yield Case("UpSampling2D", "UpSampling2D", "up_sampling2d", [[3, 4, 2]], size=[size, 2],
                   interpolation="bilinear")
    yield Case("ZeroPadding2D", "ZeroPadding2D", "zero_padding2d", [[2, 3, 4]], padding=[[1, 0], [2, 1]],
               data_format="channels_first")
    yield Case("Cropping2D", "Cropping2D", "cropping2d", [[2, 5, 4]], cropping=[[1, 0], [2, 1]],
               data_format="channels_first")
    yield Case("UpSampling2D", "UpSampling2D", "up_sampling2d", [[2, 3, 2]], size=[2, 3],
               data_format="channels_first")
    for _ in range(3):
        shape = shape_of(random, random.randint(2, 3))
        order = list(range(1, len(shape) + 1))
        random.shuffle(order)
        yield Case("Permute", "Permute", "permute", [shape], dims=order)
        yield Case("RepeatVector", "RepeatVector", "repeat_vector", [shape_of(random, 1)], n=random.randint(1, 4))
        yield Case("Flatten", "Flatten", "flatten", [shape_of(random, random.randint(1, 3))],
                   data_format=random.choice([None, "channels_first"]))
        a, b, c = shape_of(random, 3)
        yield Case("Reshape", "Reshape", "reshape", [[a, b * c]],
                   target_shape=random.choice([[a * b, c], [c, -1], [b, a, c], [-1]]))


def noise(random):
    """While predicting and at rate 0 noise layers change nothing; noise_test.cpp looks at the noise."""
    for layer, horn in (("Dropout", "dropout"), ("GaussianDropout", "gaussian_dropout"),
                        ("AlphaDropout", "alpha_dropout")):
        yield Case(layer, layer, horn, [shape_of(random, 2)], rate=0.0)
    yield Case("GaussianNoise", "GaussianNoise", "gaussian_noise", [shape_of(random, 2)], stddev=0.0)
    for rank in (1, 2, 3):
        yield Case(f"SpatialDropout{rank}D", f"SpatialDropout{rank}D", f"spatial_dropout{rank}d",
                   [shape_of(random, rank + 1)], rate=0.0)
    for _ in range(2):
        yield Case("ActivityRegularization", "ActivityRegularization", "activity_regularization",
                   [shape_of(random, random.randint(1, 3))], l1=random.choice([0.0, 0.02]), l2=0.03)
    yield Case("Identity", "Identity", "identity_layer", [shape_of(random, 2)])


def window_options(random, places, most=3):
    """Kernel, and strides or dilation (Keras takes not both above 1), each one number or a number an axis."""
    def option(high):
        return random.choice([random.randint(1, high), [random.randint(1, high) for _ in range(places)]])

    options = {"kernel_size": option(most)}
    which = random.choice(["strides", "dilation_rate", "neither"])
    if which != "neither":
        options[which] = option(3 if which == "strides" else 2)
    return options


def image_shape(random, places, channels, low=None):
    low = low or {1: 7, 2: 6, 3: 5}[places]
    return [random.randint(low, low + 2) for _ in range(places)] + [channels]


def convolution_options(random):
    return {"use_bias": random.choice([True, True, False]), "bias_initializer": Word("random_normal"),
            "activation": Word(random.choice(["linear", "tanh", "sigmoid"]))}


def convolutions(random):
    for places, count in ((1, 11), (2, 10), (3, 6)):
        for i in range(count):
            groups = random.choice([1, 1, 2, 3])
            padding = ["valid", "same", "causal"][i % 3 if places == 1 else i % 2]
            yield Case(f"Conv{places}D", f"Conv{places}D", f"conv{places}d",
                       [image_shape(random, places, groups * random.randint(1, 2))], filters=groups * random.randint(1, 3),
                       groups=groups, padding=padding, **window_options(random, places), **convolution_options(random))
    yield Case("Conv2D", "Conv2D", "conv2d", [[5, 6, 3]], filters=4, kernel_size=[5, 6], data_format="channels_last")
    yield Case("Conv2D", "Conv2D", "conv2d", [[7, 5, 3]], filters=17, kernel_size=1, strides=2)
    norm = Both("max_norm(0.9, axis = [0, 1, 2])", lambda keras: keras.constraints.MaxNorm(0.9, axis=[0, 1, 2]))
    yield Case("Conv2D with penalties", "Conv2D", "conv2d", [[4, 5, 2]], filters=3, kernel_size=2,
               kernel_regularizer=regularizers()[2], bias_regularizer=regularizers()[1], bias_initializer=Word("ones"),
               kernel_constraint=norm, bias_constraint=constraints()[2])
    yield Case("Conv1D with penalties", "Conv1D", "conv1d", [[6, 2]], filters=3, kernel_size=3, activation=Word("tanh"),
               activity_regularizer=regularizers()[1], kernel_constraint=constraints()[0])


def transposed(random):
    for places, count in ((1, 6), (2, 8), (3, 4)):
        for i in range(count):
            options = {"kernel_size": random.randint(1, 4), "strides": random.randint(1, 3)}
            if places > 1 and random.random() < 0.4:
                options = {key: [random.randint(1, 3) for _ in range(places)] for key in options}
            if options["strides"] == 1 and random.random() < 0.6:
                options["dilation_rate"] = 2
            steps = options["strides"]
            if i % 4 >= 2 and steps != 1 and "dilation_rate" not in options:
                least = steps if isinstance(steps, int) else min(steps)
                options["output_padding"] = random.randint(0, least - 1)
            yield Case(f"Conv{places}DTranspose", f"Conv{places}DTranspose", f"conv{places}d_transpose",
                       [image_shape(random, places, random.randint(1, 3), 3)], filters=random.randint(1, 3),
                       padding=["valid", "same"][i % 2], **options, **convolution_options(random))


def each_channel(random):
    for places in (1, 2):
        for i in range(5):
            size = random.randint(1, 4)
            steps = {random.choice(["strides", "dilation_rate"]): random.choice([1, 2])}
            shared = {"padding": ["valid", "same"][i % 2], "depth_multiplier": random.choice([1, 1, 2, 3])}
            yield Case(f"DepthwiseConv{places}D", f"DepthwiseConv{places}D", f"depthwise_conv{places}d",
                       [image_shape(random, places, random.randint(1, 5))], kernel_size=size, **shared, **steps,
                       **convolution_options(random))
            yield Case(f"SeparableConv{places}D", f"SeparableConv{places}D", f"separable_conv{places}d",
                       [image_shape(random, places, random.randint(1, 4))], filters=random.randint(1, 5),
                       kernel_size=size, **shared, **steps, **convolution_options(random))
    yield Case("DepthwiseConv2D", "DepthwiseConv2D", "depthwise_conv2d", [[4, 4, 3]], kernel_size=[2, 3],
               depthwise_initializer=Word("random_normal"), depthwise_regularizer=regularizers()[1],
               depthwise_constraint=constraints()[2])
    yield Case("SeparableConv2D", "SeparableConv2D", "separable_conv2d", [[4, 5, 2]], filters=3, kernel_size=[3, 1],
               depthwise_regularizer=regularizers()[0], pointwise_regularizer=regularizers()[1],
               pointwise_constraint=constraints()[0])


def pooling(random):
    for places in (1, 2, 3):
        for i in range(4):
            for what in ("Max", "Average"):
                size = random.choice([2, 3, [random.randint(1, 3) for _ in range(places)]])
                steps = {} if i < 2 else {"strides": random.choice([1, 2, 3, [random.randint(1, 3) for _ in range(places)]])}
                yield Case(f"{what}Pooling{places}D", f"{what}Pooling{places}D", f"{what.lower()}_pooling{places}d",
                           [image_shape(random, places, random.randint(1, 5))], pool_size=size,
                           padding=["valid", "same"][i % 2], **steps)
        for what in ("Max", "Average"):
            for keepdims in (False, True):
                yield Case(f"Global{what}Pooling{places}D", f"Global{what}Pooling{places}D",
                           f"global_{what.lower()}_pooling{places}d",
                           [image_shape(random, places, random.randint(1, 5), 3)], keepdims=keepdims)


def embeddings(random):
    for shape in ([], [1], [5], [9], [3, 4]):
        rows = random.randint(2, 12)
        yield Case("Embedding", "Embedding", "embedding", [shape], data=f"ids({rows})", input_dim=rows,
                   output_dim=random.randint(1, 6))
    yield Case("Embedding", "Embedding", "embedding", [[6]], data="ids(7)", input_dim=7, output_dim=3,
               embeddings_initializer=Word("random_normal"), embeddings_regularizer=regularizers()[2],
               embeddings_constraint=constraints()[1])


def resizing(random):
    """Larger, smaller, the same; a divisor of the size, a multiple, neither. 6 to 5 reads points that lie on a bound."""
    for interpolation in ("bilinear", "nearest"):
        for height, width, wanted in ((3, 4, [6, 12]), (6, 9, [2, 3]), (6, 5, [5, 8]), (7, 4, [4, 4]), (1, 5, [3, 1]),
                                      (8, 6, [12, 4])):
            yield Case("Resizing", "Resizing", "resizing", [[height, width, random.randint(1, 3)]], height=wanted[0],
                       width=wanted[1], interpolation=interpolation)
        yield Case("Resizing", "Resizing", "resizing", [[2, 5, 4]], height=3, width=6, interpolation=interpolation,
                   data_format="channels_first")
        yield Case("Resizing", "Resizing", "resizing", [[3, 4, 9]], height=8, width=7, interpolation=interpolation,
                   crop_to_aspect_ratio=False, pad_to_aspect_ratio=False, fill_value=0.5, data_format="channels_first")
    yield Case("UpSampling2D", "UpSampling2D", "up_sampling2d", [[2, 3, 4]], size=[3, 2], interpolation="bilinear",
               data_format="channels_first")


FAMILIES = [activations, activation_layers, dense, normalizations, merging, reshaping, noise, convolutions, transposed,
            each_channel, pooling, embeddings, resizing]


def cell_options(random, kind):
    options = {"units": random.randint(1, 5), "bias_initializer": Word("random_normal")}
    options["activation"] = Word(random.choice(["tanh", "sigmoid", "softsign"]))
    if kind != "SimpleRNN":
        options["recurrent_activation"] = Word(random.choice(["sigmoid", "tanh", "hard_sigmoid"]))
    if kind == "GRU":
        options["reset_after"] = random.choice([True, False])
    options["use_bias"] = random.choice([True, True, False])
    options["return_sequences"] = random.choice([True, False])
    return options


CELLS = (("LSTM", "lstm"), ("GRU", "gru"), ("SimpleRNN", "simple_rnn"))


def recurrent(random):
    for kind, horn in CELLS:
        for _ in range(4):
            yield Case(kind, kind, horn, [shape_of(random, 2)], go_backwards=random.choice([True, False]),
                       **cell_options(random, kind))
        for sequences in (True, False):
            options = {**cell_options(random, kind), "return_sequences": sequences}
            yield Case(kind + " with states", kind, horn, [shape_of(random, 2)], return_state=True, **options)
            units = options["units"]
            yield Case(kind + " from a state", kind, horn,
                       [shape_of(random, 2)] + [[units]] * (2 if kind == "LSTM" else 1), states=True,
                       return_state=sequences, go_backwards=not sequences, **options)
        yield Case(kind + " with dropout", kind, horn, [shape_of(random, 2)], dropout=0.3, recurrent_dropout=0.2,
                   trained=False, **cell_options(random, kind))
        yield Case(kind + " unrolled", kind, horn, [shape_of(random, 2)], dropout=0.0, recurrent_dropout=0.0, seed=3,
                   unroll=True, **cell_options(random, kind))
        for number, regularizer in enumerate(regularizers()[:3]):
            which = ["kernel", "recurrent", "bias"]
            options = {**cell_options(random, kind), "use_bias": True, "activation": Word("tanh")}
            yield Case(kind + " with penalties", kind, horn, [[3, 2]],
                       **{which[number] + "_regularizer": regularizer, which[number - 1] + "_regularizer": regularizers()[1],
                          which[number] + "_constraint": constraints()[2 if which[number] == "bias" else 0]}, **options)
        options = {**cell_options(random, kind), "activation": Word("tanh")}
        if kind != "SimpleRNN":  # Keras's own forgets it
            yield Case(kind + " with penalties", kind, horn, [[3, 2]], activity_regularizer=regularizers()[2],
                       return_state=True, **options)


def inner(kind, options):
    """A layer as an argument."""
    horn = dict(CELLS).get(kind) or {"Dense": "dense", "Conv2D": "conv2d", "Conv1D": "conv1d", "Flatten": "flatten",
                                     "Embedding": "embedding", "LayerNormalization": "layer_normalization",
                                     "BatchNormalization": "batch_normalization"}[kind]
    words = [f"{key} = {horn_value(value)}" for key, value in options.items()] + ['name = "inner"']
    return Both(f"{horn}({', '.join(words)})",
                lambda keras: getattr(keras.layers, kind)(
                    **{key: keras_value(keras, value) for key, value in options.items()}, name="inner"))


def both_ways(random):
    for kind, horn in CELLS:
        for mode in ("concat", "sum", "mul", "ave", None):
            for sequences in (True, False) if mode in ("concat", None) else (random.choice([True, False]),):
                options = {**cell_options(random, kind), "return_sequences": sequences}
                yield Case(f"Bidirectional {kind}", "Bidirectional", "bidirectional", [shape_of(random, 2)],
                           layer=inner(kind, options), merge_mode=mode)
        options = {**cell_options(random, kind), "return_state": True}
        yield Case("Bidirectional with states", "Bidirectional", "bidirectional", [shape_of(random, 2)],
                   layer=inner(kind, options), merge_mode=random.choice(["sum", None]))
        states = [[options["units"]]] * (4 if kind == "LSTM" else 2)
        yield Case("Bidirectional from states", "Bidirectional", "bidirectional", [shape_of(random, 2)] + states,
                   states=True, layer=inner(kind, options))
        options = {**cell_options(random, kind), "return_sequences": True}
        other, name = random.choice(CELLS)
        back = {**cell_options(random, other), "return_sequences": True, "go_backwards": True}
        words = [f"{key} = {horn_value(value)}" for key, value in back.items()] + ['name = "other"']
        yield Case("Bidirectional of two kinds", "Bidirectional", "bidirectional", [shape_of(random, 2)],
                   layer=inner(kind, options),
                   backward_layer=Both(f"{name}({', '.join(words)})",
                                       lambda keras, other=other, back=back: getattr(keras.layers, other)(
                                           **{key: keras_value(keras, value) for key, value in back.items()},
                                           name="other")))


def small_model(keras, is_sequential):
    """`sequential(...)` or the model `small` of the text's head."""
    layers = keras.layers
    parts = [layers.Dense(5, activation="tanh", name="hidden"), layers.Dense(2, name="y")]
    if is_sequential:
        return keras.Sequential([keras.Input((4,)), *parts], name="inner")
    x = keras.Input((4,), name="x")
    hidden = parts[0](x)
    return keras.Model(x, parts[1](layers.Concatenate(name="both")([x, hidden])), name="small")


def distributed(random):
    for options in ({"units": 3, "activation": Word("tanh")}, {"units": 1, "use_bias": False},
                    {"units": 2, "kernel_regularizer": regularizers()[1], "kernel_constraint": constraints()[0]}):
        yield Case("TimeDistributed Dense", "TimeDistributed", "time_distributed", [shape_of(random, random.randint(2, 3))],
                   layer=inner("Dense", options))
    for padding in ("valid", "same"):
        yield Case("TimeDistributed Conv2D", "TimeDistributed", "time_distributed", [[3, 4, 5, 2]],
                   layer=inner("Conv2D", {"filters": 3, "kernel_size": 2, "padding": padding, "strides": 2,
                                          "activation": Word("tanh")}))
    yield Case("TimeDistributed Conv1D", "TimeDistributed", "time_distributed", [[2, 5, 3]],
               layer=inner("Conv1D", {"filters": 2, "kernel_size": 3, "padding": "causal"}))
    yield Case("TimeDistributed Flatten", "TimeDistributed", "time_distributed", [[3, 2, 4]], layer=inner("Flatten", {}))
    yield Case("TimeDistributed LayerNormalization", "TimeDistributed", "time_distributed", [[3, 6]],
               layer=inner("LayerNormalization", {"beta_initializer": Word("random_normal")}))
    for kind, _ in CELLS:
        yield Case("TimeDistributed " + kind, "TimeDistributed", "time_distributed", [[2, 3, 4]],
                   layer=inner(kind, cell_options(random, kind)))
    texts = ('sequential(dense(5, tanh, name = "hidden"), dense(2, name = "y"), name = "inner")', "small")
    for is_sequential, text in zip((True, False), texts):
        yield Case("TimeDistributed model", "TimeDistributed", "time_distributed", [[3, 4]],
                   layer=Both(text, lambda keras, is_sequential=is_sequential: small_model(keras, is_sequential)))


def spectral(random):
    for iterations in (1, 3):
        for options in ({"units": 3, "activation": Word("tanh")}, {"units": 4, "kernel_regularizer": regularizers()[1]}):
            yield Case("SpectralNormalization Dense", "SpectralNormalization", "spectral_normalization",
                       [shape_of(random, 1, 3)], layer=inner("Dense", options), power_iterations=iterations)
        yield Case("SpectralNormalization Conv2D", "SpectralNormalization", "spectral_normalization", [[4, 5, 2]],
                   layer=inner("Conv2D", {"filters": 3, "kernel_size": 2, "padding": "same"}), power_iterations=iterations)


def states_inside(random):
    """What sets a state is called place by place."""
    for axis in (-1, 1):
        yield Case("TimeDistributed BatchNormalization", "TimeDistributed", "time_distributed", [[3, 4, 2]],
                   layer=inner("BatchNormalization", {"axis": axis, "momentum": 0.7, "gamma_initializer": Word("ones")}))


# Layers with states and layers of layers: models of their own, wrapped_0, ...
WRAPPED = [recurrent, both_ways, distributed, spectral, states_inside]
