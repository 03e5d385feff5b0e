"""Writes the golden values: what Keras computes, for the tests to compare with.

    pip install keras tensorflow-cpu jax && python3 make_goldens.py

The values are kept in golden/*.json and the models in *.horn, so the tests need neither Python nor Keras. A run of
each backend is a process of its own: with TensorFlow, Keras's losses take the logits of a last sigmoid or softmax;
with JAX they take the clipped probability (`--loss=clip`). A third run, in float64, gives the noise of Keras's own
float32, which is stored beside the values.
"""

import json
import os
import subprocess
import sys

import cases

FOLDER = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(FOLDER, "golden")


def rounded(values):
    """Nested lists of floats that read back as the same float32."""
    if isinstance(values, (list, tuple)):
        return [rounded(value) for value in values]
    return float(f"{values:.9g}")


def flat(array):
    return rounded([float(value) for value in array.reshape(-1)])


def make_data(numpy, loss):
    """x [40, 12] and the targets that fit the loss. Values have few digits, so that the file stays small."""
    random = numpy.random.RandomState(7)
    x = numpy.round(random.normal(size=(cases.ROWS, cases.FEATURES)), 3)
    direction = random.normal(size=(cases.FEATURES, 5))
    score = x @ direction + random.normal(size=(cases.ROWS, 5))
    classes = score.argmax(axis=1)
    targets = {
        "bce": (score[:, :1] > 0).astype("float64"),
        "cce": numpy.eye(5)[classes],
        "scce": classes,
        "mse": numpy.round(score / 4, 3),
        "mae": numpy.round(score[:, :1] / 4, 3),
    }
    return x, targets[loss]


def first_weights(numpy, outputs):
    """Kernels and biases in the order of the layers; biases are not zero, so that their place is tested too."""
    random = numpy.random.RandomState(11)
    weights = {}
    sizes = [cases.FEATURES, cases.HIDDEN_1, cases.HIDDEN_2, outputs]
    for index, layer in enumerate(("dense", "dense_1", "dense_2")):
        limit = (6 / (sizes[index] + sizes[index + 1])) ** 0.5
        weights[f"{layer}/kernel"] = numpy.round(random.uniform(-limit, limit, sizes[index : index + 2]), 4)
        weights[f"{layer}/bias"] = numpy.round(random.uniform(-0.1, 0.1, sizes[index + 1]), 4)
    return weights


def build(keras, loss, optimizer, weights):
    """The compiled Keras model of a case, with its first weights."""
    loss_name, outputs, activation, metric = cases.LOSSES[loss]
    optimizer_name, arguments = cases.OPTIMIZERS[optimizer]
    model = keras.Sequential(
        [
            keras.Input((cases.FEATURES,)),
            keras.layers.Dense(cases.HIDDEN_1, activation="relu"),
            keras.layers.Dense(cases.HIDDEN_2, activation="tanh"),
            keras.layers.Dense(outputs, activation=activation),
        ]
    )
    model.set_weights(list(weights.values()))
    classes = {"sgd": keras.optimizers.SGD, "rmsprop": keras.optimizers.RMSprop, "adam": keras.optimizers.Adam}
    model.compile(optimizer=classes[optimizer_name](**arguments), loss=loss_name, metrics=[metric],
                  run_eagerly=keras.backend.backend() == "tensorflow")
    return model


def batches(x, y):
    """The batch of each of the 20 steps."""
    starts = range(0, cases.ROWS, cases.BATCH)
    for step in range(cases.STEPS):
        begin = starts[step % len(starts)]
        yield x[begin : begin + cases.BATCH], y[begin : begin + cases.BATCH]


def train(keras, loss, optimizer, x, y, weights):
    """Twenty steps: the loss and the metric of each batch alone, and the last weights."""
    metric = cases.LOSSES[loss][3]
    model = build(keras, loss, optimizer, weights)
    losses, metrics = [], []
    for batch_x, batch_y in batches(x, y):
        model.reset_metrics()
        logs = model.train_on_batch(batch_x, batch_y, return_dict=True)
        losses.append(float(logs["loss"]))
        metrics.append(float(logs[metric]))
    final = {name: flat(value) for name, value in zip(weights, model.get_weights())}
    return {"losses": rounded(losses), "metric": rounded(metrics), "final": final}


def epochs(keras, loss, x, y, weights):
    """`fit` for two epochs in the given order, then `evaluate`: running means over full and partial batches."""
    metric = cases.LOSSES[loss][3]
    model = build(keras, loss, "adam", weights)
    history = model.fit(x, y, batch_size=cases.BATCH, epochs=2, shuffle=False, verbose=0).history
    after = model.evaluate(x, y, batch_size=cases.BATCH, verbose=0, return_dict=True)
    return {
        "train": rounded([[history["loss"][i], history[metric][i]] for i in range(2)]),
        "evaluate": rounded([after["loss"], after[metric]]),
    }


def saturated(keras, loss, x, y, weights):
    """One step of plain sgd with the last kernel 40 times as large: most probabilities are 0 or 1 in float32. Here a
    loss on logits and one on clipped probabilities differ, in value and gradient."""
    large = dict(weights, **{"dense_2/kernel": weights["dense_2/kernel"] * 40})
    model = build(keras, loss, "sgd", large)
    value = model.train_on_batch(x[: cases.BATCH], y[: cases.BATCH], return_dict=True)["loss"]
    final = {name: flat(array) for name, array in zip(weights, model.get_weights())}
    return {"scale": 40, "loss": rounded(float(value)), "final": final}


def gradients(keras, loss, x, y, weights):
    """Gradients of the batches of the first three steps, all at the first weights (TensorFlow only)."""
    import tensorflow

    model = build(keras, loss, "sgd", weights)
    result = []
    for _, (batch_x, batch_y) in zip(range(3), batches(x, y)):
        with tensorflow.GradientTape() as tape:
            value = model.compute_loss(batch_x, batch_y, model(batch_x, training=True))
        gradient = tape.gradient(value, [variable.value for variable in model.trainable_variables])
        result.append({name: flat(g.numpy()) for name, g in zip(weights, gradient)})
    return result


def training_values(kind):
    """What one process computes. kind: logits, clip (JAX), float64."""
    import numpy

    import keras

    if kind == "float64":
        keras.config.set_floatx("float64")
    real = keras.config.floatx()
    values = {}
    for loss in cases.CLIP_LOSSES if kind == "clip" else cases.LOSSES:
        x, y = make_data(numpy, loss)
        weights = first_weights(numpy, cases.LOSSES[loss][1])
        x = x.astype(real)
        y = y.astype("int32" if loss == "scce" else real)
        values[loss] = {"runs": {name: train(keras, loss, name, x, y, weights) for name in cases.OPTIMIZERS}}
        if kind != "float64" and loss in cases.CLIP_LOSSES:
            values[loss]["saturated"] = saturated(keras, loss, x, y, weights)
        if kind == "logits":
            values[loss] |= {
                "x": flat(x),
                "y": [int(value) for value in y] if loss == "scce" else flat(y),
                "outputs": cases.LOSSES[loss][1],
                "metric": cases.LOSSES[loss][3],
                "first": {name: flat(value) for name, value in weights.items()},
                "epochs": epochs(keras, loss, x, y, weights),
                "gradients": gradients(keras, loss, x, y, weights),
                "predictions": flat(build(keras, loss, "sgd", weights).predict(x, verbose=0)),
            }
    return values


def in_process(kind):
    """training_values(kind) from a Python of its own, as the backend is chosen at import."""
    backend = "jax" if kind == "clip" else "tensorflow"
    environment = dict(os.environ, KERAS_BACKEND=backend, TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    done = subprocess.run([sys.executable, __file__, kind], env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def noise(values, reference):
    """Largest difference of the losses of one run from the float64 run, each as abs(d) / (1 + abs(reference))."""
    return float(f"{max(abs(a - b) / (1 + abs(b)) for a, b in zip(values['losses'], reference['losses'])):.3g}")


def write(name, values):
    with open(os.path.join(GOLDEN, name), "w") as file:
        json.dump(values, file, separators=(",", ":"))
        file.write("\n")


def main():
    os.makedirs(GOLDEN, exist_ok=True)
    reference = in_process("float64")
    for kind in ("logits", "clip"):
        for loss, values in in_process(kind).items():
            for optimizer, run in values["runs"].items():
                run["keras_noise"] = noise(run, reference[loss]["runs"][optimizer])
                print(f"{kind:7} {loss:5} {optimizer:17} noise {run['keras_noise']:.1e}  "
                      f"loss {run['losses'][0]:.4f} -> {run['losses'][-1]:.4f}")
            write(f"{loss}{'_clip' if kind == 'clip' else ''}.json", values)
    header = "# Made by make_goldens.py: every loss with every optimizer. One model is picked by --model."
    with open(os.path.join(FOLDER, "logits.horn"), "w") as file:
        file.write(cases.horn_file(cases.LOSSES, "", header))
    with open(os.path.join(FOLDER, "clip.horn"), "w") as file:
        file.write(cases.horn_file(cases.CLIP_LOSSES, "_clip", header + "\n# To be read with --loss=clip."))
    import forward

    write("forward.json", forward.values())
    with open(os.path.join(FOLDER, "forward.horn"), "w") as file:
        file.write(forward.horn_file())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        json.dump(training_values(sys.argv[1]), sys.stdout)
    else:
        main()
