"""Models compiled with every loss, metric and optimizer, as `model.to_json()` writes them: keras/*.json.

    pip install keras jax && python3 make_json.py
"""

import os

import cases

FOLDER = os.path.dirname(os.path.abspath(__file__))


def main():
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    def write(name, model):
        with open(f"{FOLDER}/keras/{name}.json", "w") as file:
            file.write(model.to_json() + "\n")

    def heads(table):
        x = keras.Input((cases.FEATURES,), name="x")
        return keras.Model(x, [keras.layers.Dense(n, activation=activation, name=f"y{i}")(x)
                               for i, (_, _, _, activation, n, _) in enumerate(table)], name="heads")

    os.makedirs(f"{FOLDER}/keras", exist_ok=True)
    losses = heads(cases.LOSSES)
    losses.compile("sgd", [getattr(keras.losses, name)(**arguments) for name, _, arguments, _, _, _ in cases.LOSSES])
    write("losses", losses)
    metrics = heads(cases.METRICS)
    plain = {"classes": "sparse_categorical_crossentropy"}
    metrics.compile("sgd", [plain.get(kind, "mse") for *_, kind in cases.METRICS],
                    metrics=[[getattr(keras.metrics, name)(**arguments)] for name, _, arguments, _, _, _ in cases.METRICS])
    write("metrics", metrics)
    for name, optimizer, _, arguments in cases.OPTIMIZERS:
        model = keras.Sequential([keras.Input((cases.FEATURES,)), keras.layers.Dense(2)], name="small")
        model.compile(getattr(keras.optimizers, optimizer)(**arguments), "mse")
        write(name, model)


if __name__ == "__main__":
    main()
