"""Writes the nets of nets.py and what Keras makes of 20 steps: nets.horn, golden/nets_*.json, keras/nets_*.json.

    pip install keras jax && python3 make_nets.py

Keras trains in float64, on four batches again and again; each step's loss and the last weights stand in the file. Inputs
and targets are small and exact in float32.
"""

import json
import os

from cases import horn_value, keras_value
from make_goldens import FOLDER, first_values, local_name, rounded
from nets import NETS

BATCH, BATCHES, STEPS = 8, 4, 20


def build(keras, net, name, real):
    """Keras's model; layers are called layer0, layer1, ..."""
    x = keras.Input(net.shape, dtype="int32" if net.ids else real, name="x")
    y = x
    for i, (layer, _, arguments) in enumerate(net.chain):
        values = {key: keras_value(keras, value) for key, value in arguments.items()}
        y = getattr(keras.layers, layer)(**values, name=f"layer{i}", dtype=real)(y)
    return keras.Model(x, y, name=name)


def horn(net, name):
    steps = []
    for i, (_, layer, arguments) in enumerate(net.chain):
        words = [f"{key} = {horn_value(value)}" for key, value in arguments.items()] + [f'name = "layer{i}"']
        steps.append(f"        |> {layer}({', '.join(words)})")
    kind = "i32" if net.ids else "real"
    options = ", ".join(f"{key} = {horn_value(value)}" for key, value in net.optimizer[2].items())
    return (f"model {name}(x: {kind}[{', '.join(map(str, net.shape))}]) -> y {{\n    y = x\n" + "\n".join(steps)
            + f"\n}}\n\ntrain {name} {{\n    optimizer = {net.optimizer[1]}({options})\n    loss = {net.loss}\n}}\n")


def run(keras, numpy, net, name):
    random = numpy.random.RandomState(sum(map(ord, name)))
    model = build(keras, net, name, "float64")
    first = {}
    for layer in model.layers:
        for variable in layer.variables:
            variable.assign(first_values(numpy, variable, random))
            first[f"{layer.name}/{local_name(layer, variable)}"] = rounded(numpy.asarray(variable))
    model.compile(optimizer=getattr(keras.optimizers, net.optimizer[0])(**net.optimizer[2]), loss=net.loss)
    inputs, targets = [], []
    for _ in range(BATCHES):
        shape = [BATCH] + net.shape
        inputs.append(random.randint(0, net.ids, shape) if net.ids else random.randint(-8, 9, shape) / 8)
        targets.append(random.randint(0, net.classes, [BATCH]) if net.classes
                       else random.randint(-8, 9, [BATCH] + list(model.output_shape[1:])) / 4)
    losses = []
    for step in range(STEPS):
        model.reset_metrics()
        losses.append(float(model.train_on_batch(inputs[step % BATCHES], targets[step % BATCHES])))
    last = {f"{layer.name}/{local_name(layer, v)}": rounded(numpy.asarray(v)) for layer in model.layers
            for v in layer.variables}
    return {"batch": BATCH, "inputs": [x.reshape(-1).tolist() for x in inputs],
            "targets": [y.reshape(-1).tolist() for y in targets], "first": first, "losses": losses, "last": last}


def main():
    os.environ["KERAS_BACKEND"] = "jax"
    import jax

    jax.config.update("jax_enable_x64", True)
    import keras
    import numpy

    keras.config.set_floatx("float64")
    texts = ["# Made by make_nets.py. One model is picked by --model.\n"]
    for i, net in enumerate(NETS):
        name = f"nets_{i}"
        golden = run(keras, numpy, net, name)
        print(name, net.optimizer[1], *(f"{golden['losses'][at]:.5f}" for at in (0, 10, 19)), flush=True)
        with open(f"{FOLDER}/golden/{name}.json", "w") as file:
            json.dump(golden, file, separators=(",", ":"))
            file.write("\n")
        with open(f"{FOLDER}/keras/{name}.json", "w") as file:
            file.write(build(keras, net, name, "float32").to_json() + "\n")
        texts.append(horn(net, name))
    with open(f"{FOLDER}/nets.horn", "w") as file:
        file.write("\n".join(texts))


if __name__ == "__main__":
    main()
