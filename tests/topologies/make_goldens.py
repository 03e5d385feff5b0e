"""Writes the models of topologies.py and what Keras makes of them: topologies.horn, keras/NAME.json, golden.json.

    pip install keras jax && python3 make_goldens.py

Keras trains in float64 on one batch, five steps. A weight is named by the way to it, through layers of layers too.
"""

import json
import os

from topologies import TOPOLOGIES

FOLDER = os.path.dirname(os.path.abspath(__file__))
BATCH, STEPS = 6, 5


def rounded(array):
    return [float(f"{float(value):.9g}") for value in array.reshape(-1)]


def variables_of(layer, prefix=""):
    """(name, variable) of a layer and of those in it."""
    name = f"{prefix}{layer.name}"
    inner = getattr(layer, "layers", None) or [
        getattr(layer, key) for key in ("forward_layer", "backward_layer", "layer") if hasattr(layer, key)]
    if not inner:
        for variable in layer.variables:
            if "seed_generator" not in variable.path:
                yield f"{name}/{variable.name}", variable
    for each in inner:
        yield from variables_of(each, name + "/")


def build(keras, name, topology, real):
    inputs = {}
    for key, shape in topology.inputs.items():
        is_ids = isinstance(shape, tuple)
        inputs[key] = keras.Input(shape[0] if is_ids else shape, name=key, dtype="int32" if is_ids else real)
    outputs = topology.build(keras, inputs)
    model = keras.Model(list(inputs.values()), list(outputs.values()), name=f"keras_{name}")
    _, optimizer, arguments = topology.optimizer
    model.compile(getattr(keras.optimizers, optimizer)(**arguments), [loss for loss, _ in topology.losses.values()],
                  loss_weights=[weight for _, weight in topology.losses.values()])
    return model


def target(numpy, random, loss, shape):
    shape = [BATCH, *shape[1:]]
    if loss == "sparse_categorical_crossentropy":
        return random.randint(0, shape[-1], shape[:-1])
    return random.randint(0, 2, shape) * 1.0 if loss == "binary_crossentropy" else random.randint(-8, 9, shape) / 4


def run(keras, numpy, name, topology):
    random = numpy.random.RandomState(sum(map(ord, name)))
    model = build(keras, name, topology, "float64")
    named = {key: variable for layer in model.layers for key, variable in variables_of(layer)}
    for key, variable in named.items():
        values = numpy.round(random.normal(size=variable.shape) * 0.5, 3)
        variable.assign(numpy.abs(values) + 0.2 if "variance" in key else values)
    first = {key: rounded(numpy.asarray(variable)) for key, variable in named.items()}
    inputs = [random.randint(0, shape[1], [BATCH, *shape[0]]) if isinstance(shape, tuple)
              else random.randint(-16, 17, [BATCH, *shape]) / 8 for shape in topology.inputs.values()]
    shapes = [tuple(output.shape) for output in model.outputs]
    targets = [target(numpy, random, loss, shape) for (loss, _), shape in zip(topology.losses.values(), shapes)]
    predictions = model.predict_on_batch(inputs)
    predictions = predictions if isinstance(predictions, list) else [predictions]
    losses = []
    for _ in range(STEPS):
        model.reset_metrics()
        loss = model.train_on_batch(inputs, targets)
        losses.append(float(loss[0] if isinstance(loss, list) else loss))
    flat = lambda values: values.reshape(-1).tolist()
    return {"inputs": dict(zip(topology.inputs, map(flat, inputs))), "targets": dict(zip(topology.losses, map(flat, targets))),
            "predictions": {key: rounded(numpy.asarray(y)) for key, y in zip(topology.losses, predictions)},
            "first": first, "losses": losses,
            "last": {key: rounded(numpy.asarray(variable)) for key, variable in named.items()}}


def horn(name, topology):
    losses = ", ".join(f"{key}: {loss}" for key, (loss, _) in topology.losses.items())
    weights = ", ".join(f"{key}: {float(weight)}" for key, (_, weight) in topology.losses.items())
    return (f"{topology.horn}\ntrain {name} {{\n    optimizer = {topology.optimizer[0]}\n    loss = {{ {losses} }}\n"
            f"    loss_weights = {{ {weights} }}\n}}\n")


def main():
    os.environ["KERAS_BACKEND"] = "jax"
    import jax

    jax.config.update("jax_enable_x64", True)
    import keras
    import numpy

    keras.src.backend.numpy.tanh = jax.numpy.tanh  # Keras's own gives float32 for float64
    golden = {"batch": BATCH, "topologies": {}}
    for name, topology in TOPOLOGIES.items():
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("float64")
        golden["topologies"][name] = run(keras, numpy, name, topology)
        print(name, golden["topologies"][name]["losses"], flush=True)
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
        with open(f"{FOLDER}/keras/{name}.json", "w") as file:
            file.write(build(keras, name, topology, "float32").to_json() + "\n")
    with open(f"{FOLDER}/golden.json", "w") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")
    with open(f"{FOLDER}/topologies.horn", "w") as file:
        file.write("# Made by make_goldens.py. One model is picked by --model.\n\n")
        file.write("\n".join(horn(name, topology) for name, topology in TOPOLOGIES.items()))


if __name__ == "__main__":
    main()
