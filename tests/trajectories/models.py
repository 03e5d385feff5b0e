"""The models of the trajectories, for Horn (models.horn is written from here) and for Keras."""

import numpy

FEATURES, HIDDEN, CLASSES, ROWS = 6, 5, 4, 40


def data(kind):
    """Arrays as a data file names them. Values have few digits, so that the file stays small."""
    random = numpy.random.RandomState(19)
    x = numpy.round(random.normal(size=(ROWS, FEATURES)), 2)
    score = x @ random.normal(size=(FEATURES, CLASSES)) + 1.5 * random.normal(size=(ROWS, CLASSES))
    classes = score.argmax(axis=1)
    weights = numpy.round(random.uniform(0.2, 3, ROWS), 2)
    weights[7] = 0
    if kind == "two":
        return {"left_train": x, "right_train": numpy.round(x[::-1] * 0.7, 2), "size_train": numpy.round(score[:, :2] / 4, 2),
                "kind_train": classes}
    y = {
        "real": numpy.round(score[:, :2] / 4, 2),
        "positive": numpy.round(numpy.abs(score[:, :2]) + 0.5, 2),
        "sign": numpy.where(score[:, :1] > 0, 1.0, -1.0),
        "binary": (score[:, :1] > 0) * 1.0,
        "classes": classes,
        "one_hot": numpy.eye(CLASSES)[classes],
        "shares": numpy.round(numpy.exp(score / 4) / numpy.exp(score / 4).sum(axis=1, keepdims=True), 3),
        "ranges": numpy.round(score[:, :2] / 4, 2),
    }[kind]
    if kind == "ranges":  # features of very different sizes, for normalization
        x = numpy.round(x * numpy.array([1, 100, 0.01, 5, 1, 30]) + numpy.array([0, 500, 1, -3, 0, 10]), 4)
    arrays = {"x_train": x, "y_train": y}
    if kind in ("classes", "binary"):
        arrays["sample_weight_train"] = weights
    return arrays


def net(name, outputs, activation, loss, metric, optimizer, more="", before=""):
    """Horn's text of x -> hidden -> y."""
    return f"""model {name}(x: real[{FEATURES}]) -> y {{
    y = x{before} |> dense({HIDDEN}, tanh) |> dense({outputs}, {activation})
}}

train {name} {{
    optimizer  = {optimizer}
    loss       = {loss}
    metrics    = [{metric}]
    batch_size = 16
    epochs     = 7
{more}}}
"""


def sequential(keras, outputs, activation, loss, metric, optimizer, first=()):
    model = keras.Sequential([keras.Input((FEATURES,)), *first, keras.layers.Dense(HIDDEN, activation="tanh"),
                              keras.layers.Dense(outputs, activation=activation)])
    model.compile(optimizer=optimizer, loss=loss, metrics=[metric])
    return model


def two(keras):
    left, right = keras.Input((FEATURES,), name="left"), keras.Input((FEATURES,), name="right")
    shared = keras.layers.Dense(HIDDEN, activation="tanh", name="shared")
    a, b = shared(left), shared(right)
    size = keras.layers.Dense(2, name="size")(keras.layers.Subtract()([a, b]))
    kind = keras.layers.Dense(CLASSES, activation="softmax", name="kind")(keras.layers.Concatenate()([a, b]))
    model = keras.Model([left, right], {"size": size, "kind": kind})
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss={"size": "mse", "kind": "sparse_categorical_crossentropy"},
                  loss_weights={"size": 2.0, "kind": 0.25}, metrics={"size": ["mae"], "kind": ["accuracy"]})
    return model


TWO = f"""model two(left: real[{FEATURES}], right: real[{FEATURES}]) -> (size, kind) {{
    shared = dense({HIDDEN}, tanh)
    a = shared(left)
    b = shared(right)
    size = a - b |> dense(2)
    kind = concatenate()([a, b]) |> dense({CLASSES}, softmax)
}}

train two {{
    optimizer    = adam(0.02)
    loss         = {{ size: mse, kind: sparse_categorical_crossentropy }}
    loss_weights = {{ size: 2.0, kind: 0.25 }}
    metrics      = {{ size: mae, kind: accuracy }}
    batch_size   = 16
    epochs       = 7
}}
"""

WEIGHTED = "    sample_weight = true\n"

# What all optimizers share, of each some: Keras's name, then the arguments.
CLIPPED = {
    "clipnorm_sgd": ("sgd", dict(learning_rate=0.1, momentum=0.9, clipnorm=0.2)),
    "clipnorm_adam": ("adam", dict(learning_rate=0.02, clipnorm=0.1)),
    "clipvalue_rmsprop": ("rmsprop", dict(learning_rate=0.01, clipvalue=0.02)),
    "clipvalue_sgd": ("sgd", dict(learning_rate=0.2, clipvalue=0.05)),
    "global_clipnorm_sgd": ("sgd", dict(learning_rate=0.2, nesterov=True, momentum=0.8, global_clipnorm=0.3)),
    "global_clipnorm_adam": ("adam", dict(learning_rate=0.02, amsgrad=True, global_clipnorm=0.1)),
    "weight_decay_sgd": ("sgd", dict(learning_rate=0.1, weight_decay=0.05)),
    "weight_decay_rmsprop": ("rmsprop", dict(learning_rate=0.01, centered=True, weight_decay=0.1)),
    "weight_decay_adam": ("adam", dict(learning_rate=0.02, weight_decay=0.2, clipnorm=0.1)),
}

# Losses that tests/reference has not: data, outputs, last activation, Horn's text, Keras's class and its arguments.
LOSSES = {
    "bce_smooth": ("binary", 1, "sigmoid", "binary_crossentropy(label_smoothing = 0.2)", "BinaryCrossentropy",
                   dict(label_smoothing=0.2)),
    "bce_logits": ("binary", 1, "linear", "binary_crossentropy(from_logits = true)", "BinaryCrossentropy",
                   dict(from_logits=True)),
    "cce_smooth": ("one_hot", 4, "softmax", "categorical_crossentropy(label_smoothing = 0.1)", "CategoricalCrossentropy",
                   dict(label_smoothing=0.1)),
    "scce_logits": ("classes", 4, "linear", "sparse_categorical_crossentropy(from_logits = true)",
                    "SparseCategoricalCrossentropy", dict(from_logits=True)),
    "mape": ("positive", 2, "linear", "mape", "MeanAbsolutePercentageError", {}),
    "msle": ("positive", 2, "softplus", "msle", "MeanSquaredLogarithmicError", {}),
    "huber": ("real", 2, "linear", "huber(delta = 0.4)", "Huber", dict(delta=0.4)),
    "log_cosh": ("real", 2, "linear", "log_cosh", "LogCosh", {}),
    "hinge": ("sign", 1, "tanh", "hinge", "Hinge", {}),
    "squared_hinge": ("sign", 1, "tanh", "squared_hinge", "SquaredHinge", {}),
    "categorical_hinge": ("one_hot", 4, "linear", "categorical_hinge", "CategoricalHinge", {}),
    "kl_divergence": ("shares", 4, "softmax", "kl_divergence", "KLDivergence", {}),
    "poisson": ("positive", 2, "softplus", "poisson", "Poisson", {}),
}


def horn_value(value):
    return str(value).lower() if isinstance(value, bool) else repr(value)


class Model:
    """kind: of data(); horn: its text; build(keras): compiled."""

    def __init__(self, kind, horn, build):
        self.kind, self.horn, self.build = kind, horn, build


def optimizer(keras, name, arguments):
    return {"sgd": keras.optimizers.SGD, "rmsprop": keras.optimizers.RMSprop, "adam": keras.optimizers.Adam}[name](**arguments)


def clipped_model(name, kind, arguments):
    text = ", ".join(f"{key} = {horn_value(value)}" for key, value in arguments.items())
    return Model("real", net(name, 2, "linear", "mse", "mae", f"{kind}({text})"),
                 lambda keras: sequential(keras, 2, "linear", "mse", "mae", optimizer(keras, kind, arguments)))


def loss_model(name, kind, outputs, activation, text, loss, arguments):
    metric = "accuracy" if kind in ("binary", "one_hot", "classes") and activation != "linear" else "mse"
    if kind == "classes":
        metric = "accuracy"
    return Model(kind, net(name, outputs, activation, text, metric, "adam(0.02)"),
                 lambda keras: sequential(keras, outputs, activation, getattr(keras.losses, loss)(**arguments), metric,
                                          keras.optimizers.Adam(0.02)))


MODELS = {
    "houses": Model("real", net("houses", 2, "linear", "mse", "mae", "adam(0.05)"),
                    lambda keras: sequential(keras, 2, "linear", "mse", "mae", keras.optimizers.Adam(0.05))),
    "topics": Model("classes", net("topics", CLASSES, "softmax", "sparse_categorical_crossentropy", "accuracy",
                                   "sgd(0.2, momentum = 0.9)", WEIGHTED),
                    lambda keras: sequential(keras, CLASSES, "softmax", "sparse_categorical_crossentropy", "accuracy",
                                             keras.optimizers.SGD(0.2, momentum=0.9))),
    "reviews": Model("binary", net("reviews", 1, "sigmoid", "binary_crossentropy", "accuracy", "rmsprop(0.02)", WEIGHTED),
                     lambda keras: sequential(keras, 1, "sigmoid", "binary_crossentropy", "accuracy",
                                              keras.optimizers.RMSprop(0.02))),
    "scaled": Model("ranges", net("scaled", 2, "linear", "mse", "mae", "adam(0.02)", before=" |> normalization"),
                    lambda keras: sequential(keras, 2, "linear", "mse", "mae", keras.optimizers.Adam(0.02),
                                             [keras.layers.Normalization()])),
    "two": Model("two", TWO, two),
}
MODELS |= {name: clipped_model(name, *what) for name, what in CLIPPED.items()}
MODELS |= {f"by_{name}": loss_model(f"by_{name}", *what) for name, what in LOSSES.items()}
