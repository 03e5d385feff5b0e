"""Writes the cases and what Keras makes of them: layers.horn, wrapped.horn, golden/*.json, keras/*.json.

    pip install keras jax && python3 make_goldens.py [MODEL...]     # the numbers of these models only

Cases that take the same number of rows stand beside each other in one model, at most GROUP of them, each with inputs,
output and loss of its own; so few programs hold all. Numbers come from Keras in float64: the prediction, then what one
step of plain gradient descent at rate 1 makes of every variable. Each input passes a layer `probe`, which adds a weight
of the shape of one sample, at first 0: its gradient is that of the input, summed over the rows.
keras/*.json are the same layers as `model.to_json()` writes them, for the reader of Keras's JSON.
"""

import json
import os
import random
import sys

import cases

FOLDER = os.path.dirname(os.path.abspath(__file__))
GROUP = 40


def rounded(array):
    return [float(f"{float(value):.9g}") for value in array.reshape(-1)]


def make_data(numpy, case, generator, shape):
    if case.data.startswith("ids"):
        return generator.randint(0, int(case.data[4:-1]), size=[case.batch] + shape)
    values = numpy.round(generator.normal(size=[case.batch] + shape), 3)
    values[values == 0] = 0.5  # where relu has a corner, each backend of Keras has another gradient
    return numpy.abs(values) + 0.01 if case.data == "positive" else values


def first_values(numpy, variable, generator):
    """Weights that make every gradient count: none is 0, variances are positive."""
    values = numpy.round(generator.normal(size=variable.shape) * 0.5, 3)
    return numpy.abs(values) + 0.2 if "variance" in variable.name else values


def local_name(layer, variable):
    """`kernel` for the variable in Horn, `inner/kernel` for that of a layer in the layer."""
    for way, each in variables_of(layer):
        if each is variable:
            return way
    return variable.path[len(layer.name) + 1 :] if variable.path.startswith(layer.name + "/") else variable.path


def variables_of(layer, prefix=""):
    """The variables of the layers in a layer, each with the names on the way to it. Keras's cells are no layers here."""
    inner = getattr(layer, "layers", None) or [
        getattr(layer, key) for key in ("forward_layer", "backward_layer", "layer") if hasattr(layer, key)]
    for variable in [] if inner else layer.variables:
        yield prefix + variable.name, variable
    for each in inner:
        yield from variables_of(each, f"{prefix}{each.name}/")


def make_layer(keras, case, name):
    arguments = {key: cases.keras_value(keras, value) for key, value in case.arguments.items()}
    return getattr(keras.layers, case.layer)(**arguments, name=name)


def run(keras, numpy, case, name, generator):
    """Input, weights, prediction, and all variables after a step."""
    import jax

    layer = make_layer(keras, case, name)
    inputs = [make_data(numpy, case, generator, shape) for shape in case.shapes]
    given = lambda values: values[0] if len(values) == 1 or case.states else values
    states_of = lambda values: {"initial_state": values[1:]} if case.states else {}

    def joined(y):  # several results side by side
        return y if not isinstance(y, (list, tuple)) else jax.numpy.concatenate(
            [each.reshape(case.batch, -1) for each in y], axis=1)

    layer(given([numpy.asarray(x) for x in inputs]), **states_of([numpy.asarray(x) for x in inputs]))
    for variable in layer.variables:
        if "seed_generator" not in variable.path:
            variable.assign(first_values(numpy, variable, generator))
    first = {f"{name}/{local_name(layer, v)}": rounded(numpy.asarray(v.value)) for v in layer.variables
             if "seed_generator" not in v.path}
    training = {"training": case.trained} if layer._call_has_training_arg else {}
    prediction = numpy.asarray(joined(layer(given(inputs), **states_of(inputs), **({"training": False} if training else {}))))
    target = numpy.round(generator.normal(size=prediction.shape), 3)

    def loss_of(weights, offsets):
        moved = [x + offset for x, offset in zip(inputs, offsets)] if offsets else inputs
        ys, states = layer.stateless_call(weights, [v.value for v in layer.non_trainable_variables], given(moved),
                                          **states_of(moved), **training)
        y = joined(ys)
        own = ((y - target) ** 2).reshape(case.batch, -1).sum(axis=1).mean()
        # A layer called by itself forgets what its regularizers said; this is what a model adds.
        penalty = sum(v.regularizer(w) for v, w in zip(layer.trainable_variables, weights) if v.regularizer)
        if layer.activity_regularizer is not None:
            penalty += sum(layer.activity_regularizer(each) for each in (ys if y is not ys else [y])) / case.batch
        return own + penalty, (own, states)

    if case.layer == "SpectralNormalization":
        # Training goes on from the normalized kernel. Keras's own stateless_call would forget it.
        layer(given(inputs), training=True)
        training = {"training": False}
    offsets = [] if case.data.startswith("ids") else [numpy.zeros(shape) for shape in case.shapes]
    weights = [v.value for v in layer.trainable_variables]
    (total, (own, states)), (d_weights, d_offsets) = jax.value_and_grad(loss_of, argnums=(0, 1), has_aux=True)(
        weights, offsets)
    after = {}
    for variable, gradient in zip(layer.trainable_variables, d_weights):
        value = variable.value - gradient
        if variable.constraint is not None:
            value = variable.constraint(value)
        after[f"{name}/{local_name(layer, variable)}"] = rounded(numpy.asarray(value))
    for variable, value in zip(layer.non_trainable_variables, states):
        if "seed_generator" not in variable.path:
            after[f"{name}/{local_name(layer, variable)}"] = rounded(numpy.asarray(value))
    for i, gradient in enumerate(d_offsets):
        after[f"{name}_probe_{i}/offset"] = rounded(-numpy.asarray(gradient))
    if not case.trained:  # not random: all stays as it is
        after = {**first, **{f"{name}_probe_{i}/offset": [0.0] * gradient.size for i, gradient in enumerate(d_offsets)}}
        own = total = 0
    return {"kind": case.kind, "inputs": [rounded(x) for x in inputs], "target": rounded(target),
                   "first": first, "prediction": rounded(prediction), "loss": float(own),
                   "penalty": float(total) - float(own), "after": after}


def horn_model(model, group):
    """One model: for each case its inputs, its layer, its output."""
    inputs, body, outputs, losses = [], [], [], []
    for name, case in group:
        is_ids = case.data.startswith("ids")
        values = []
        for i, shape in enumerate(case.shapes):
            inputs.append(f"{name}_x{i}: {'i32' if is_ids else 'real'}[{', '.join(map(str, shape))}]")
            values.append(f"{name}_x{i}" + ("" if is_ids else f" |> probe(name = \"{name}_probe_{i}\")"))
        arguments = [f"{key} = {cases.horn_value(value)}" for key, value in case.arguments.items()]
        call = f"{case.horn}({', '.join(arguments + [f'name = {chr(34)}{name}{chr(34)}'])})"
        start = values[0] if len(values) == 1 else "[" + ", ".join(f"({value})" for value in values) + "]"
        step = f"{start} |> {call}"
        if case.states:
            step = f"{call}({values[0]}, initial_state = [{', '.join(f'({value})' for value in values[1:])}])"
        body.append(f"    {name}_y = " + (f"joined({step})" if case.gives_many() else step))
        outputs.append(f"{name}_y")
        losses.append(f"{name}_y: {'squares' if case.trained else 'none'}")
    text = f"model {model}(\n    " + ",\n    ".join(inputs) + "\n) -> (\n    " + ",\n    ".join(outputs) + "\n) {\n"
    return (text + "\n".join(body) + f"\n}}\n\ntrain {model} {{\n    optimizer = sgd(1.0)\n    loss = {{ {', '.join(losses)} }}\n"
            "}\n")


HEADER = """# Made by make_goldens.py: each layer beside the others. One model is picked by --model.

# Adds a weight of the shape of one sample: its gradient is the input's, summed over the batch.
layer probe()(x) {
    sizes = shape(x)[1:]
    weight offset: real[sizes] = zeros
    return x + offset
}

# The sum of (t - p)^2 of each sample.
fn squares(target, prediction) { return sum(reshape(square(target - prediction), [batch, -1]), -1) }
"""


# What the text of wrapped.horn has beside that.
WRAPPED_HEADER = """
# Several results side by side.
fn joined(values) {
    parts = []
    for value in values { parts = parts + [reshape(value, [batch, -1])] }
    return concatenate(parts)
}

model small(x: real[4]) -> y {
    hidden = x |> dense(5, tanh)
    both = concatenate()([x, hidden])
    y = both |> dense(2)
}
"""


def keras_model(keras, model, group):
    """The layers side by side in one model, in float32."""
    inputs, outputs = [], []
    for name, case in group:
        if any(isinstance(each, cases.Code) for each in case.arguments.values()):
            continue
        dtype = "int32" if case.data.startswith("ids") else "float32"
        own = [keras.Input(shape, dtype=dtype, name=f"{name}_x{i}") for i, shape in enumerate(case.shapes)]
        layer = make_layer(keras, case, name)
        y = layer(own[0], initial_state=own[1:]) if case.states else layer(own[0] if len(own) == 1 else own)
        inputs += own
        outputs += y if isinstance(y, (list, tuple)) else [y]
    return keras.Model(inputs, outputs, name=model)


def write(keras, numpy, prefix, families, header):
    """All models of some families."""
    # Each family has a generator of its own, so that a new one leaves the others as they are.
    all_cases = []
    for family in families:
        all_cases += list(family(random.Random(family.__name__)))
    by_batch = {}
    for case in all_cases:
        by_batch.setdefault(case.batch, []).append(case)
    texts = [header]
    number = 0
    for batch, members in sorted(by_batch.items(), reverse=True):
        for begin in range(0, len(members), GROUP):
            model = f"{prefix}_{number}"
            number += 1
            group = [(f"case{i}", case) for i, case in enumerate(members[begin : begin + GROUP])]
            texts.append(horn_model(model, group))
            if len(sys.argv) > 1 and model not in sys.argv[1:]:
                continue
            golden = {}
            for name, case in group:
                generator = numpy.random.RandomState(sum(map(ord, model + name)))
                try:
                    golden[name] = run(keras, numpy, case, name, generator)
                except Exception:
                    print("failed:", model, name, case.kind, case.shapes, case.arguments)
                    raise
            with open(f"{FOLDER}/golden/{model}.json", "w") as file:
                json.dump({"batch": batch, "cases": golden}, file, separators=(",", ":"))
                file.write("\n")
            keras.config.set_floatx("float32")
            keras.config.set_dtype_policy("float32")
            with open(f"{FOLDER}/keras/{model}.json", "w") as file:
                file.write(keras_model(keras, model, group).to_json() + "\n")
            keras.config.set_floatx("float64")
            keras.config.set_dtype_policy("float64")
    with open(f"{FOLDER}/{prefix}.horn", "w") as file:
        file.write("\n".join(texts))
    kinds = {case.kind for case in all_cases}
    print(f"{len(all_cases)} cases of {len(kinds)} kinds in {number} models, Keras {keras.__version__}")


def main():
    os.environ["KERAS_BACKEND"] = "jax"
    import jax

    jax.config.update("jax_enable_x64", True)
    import keras
    import numpy

    keras.config.set_floatx("float64")
    keras.src.backend.numpy.tanh = jax.numpy.tanh  # Keras's own gives float32 for float64
    write(keras, numpy, "layers", cases.FAMILIES, HEADER)
    write(keras, numpy, "wrapped", cases.WRAPPED, HEADER + WRAPPED_HEADER)


if __name__ == "__main__":
    main()
