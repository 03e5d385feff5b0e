"""Small networks of convolutions, pooling and embeddings, for 20 steps under an optimizer each.

A net is a chain of Keras layers with their arguments, named in both languages; data, loss and optimizer. What comes
before batch normalization has no bias: its gradient is 0 but for rounding, and what divides by its size makes noise of it.
"""

from cases import Word

RELU, TANH, SIGMOID, SOFTMAX = Word("relu"), Word("tanh"), Word("sigmoid"), Word("softmax")


class Net:
    """shape: of a sample; ids: their number, else 0; chain: (Keras class, Horn name, arguments); loss: of Keras and of
    Horn; optimizer: (class, Horn name, arguments)."""

    def __init__(self, shape, chain, loss, optimizer, ids=0, classes=0):
        self.shape, self.chain, self.loss, self.optimizer = shape, chain, loss, optimizer
        self.ids, self.classes = ids, classes


def conv(filters, size, **arguments):
    return ("Conv2D", "conv2d", {"filters": filters, "kernel_size": size, **arguments})


def conv1(filters, size, **arguments):
    return ("Conv1D", "conv1d", {"filters": filters, "kernel_size": size, **arguments})


def dense(units, activation):
    return ("Dense", "dense", {"units": units, "activation": activation})


def norm(momentum):
    return ("BatchNormalization", "batch_normalization", {"momentum": momentum})


def table(rows, columns):
    return ("Embedding", "embedding", {"input_dim": rows, "output_dim": columns})


MAX2 = ("MaxPooling2D", "max_pooling2d", {"pool_size": 2})
FLATTEN = ("Flatten", "flatten", {})
ACTIVATION = ("Activation", "activation", {"activation": RELU})
CLASSES = "sparse_categorical_crossentropy"

NETS = [
    Net([10, 11, 2], [conv(5, 3, activation=RELU), MAX2, conv(6, [2, 3], padding="same", activation=RELU), MAX2,
                      FLATTEN, dense(4, SOFTMAX)],
        CLASSES, ("SGD", "sgd", {"learning_rate": 0.02, "momentum": 0.9, "nesterov": True}), classes=4),
    Net([11, 9, 3], [conv(6, 3, strides=2, padding="same", activation=TANH), conv(4, 2, dilation_rate=2, activation=TANH),
                     conv(6, 1, groups=2), ("AveragePooling2D", "average_pooling2d", {"pool_size": 2, "padding": "same"}),
                     FLATTEN, dense(3, SOFTMAX)],
        CLASSES, ("Adam", "adam", {"learning_rate": 0.005}), classes=3),
    Net([8, 8, 3], [("DepthwiseConv2D", "depthwise_conv2d", {"kernel_size": 3, "padding": "same", "depth_multiplier": 2,
                                                              "use_bias": False}),
                    norm(0.9), ACTIVATION, conv(4, 1, use_bias=False), norm(0.8), ACTIVATION,
                    ("GlobalAveragePooling2D", "global_average_pooling2d", {}), dense(3, SOFTMAX)],
        CLASSES, ("SGD", "sgd", {"learning_rate": 0.1, "momentum": 0.8}), classes=3),
    Net([9, 8, 2], [("SeparableConv2D", "separable_conv2d", {"filters": 5, "kernel_size": 3, "use_bias": False}),
                    norm(0.9), ACTIVATION,
                    ("SeparableConv2D", "separable_conv2d", {"filters": 4, "kernel_size": 2, "strides": 2,
                                                              "depth_multiplier": 2, "activation": TANH}),
                    FLATTEN, dense(2, Word("linear"))],
        "mse", ("RMSprop", "rmsprop", {"learning_rate": 0.003, "momentum": 0.5})),
    Net([16, 3], [conv1(4, 3, padding="causal", activation=TANH),
                  conv1(5, 2, padding="causal", dilation_rate=2, activation=TANH),
                  ("SeparableConv1D", "separable_conv1d", {"filters": 6, "kernel_size": 3, "activation": RELU}),
                  ("MaxPooling1D", "max_pooling1d", {"pool_size": 3, "strides": 2}),
                  ("GlobalAveragePooling1D", "global_average_pooling1d", {}), dense(2, Word("linear"))],
        "mse", ("AdamW", "adamw", {"learning_rate": 0.01, "weight_decay": 0.02})),
    Net([5, 6, 4, 2], [("Conv3D", "conv3d", {"filters": 3, "kernel_size": 2, "activation": RELU}),
                       ("AveragePooling3D", "average_pooling3d", {"pool_size": 2}), FLATTEN, dense(2, Word("linear"))],
        "mse", ("Adamax", "adamax", {"learning_rate": 0.01})),
    Net([6, 6, 2], [conv(4, 3, strides=2, padding="same", activation=RELU),
                    ("Conv2DTranspose", "conv2d_transpose", {"filters": 3, "kernel_size": 3, "strides": 2,
                                                             "padding": "same", "activation": RELU}),
                    ("Conv2DTranspose", "conv2d_transpose", {"filters": 2, "kernel_size": 2}), conv(2, 2)],
        "mse", ("Nadam", "nadam", {"learning_rate": 0.005})),
    Net([9], [table(20, 5), conv1(6, 3, activation=RELU), ("GlobalMaxPooling1D", "global_max_pooling1d", {}),
              dense(3, SOFTMAX)], CLASSES, ("Adam", "adam", {"learning_rate": 0.01}), ids=20, classes=3),
    Net([7], [table(15, 4), ("GlobalAveragePooling1D", "global_average_pooling1d", {}), dense(6, TANH),
              dense(1, Word("linear"))], "mse", ("Adagrad", "adagrad", {"learning_rate": 0.1}), ids=15),
    Net([6], [table(12, 3), FLATTEN, dense(1, Word("linear"))], "mse",
        ("RMSprop", "rmsprop", {"learning_rate": 0.01}), ids=12),
    Net([6], [table(12, 3), FLATTEN, dense(4, SOFTMAX)], CLASSES,
        ("SGD", "sgd", {"learning_rate": 0.2, "momentum": 0.9, "global_clipnorm": 0.5}), ids=12, classes=4),
]
