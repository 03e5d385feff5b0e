"""The training cases: every loss with every optimizer, on one dense net of three layers.

Each case is a model NAME = <loss>_<optimizer> for Keras (make_goldens.py builds it) and for Horn (the text made here).
"""

FEATURES, HIDDEN_1, HIDDEN_2 = 12, 10, 8
ROWS, BATCH, STEPS = 40, 16, 20  # batches of 16, 16, 8, again and again

# loss: (Horn and Keras name, outputs, last activation, metric)
LOSSES = {
    "bce": ("binary_crossentropy", 1, "sigmoid", "accuracy"),
    "cce": ("categorical_crossentropy", 5, "softmax", "accuracy"),
    "scce": ("sparse_categorical_crossentropy", 5, "softmax", "accuracy"),
    "mse": ("mse", 5, "linear", "mae"),
    "mae": ("mae", 1, "linear", "mse"),
}
CLIP_LOSSES = ("bce", "cce", "scce")  # those that have a form on logits, and so a form without

# optimizer: (Horn and Keras name, arguments)
OPTIMIZERS = {
    "sgd": ("sgd", {"learning_rate": 0.1}),
    "momentum": ("sgd", {"learning_rate": 0.05, "momentum": 0.9}),
    "nesterov": ("sgd", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}),
    "rmsprop": ("rmsprop", {"learning_rate": 0.01}),
    "rmsprop_momentum": ("rmsprop", {"learning_rate": 0.005, "momentum": 0.5}),
    "rmsprop_centered": ("rmsprop", {"learning_rate": 0.01, "centered": True}),
    "adam": ("adam", {"learning_rate": 0.01}),
    "amsgrad": ("adam", {"learning_rate": 0.01, "beta_2": 0.9, "amsgrad": True}),
}


def horn_argument(value):
    return str(value).lower() if isinstance(value, bool) else repr(value)


def horn_case(name, loss, optimizer):
    """The Horn text of one case."""
    loss_name, outputs, activation, metric = LOSSES[loss]
    optimizer_name, arguments = OPTIMIZERS[optimizer]
    arguments = ", ".join(f"{key} = {horn_argument(value)}" for key, value in arguments.items())
    return f"""model {name}(x: real[{FEATURES}]) -> y {{
    y = x |> dense({HIDDEN_1}, relu) |> dense({HIDDEN_2}, tanh) |> dense({outputs}, {activation}, name = "dense_2")
}}

train {name} {{
    optimizer  = {optimizer_name}({arguments})
    loss       = {loss_name}
    metrics    = [{metric}]
    batch_size = {BATCH}
    epochs     = 2
}}
"""


def horn_file(losses, suffix, comment):
    """All cases of some losses in one Horn file; the tool's --model picks one."""
    parts = [comment]
    parts += [horn_case(f"{loss}_{optimizer}{suffix}", loss, optimizer) for loss in losses for optimizer in OPTIMIZERS]
    return "\n".join(parts)
