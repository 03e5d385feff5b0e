"""Writes models/*.json, as Keras 3 saves them (KERAS_BACKEND=jax python3 make_models.py). Those of Keras 2,
models/keras2_*.json, are written by hand. What `hornfels import` makes of each is models/*.horn."""

import pathlib

import keras
from keras import layers

FOLDER = pathlib.Path(__file__).parent / "models"


def save(name, model):
    (FOLDER / f"{name}.json").write_text(model.to_json() + "\n")
    keras.backend.clear_session()


def imdb():
    model = keras.Sequential(
        [
            keras.Input((10000,), name="review"),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="imdb",
    )
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def reuters():
    model = keras.Sequential(
        [layers.Dense(64, activation="relu"), layers.Dense(64, activation="relu"), layers.Dense(46, activation="softmax")]
    )
    model.build((None, 10000))
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3, clipnorm=1.0),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=[keras.metrics.SparseCategoricalAccuracy()],
    )
    return model


def pair():
    left, right = keras.Input((28, 28, 1), name="left"), keras.Input((28, 28, 1), name="right")
    encoder = keras.Sequential([layers.Flatten(), layers.Dense(64, activation="relu")], name="encoder")
    shared = layers.Dense(8, name="shared", kernel_initializer="he_normal")
    a, b = shared(encoder(left)), shared(encoder(right))
    same = layers.Dense(1, activation="sigmoid", name="same")(keras.ops.abs(a - b))
    label = layers.Dense(10, activation="softmax", name="label")(layers.Concatenate()([a, b]))
    model = keras.Model([left, right], [same, label], name="pair")
    model.compile(
        optimizer=keras.optimizers.SGD(0.1, momentum=0.9),
        loss={"same": "binary_crossentropy", "label": "sparse_categorical_crossentropy"},
        loss_weights={"same": 1.0, "label": 0.5},
        metrics={"label": ["accuracy"]},
    )
    return model


def nested():
    x = keras.Input((8,))
    inner = keras.Model(x, layers.Dense(4, trainable=False)(x), name="inner")
    x = keras.Input((8,))
    y = layers.Add()([inner(x), inner(x)])
    y = layers.LeakyReLU()(layers.ReLU(max_value=6.0)(y))
    y = layers.Flatten()(layers.Reshape((2, 2))(y))
    model = keras.Model(x, y)
    model.compile(loss="mse", optimizer="sgd")
    return model


for make in (imdb, reuters, pair, nested):
    save(make.__name__, make())
