"""Writes *.json: the models of models/*.horn as a user of Keras 3 writes them, saved by to_json().

    KERAS_BACKEND=jax python3 make_models.py

Layers have the names that Keras gives. `boston_own` is not here: a loss, metric and optimizer of one's own are code,
which a JSON file cannot hold.
"""

import pathlib

import keras
from keras import layers

FOLDER = pathlib.Path(__file__).parent


def words(hidden, units, last, loss, activation="relu", **names):
    """imdb and reuters: multi-hot rows of 10,000 words, given as an array by Keras, as tokens by --tokens."""
    model = keras.Sequential([keras.Input((10000,), **names)])
    for width in hidden:
        model.add(layers.Dense(width, activation=activation))
    model.add(layers.Dense(units, activation=last))
    model.compile(optimizer="rmsprop", loss=loss, metrics=["accuracy"])
    return model


def imdb(hidden=(16, 16), loss="binary_crossentropy", activation="relu"):
    return words(hidden, 1, "sigmoid", loss, activation)


def reuters(hidden=(64, 64), loss="categorical_crossentropy"):
    return words(hidden, 46, "softmax", loss, name="newswire")


def boston():
    model = keras.Sequential(
        [
            keras.Input((13,)),
            layers.Normalization(),
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer="rmsprop", loss="mse", metrics=["mae"])
    return model


def mnist():
    image = keras.Input((28, 28))
    digit = layers.Dense(512, activation="relu")(layers.Flatten()(image / 255))
    model = keras.Model(image, layers.Dense(10, activation="softmax")(digit))
    model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


MODELS = {
    "imdb": imdb,
    "imdb_one_layer": lambda: imdb((16,)),
    "imdb_three_layers": lambda: imdb((16, 16, 16)),
    "imdb_wide": lambda: imdb((64, 64)),
    "imdb_mse": lambda: imdb(loss="mse"),
    "imdb_tanh": lambda: imdb(activation="tanh"),
    "reuters": reuters,
    "reuters_sparse": lambda: reuters(loss="sparse_categorical_crossentropy"),
    "reuters_bottleneck": lambda: reuters((64, 4)),
    "reuters_narrow": lambda: reuters((32, 32)),
    "reuters_wide": lambda: reuters((128, 128)),
    "reuters_one_layer": lambda: reuters((64,)),
    "reuters_three_layers": lambda: reuters((64, 64, 64)),
    "boston": boston,
    "mnist": mnist,
}

for name, make in MODELS.items():
    keras.backend.clear_session()
    model = make()
    model.name = f"keras_{name}"
    (FOLDER / f"{name}.json").write_text(model.to_json() + "\n")
