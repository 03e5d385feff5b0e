"""Writes models/*.json, as Keras 3 saves them (KERAS_BACKEND=jax python3 make_models.py). Those of Keras 2,
models/keras2_*.json, are written by hand. What `hornfels import` makes of each is models/*.horn."""

import pathlib
import sys

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


def wrapped():
    """Layers of layers, several results of one, states handed on, models of models, some of them frozen."""
    x, s = keras.Input((5, 3), name="x"), keras.Input((4,), name="s")
    p, q, inner = keras.Input((3,), name="p"), keras.Input((3,), name="q"), keras.Input((4,), name="inner")
    encoded, h, c = layers.LSTM(4, return_state=True, return_sequences=True, name="encoder")(x)
    decoded = layers.LSTM(4, return_sequences=True, name="decoder")(x, initial_state=[h, c])
    last = layers.GRU(4, name="last")(encoded, initial_state=s)
    both = layers.Bidirectional(layers.GRU(3, return_state=True), merge_mode=None, name="both")(decoded)
    two = keras.Model([p, q], [layers.Subtract(name="difference")([p, q]), layers.Dense(2, name="wide")(p)], name="two")
    difference, wide = two([both[0], both[1]])
    small = keras.Model(inner, layers.Dense(2, name="out")(inner), name="small")
    places = layers.TimeDistributed(small, name="places")(decoded)
    other = layers.Bidirectional(layers.LSTM(3, activation="relu", name="one"), name="other", backward_layer=layers.SimpleRNN(
        3, go_backwards=True, name="back"))(x)
    chain = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="a"), layers.Dense(2, name="b")], name="chain")
    graph = keras.Model(inner, layers.Dense(2, name="b")(layers.Dense(3, name="a")(inner)), name="graph")
    chain.trainable = graph.trainable = False
    spectral = layers.SpectralNormalization(layers.Dense(3, name="dense"), power_iterations=2, name="spectral")(last)
    return keras.Model([x, s], [last, both[2], difference, wide, places, other, chain(last), graph(last), spectral],
                       name="wrapped")


def masks():
    """Masks that layers have anyway, through concatenation and maximum, and one of the caller's own, behind a convolution."""
    ids = keras.Input((9,), dtype="int32", name="ids")
    table = layers.Embedding(20, 4, mask_zero=True, name="table")
    words = table(ids)
    one = layers.LSTM(4, return_sequences=True, name="one")(layers.Dropout(0.1)(words))
    both = layers.Maximum(name="either")([layers.Concatenate(name="both")([words, one]), layers.Dense(8)(words)])
    smooth = layers.Conv1D(4, 3, padding="same", name="smooth")(both)
    own = layers.GRU(4, name="own")(smooth, mask=table.compute_mask(ids))
    mean = layers.GlobalAveragePooling1D(name="mean")(both)
    late = layers.SimpleRNN(3, name="late")(layers.Concatenate(axis=1, name="twice")([words, layers.Dense(4, name="plain")(smooth)]))
    # With an initial state a recurrent layer of Keras 3 does not look at the mask.
    begun = layers.GRU(4, return_sequences=True, name="begun")(words, initial_state=own)
    last = layers.GRU(4, name="last")(begun)
    # Its operators drop masks.
    residual = layers.GlobalAveragePooling1D(name="residual")(words + one)
    return keras.Model(ids, layers.Dense(1, name="y")(layers.Concatenate()([own, mean, late, last, residual])), name="masks")


# Keras 3.12 wrote the first four, 3.15 the others.
for make in (imdb, reuters, pair, nested, wrapped, masks):
    if len(sys.argv) == 1 or make.__name__ in sys.argv:
        save(make.__name__, make())
