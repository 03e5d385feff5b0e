"""Writes recurrent.json: what Keras computes, in its own float32, for the models of recurrent.horn.

    pip install keras jax && python3 make_goldens.py

The test needs neither. Weights are drawn here and stored by layer, in the order in which the layer has them.
"""

import json
import os

os.environ["KERAS_BACKEND"] = "jax"
import numpy

import keras

L = keras.layers
FOLDER = os.path.dirname(os.path.abspath(__file__))
random = numpy.random.RandomState(5)


def flat(array):
    return [float(f"{value:.9g}") for value in numpy.asarray(array).reshape(-1)]


def drawn(shape, scale):
    return numpy.round(random.uniform(-scale, scale, shape), 3)


def draw_weights(layer):
    layer.set_weights([drawn(weight.shape, 0.6) for weight in layer.get_weights()])
    return [flat(weight) for weight in layer.get_weights()]


LAYERS = {
    "lstm_all": L.LSTM(6, return_sequences=True),
    "lstm_back": L.LSTM(6, return_sequences=True, go_backwards=True),
    "lstm_other": L.LSTM(9, activation="softsign", recurrent_activation="hard_sigmoid", use_bias=False),
    "gru_all": L.GRU(6, return_sequences=True),
    "gru_before": L.GRU(6, reset_after=False, go_backwards=True),
    "rnn_all": L.SimpleRNN(6, return_sequences=True),
    "rnn_back": L.SimpleRNN(6, activation="relu", go_backwards=True),
    "both": L.Bidirectional(L.LSTM(4, return_sequences=True)),
    "both_sum": L.Bidirectional(L.GRU(4), merge_mode="sum"),
    "distributed": L.TimeDistributed(L.Dense(3, activation="tanh")),
}


def layer_values():
    x = drawn((3, 7, 5), 2)
    weights, outputs = {}, {}
    for name, layer in LAYERS.items():
        layer.build(x.shape)
        weights[name] = draw_weights(layer)
        outputs[name] = flat(layer(x))
    return {"x": flat(x), "weights": weights, "outputs": outputs}


def training(rows=70, steps=10):
    model = keras.Sequential([
        keras.Input((7, 5)),
        L.Bidirectional(L.GRU(5, return_sequences=True), name="first"),
        L.LSTM(6, return_sequences=True, name="second"),
        L.SimpleRNN(5, name="third"),
        L.Dense(1, name="fourth"),
    ])
    weights = {layer.name: draw_weights(layer) for layer in model.layers}
    x, y = drawn((rows, 7, 5), 2), drawn((rows, 1), 1)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    losses = []
    for _ in range(steps):
        model.reset_metrics()
        losses.append(float(model.train_on_batch(x, y)))
    return {"x": flat(x), "y": flat(y), "weights": weights, "losses": flat(losses),
            "after": {layer.name: [flat(weight) for weight in layer.get_weights()] for layer in model.layers}}


with open(os.path.join(FOLDER, "recurrent.json"), "w") as file:
    json.dump({"layers": layer_values(), "training": training()}, file)
    file.write("\n")
