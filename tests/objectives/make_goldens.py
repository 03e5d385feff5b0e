"""Writes what Keras makes of the cases, in float64, and the models: golden.json, objectives.horn.

    pip install keras jax && python3 make_goldens.py
"""

import json
import os

import cases

FOLDER = os.path.dirname(os.path.abspath(__file__))


def rounded(array):
    return [float(f"{float(value):.9g}") for value in array.reshape(-1)]


def targets(numpy, generator, kind, rows, n):
    if kind == "classes":
        return generator.randint(0, n, size=rows)
    if kind == "one_hot":
        return numpy.eye(n)[generator.randint(0, n, size=rows)]
    if kind in ("bits", "signs"):
        bits = generator.randint(0, 2, size=(rows, n)).astype("float64")
        return bits if kind == "bits" else 2 * bits - 1
    values = numpy.round(generator.normal(size=(rows, n)), 3)
    if kind == "real":
        return values
    values = numpy.abs(values) + 0.1
    return values if kind == "positive" else values / values.sum(axis=1, keepdims=True)


def losses_and_metrics(keras, numpy, jax, generator):
    x = numpy.round(generator.normal(size=(cases.ROWS, cases.FEATURES)), 3)
    result = {"x": rounded(x)}
    for model, table, module in (("losses", cases.LOSSES, keras.losses), ("metrics", cases.METRICS, keras.metrics)):
        entries = []
        for name, _, arguments, activation, n, kind in table:
            kernel = numpy.round(generator.normal(size=(cases.FEATURES, n)) * 0.4, 3)
            bias = numpy.round(generator.normal(size=n) * 0.2, 3)
            target = targets(numpy, generator, kind, cases.ROWS, n)
            entry = {"name": name, "kernel": rounded(kernel), "bias": rounded(bias),
                     "target": [int(t) for t in target] if kind == "classes" else rounded(target)}
            object = getattr(module, name)(**arguments)
            predict = lambda k, b: getattr(keras.activations, activation)(x @ k + b)
            if model == "losses":
                value, (dk, db) = jax.value_and_grad(lambda k, b: object(target, predict(k, b)), argnums=(0, 1))(
                    jax.numpy.asarray(kernel), jax.numpy.asarray(bias))
                entry |= {"value": float(value), "kernel_after": rounded(numpy.asarray(kernel - dk)),
                          "bias_after": rounded(numpy.asarray(bias - db))}
            else:  # two batches: 8 rows, then the others
                prediction = numpy.asarray(predict(jax.numpy.asarray(kernel), jax.numpy.asarray(bias)))
                values = []
                for begin, end in ((0, 8), (8, cases.ROWS)):
                    object.update_state(target[begin:end], prediction[begin:end])
                    values.append(float(object.result()))
                entry["values"] = values
            entries.append(entry)
        result[model] = entries
    return result


def trajectories(keras, numpy, jax, generator):
    x = numpy.round(generator.normal(size=(cases.ROWS, cases.FEATURES)), 3)
    target = numpy.round(generator.normal(size=(cases.ROWS, cases.OUTPUTS)), 3)
    shapes = {"dense/kernel": (cases.FEATURES, cases.HIDDEN), "dense/bias": (cases.HIDDEN,),
              "dense_1/kernel": (cases.HIDDEN, cases.OUTPUTS), "dense_1/bias": (cases.OUTPUTS,)}
    first = {name: numpy.round(generator.normal(size=shape) * 0.5, 3) for name, shape in shapes.items()}

    def loss_of(w, xs, ts):
        y = jax.numpy.tanh(xs @ w[0] + w[1]) @ w[2] + w[3]
        return ((y - ts) ** 2).mean()

    step = jax.jit(jax.value_and_grad(loss_of))
    runs = {}
    for name, optimizer_class, _, arguments in cases.OPTIMIZERS:
        optimizer = getattr(keras.optimizers, optimizer_class)(**arguments)
        variables = [keras.Variable(value, name=key.replace("/", "_")) for key, value in first.items()]
        optimizer.build(variables)
        scale = arguments.get("loss_scale_factor", 1.0)
        losses = []
        for i in range(cases.STEPS):
            begin = i % 3 * 4
            value, gradients = step([v.value for v in variables], x[begin : begin + 4], target[begin : begin + 4])
            losses.append(float(value))
            optimizer.apply([g * scale for g in gradients], variables)
        runs[name] = {"losses": rounded(numpy.array(losses)),
                      "final": {key: rounded(numpy.asarray(v.value)) for key, v in zip(first, variables)}}
        if arguments.get("use_ema"):
            runs[name]["averages"] = {key: rounded(numpy.asarray(v.value)) for key, v in
                                      zip(first, optimizer._model_variables_moving_average)}
    return {"x": rounded(x), "target": rounded(target), "first": {k: rounded(v) for k, v in first.items()},
            "runs": runs}


def main():
    os.environ["KERAS_BACKEND"] = "jax"
    import jax

    jax.config.update("jax_enable_x64", True)
    import keras
    import numpy

    keras.config.set_floatx("float64")
    golden = losses_and_metrics(keras, numpy, jax, numpy.random.RandomState(5))
    golden["optimizers"] = trajectories(keras, numpy, jax, numpy.random.RandomState(6))
    with open(f"{FOLDER}/golden.json", "w") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")
    with open(f"{FOLDER}/objectives.horn", "w") as file:
        file.write(cases.horn_file())
    print(f"{len(cases.LOSSES)} losses, {len(cases.METRICS)} metrics, {len(cases.OPTIMIZERS)} trajectories, "
          f"Keras {keras.__version__}")


if __name__ == "__main__":
    main()
