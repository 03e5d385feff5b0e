"""Forward values without training: every activation on a grid, the merging layers, the spread of each initializer."""

import os

# Horn name -> Keras function; those with another name in keras.activations are mapped.
ACTIVATIONS = """linear relu relu6 sigmoid hard_sigmoid tanh softplus softsign silu gelu elu selu celu leaky_relu
exponential mish log_sigmoid hard_silu hard_tanh tanh_shrink soft_shrink hard_shrink squareplus softmax
log_softmax""".split()

MERGING = "add subtract multiply average maximum minimum concatenate".split()

# name: the arguments beside Keras's defaults
INITIALIZERS = {
    "glorot_uniform": {}, "glorot_normal": {}, "he_uniform": {}, "he_normal": {}, "lecun_uniform": {},
    "lecun_normal": {}, "random_uniform": {}, "random_normal": {}, "truncated_normal": {}, "zeros": {}, "ones": {},
}
INITIALIZER_SHAPE = (300, 200)


def rounded(array):
    return [float(f"{float(value):.9g}") for value in array.reshape(-1)]


def grid(numpy):
    """41 points from -10 to 10, denser around 0, and the points where pieces meet."""
    return numpy.array(sorted({round(0.025 * i * abs(i), 6) for i in range(-20, 21)}), dtype="float32")


def values():
    import numpy

    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    x = grid(numpy)
    activations = {}
    for name in ACTIVATIONS:
        function = getattr(keras.activations, name)
        activations[name] = rounded(numpy.array(function(keras.ops.convert_to_tensor(x[None]))))
    random = numpy.random.RandomState(3)
    a, b = (numpy.round(random.normal(size=(4, 6)), 3).astype("float32") for _ in range(2))
    merging = {name: rounded(numpy.array(getattr(keras.layers, name)([a, b]))) for name in MERGING}
    spread = {}
    for name, arguments in INITIALIZERS.items():
        sample = numpy.array(keras.initializers.get({"class_name": name, "config": arguments})(INITIALIZER_SHAPE))
        spread[name] = {"smallest": float(sample.min()), "largest": float(sample.max()),
                        "mean": float(sample.mean()), "deviation": float(sample.std())}
    return {"grid": rounded(x), "activations": activations, "a": rounded(a), "b": rounded(b), "merging": merging,
            "initializer_shape": INITIALIZER_SHAPE, "initializers": spread}


def horn_file():
    """Three models without training: outputs are named after what they show."""
    def model(name, inputs, entries):
        outputs = ", ".join(f"{entry}_y" for entry, _ in entries)
        body = "\n".join(f"    {entry}_y = {text}" for entry, text in entries)
        return f"model {name}({inputs}) -> ({outputs}) {{\n{body}\n}}\n"

    units, (rows, columns) = len(grid(__import__("numpy"))), INITIALIZER_SHAPE
    return "\n".join([
        "# Made by make_goldens.py: forward values. One model is picked by --model.",
        model("activations", f"x: real[{units}]", [(name, f"x |> {name}") for name in ACTIVATIONS]),
        model("merging", "a: real[6], b: real[6]", [(name, f"[a, b] |> {name}") for name in MERGING]),
        model("initializers", f"x: real[{rows}]", [
            (name, f"dense({columns}, use_bias = false, kernel_initializer = {name}, name = \"{name}\")(x)")
            for name in INITIALIZERS]),
    ])
