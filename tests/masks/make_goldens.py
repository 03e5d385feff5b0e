"""Writes masks.json: what Keras computes, in its own float32, for the models of masks.horn, and keras/*.json: those that
train without weights of samples, as `to_json()` writes them.

    pip install keras jax && python3 make_goldens.py

The test needs neither. Weights are drawn here and stored by layer, in the order in which the layer has them. Metrics are
those of an evaluation: with JAX a training step of Keras 3.15 loses the mask before it comes to the metrics.
"""

import json
import os

os.environ["KERAS_BACKEND"] = "jax"
import numpy

import keras

L = keras.layers
FOLDER = os.path.dirname(os.path.abspath(__file__))
random = numpy.random.RandomState(11)


def flat(array):
    return [float(f"{value:.9g}") for value in numpy.asarray(array, dtype="float64").reshape(-1)]


def drawn(shape, scale):
    return numpy.round(random.uniform(-scale, scale, shape), 3).astype("float32")


def draw_weights(layer):
    layer.set_weights([abs(drawn(weight.shape, 0.6)) if "variance" in weight.path else drawn(weight.shape, 0.6)
                       for weight in layer.weights if "seed" not in weight.path] +
                      [weight.numpy() for weight in layer.weights if "seed" in weight.path])
    return [flat(weight) for weight in layer.weights if "seed" not in weight.path]


def ids_of(rows, places, limit):
    """Ids with zeros at either end or in between, in no row nothing but zeros."""
    ids = random.randint(1, limit, (rows, places))
    for row in range(rows):
        kind, count = random.randint(4), random.randint(1, places - 1)
        if kind == 0:
            ids[row, :count] = 0
        elif kind == 1:
            ids[row, count:] = 0
        elif kind == 2:
            ids[row, random.randint(0, places, 3)] = 0
    return ids.astype("int32")


def rows_of(rows, places, width):
    x = drawn((rows, places, width), 2)
    return x * (ids_of(rows, places, 9) != 0)[..., None].astype("float32")


def layer_values():
    ids, x = ids_of(4, 7, 10), rows_of(4, 7, 5)
    x[1, 2, :] = 0
    x[2, 3, 1:] = 0
    made = {}

    def named(name, layer):
        layer.name = name
        made[name] = layer
        return layer

    i, r = keras.Input((7,), dtype="int32"), keras.Input((7, 5))
    e = named("table", L.Embedding(10, 4, mask_zero=True))(i)
    m = L.Masking()(r)
    back = {"return_sequences": True, "go_backwards": True}
    y = {
        "lstm_all": named("lstm_all", L.LSTM(6, return_sequences=True))(e),
        "lstm_last": named("lstm_last", L.LSTM(6))(e),
        "lstm_back": named("lstm_back", L.LSTM(6, **back))(m),
        "lstm_back_last": named("lstm_back_last", L.LSTM(6, go_backwards=True))(e),
        "gru_all": named("gru_all", L.GRU(6, return_sequences=True))(m),
        "gru_last": named("gru_last", L.GRU(6))(e),
        "gru_back": named("gru_back", L.GRU(6, **back))(e),
        "gru_before": named("gru_before", L.GRU(6, reset_after=False))(m),
        "rnn_all": named("rnn_all", L.SimpleRNN(6, return_sequences=True))(e),
        "rnn_last": named("rnn_last", L.SimpleRNN(6))(m),
        "rnn_back": named("rnn_back", L.SimpleRNN(6, **back))(e),
        "both_concat": named("both_concat", L.Bidirectional(L.LSTM(4, return_sequences=True)))(e),
        "both_sum": named("both_sum", L.Bidirectional(L.GRU(4, return_sequences=True), merge_mode="sum"))(m),
        "both_mul": named("both_mul", L.Bidirectional(L.LSTM(4, return_sequences=True), merge_mode="mul"))(m),
        "both_ave": named("both_ave", L.Bidirectional(L.SimpleRNN(4, return_sequences=True), merge_mode="ave"))(e),
        "both_last": named("both_last", L.Bidirectional(L.LSTM(4)))(e),
        "masked": m,
        "average": L.GlobalAveragePooling1D()(e),
        "average_kept": L.GlobalAveragePooling1D(keepdims=True)(m),
        "added": named("added", L.LSTM(3))(L.Add()([named("plus", L.Dense(4))(m), e])),
        "joined": named("joined", L.LSTM(3))(L.Concatenate()([m, e])),
        "joined_in_time": named("joined_in_time", L.LSTM(3))(
            L.Concatenate(axis=1)([named("wide", L.Dense(4))(m), e])),
        "norm": named("normed", L.LSTM(3))(
            named("layer_norm", L.LayerNormalization())(named("norm", L.BatchNormalization())(e))),
        "distributed": named("behind", L.GRU(3))(
            named("distributed", L.TimeDistributed(L.Dense(3, activation="tanh")))(e)),
        "nested": named("outer", L.LSTM(3))(
            named("nested", L.TimeDistributed(L.LSTM(3)))(L.Masking()(L.Reshape((7, 5, 1))(r)))),
        "dropped": named("dropped", L.LSTM(3))(named("conv", L.Conv1D(4, 2, padding="same"))(e)),
        "through": named("through", L.GRU(3))(L.UnitNormalization()(L.GaussianNoise(0.1)(
            L.Rescaling(2.0, 0.5)(L.ReLU()(L.Dropout(0.5)(L.Activation("tanh")(e))))))),
    }
    y["zeros"] = named("zeros", L.GRU(4, return_sequences=True, zero_output_for_mask=True))(e)
    y["zero_last"] = named("zero_last", L.SimpleRNN(4, zero_output_for_mask=True))(m)
    forth, back_again = named("pair", L.Bidirectional(L.LSTM(3, return_sequences=True), merge_mode=None))(e)
    y["pair"] = named("after_pair", L.LSTM(3))(L.Add()([forth, back_again]))
    pairs = keras.ops.stack([i, i], axis=2)
    y["deep"] = named("deep_outer", L.LSTM(3))(named("deep", L.TimeDistributed(L.GRU(3)))(
        named("deep_table", L.Embedding(10, 4, mask_zero=True))(pairs)))
    narrow, plain = named("narrow", L.Dense(4))(m), named("open", L.Dense(4))(r)
    y["largest"] = L.Maximum()([e, narrow, L.Rescaling(1.0, 0.5)(e)])
    y["smallest"] = L.Minimum()([narrow, plain])
    y["product"] = L.Multiply()([e, narrow])
    y["product_of_one"] = L.Multiply()([e, plain])
    score = named("score", L.Dense(1))(m)
    weights = {name: draw_weights(layer) for name, layer in made.items()}
    model = keras.Model([i, r], list(y.values()) + [score])
    outputs = [numpy.asarray(value) for value in model([ids, x])]
    values = dict(zip(y, map(flat, outputs)))
    # Keras's own softmax wants a mask of all axes: the formula, for one axis of places.
    counts = (x != 0).any(-1, keepdims=True)
    values["soft"] = flat(L.Softmax(axis=1)(outputs[-1], mask=counts))
    return {"ids": flat(ids), "x": flat(x), "weights": weights, "outputs": values}


def losses_of(model, inputs, target, optimizer, loss, metrics=(), sample_weight=None, steps=10):
    model.compile(optimizer, loss, metrics=list(metrics))
    if sample_weight is None:
        with open(os.path.join(FOLDER, "keras", model.name + ".json"), "w") as file:
            file.write(model.to_json() + "\n")
    weights = {layer.name: draw_weights(layer) for layer in model.layers if layer.weights}
    given = {} if sample_weight is None else {"sample_weight": sample_weight[:, None]}
    losses, evaluated = [], []
    for _ in range(steps):
        evaluated.append([float(value) for value in
                          model.evaluate(inputs, target, batch_size=len(inputs), verbose=0, return_dict=False, **given)]
                         if metrics else [])
        model.reset_metrics()
        losses.append(float(numpy.asarray(model.train_on_batch(inputs, target, **given)).reshape(-1)[0]))
    golden = {"input": flat(inputs), "target": flat(target), "weights": weights, "losses": flat(losses),
              "metrics": [flat(values[1:]) for values in evaluated],
              "after": {layer.name: [flat(weight) for weight in layer.weights if "seed" not in weight.path]
                        for layer in model.layers if layer.weights}}
    if sample_weight is not None:
        golden["sample_weight"] = flat(sample_weight)
    return golden


def labels(rows=16):
    i = keras.Input((9,), dtype="int32", name="ids")
    h = L.Embedding(12, 6, mask_zero=True, name="table")(i)
    h = L.LSTM(8, return_sequences=True, name="first")(h)
    model = keras.Model(i, L.Dense(4, activation="softmax", name="last")(h), name="labels_read")
    return losses_of(model, ids_of(rows, 9, 12), random.randint(0, 4, (rows, 9)), keras.optimizers.Adam(0.05),
                     "sparse_categorical_crossentropy",
                     ["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2)], abs(drawn(rows, 2)))


def moments(rows=16):
    x = keras.Input((7, 5), name="x")
    m = L.Masking()(x)
    h = L.Bidirectional(L.GRU(4, return_sequences=True), merge_mode="sum", name="both")(m)
    h = L.BatchNormalization(name="norm")(h)
    s = L.Dense(4, name="down")(L.Bidirectional(L.LSTM(4, return_sequences=True), name="other")(m))
    y = L.TimeDistributed(L.Dense(5, activation="tanh"), name="each")(L.Maximum()([h, s]))
    model = keras.Model(x, L.Dense(1, name="last")(L.GlobalAveragePooling1D()(y)), name="moments_read")
    return losses_of(model, rows_of(rows, 7, 5), drawn((rows, 1), 1), keras.optimizers.SGD(0.2), "mse", ["mae"])


def ignoring(rows=16):
    i = keras.Input((9,), dtype="int32", name="ids")
    h = L.Embedding(12, 3, mask_zero=True, name="table")(i)
    h = L.SimpleRNN(4, return_sequences=True, name="first")(h)
    model = keras.Model(i, L.Dense(3, activation="softmax", name="last")(h), name="ignoring_read")
    return losses_of(model, ids_of(rows, 9, 12), random.randint(0, 3, (rows, 9)), keras.optimizers.SGD(0.5),
                     keras.losses.SparseCategoricalCrossentropy(ignore_class=2))


def numbers(rows=16):
    i = keras.Input((9,), dtype="int32", name="ids")
    h = L.Embedding(12, 3, mask_zero=True, name="table")(i)
    h = L.GRU(4, return_sequences=True, go_backwards=True, name="first")(h)
    model = keras.Model(i, L.Dense(2, name="last")(h), name="numbers_read")
    return losses_of(model, ids_of(rows, 9, 12), drawn((rows, 9, 2), 1), keras.optimizers.SGD(0.5),
                     "mse", ["mae", "mse"])


def graph():
    """A model whose file says masks of its own: the one that the reader of Keras's JSON is tested with."""
    with open(os.path.join(FOLDER, "..", "keras", "models", "masks.json")) as file:
        model = keras.models.model_from_json(file.read())
    weights = {layer.name: draw_weights(layer) for layer in model.layers if layer.weights and layer.name != "dropout"}
    ids = ids_of(6, 9, 20)
    return {"ids": flat(ids), "weights": weights, "output": flat(model(ids))}


os.makedirs(os.path.join(FOLDER, "keras"), exist_ok=True)
with open(os.path.join(FOLDER, "masks.json"), "w") as file:
    json.dump({"layers": layer_values(), "labels": labels(), "moments": moments(), "ignoring": ignoring(),
               "numbers": numbers(), "graph": graph()}, file)
    file.write("\n")
