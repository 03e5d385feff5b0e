"""Writes models.horn and golden.json: what Keras's fit() gives on the models of models.py.

    pip install keras tensorflow-cpu && python3 make_goldens.py

A case is a model, our command-line options, and the same for fit(). Each runs in float32, and in float64 for the noise
that Keras's own float32 has; both stand in the file. Rows keep their order; first weights are given.
"""

import json
import os
import subprocess
import sys

import numpy

from models import FEATURES, MODELS, ROWS, data

FOLDER = os.path.dirname(os.path.abspath(__file__))
SPLIT = {"validation_split": 0.25}


def schedule(text):
    """--learning-rate-schedule's words -> (class, arguments)."""
    name, *words = text.split(",")
    arguments = {}
    for word in words:
        key, _, value = word.partition("=")
        numbers = [float(number) for number in value.split("/")] if value else []
        arguments[key] = True if not value else numbers if key in ("boundaries", "values") else numbers[0]
    return "".join(part.title() for part in name.split("_")), arguments


def callback(text):
    """--early-stopping's and --reduce-lr-on-plateau's words -> arguments."""
    monitor, *words = text.split(",")
    arguments = {"monitor": monitor}
    for word in words:
        key, _, value = word.partition("=")
        arguments[key] = True if not value else value if key == "mode" else float(value) if "." in value else int(value)
    return arguments


class Case:
    """options: ours; fit: Keras's; es, plateau, rate: the callbacks' and the schedule's words, for both."""

    def __init__(self, name, model, epochs=7, fit=None, options=(), es=None, plateau=None, rate=None, batch=16, **more):
        self.name, self.model, self.epochs, self.fit = name, model, epochs, dict(fit or {})
        self.es, self.plateau, self.rate, self.batch, self.more = es, plateau, rate, batch, more
        self.options = ["--epochs", str(epochs), "--batch-size", str(batch), *options]
        if "validation_split" in self.fit:
            self.options += ["--validation-split", str(self.fit["validation_split"])]
        if "initial_epoch" in self.fit:
            self.options += ["--initial-epoch", str(self.fit["initial_epoch"])]
        if "class_weight" in self.fit:
            self.options += ["--class-weight", ",".join(f"{k}={v}" for k, v in self.fit["class_weight"].items())]
        for option, words in (("--early-stopping", es), ("--reduce-lr-on-plateau", plateau), ("--learning-rate-schedule", rate)):
            self.options += [option, words] if words else []
        if self.more.get("learning_rate"):
            self.options += ["--learning-rate", str(self.more["learning_rate"])]


CASES = [
    Case("split", "houses", fit=SPLIT),
    Case("batches_of_one", "houses", 1, batch=1),
    Case("learning_rate", "houses", learning_rate=0.3),
    Case("initial_epoch", "houses", 8, fit=SPLIT | {"initial_epoch": 3}),
    Case("stopping", "houses", 60, SPLIT, es="val_loss,patience=2"),
    Case("stopping_restores", "houses", 60, SPLIT, es="val_loss,patience=4,restore_best_weights"),
    Case("stopping_starts_later", "houses", 60, SPLIT, es="val_loss,patience=1,start_from_epoch=12,restore_best_weights"),
    Case("stopping_min_delta", "houses", 60, SPLIT, es="loss,patience=1,min_delta=0.02"),
    Case("stopping_baseline", "houses", 60, SPLIT, es="val_mae,patience=3,baseline=0.2,restore_best_weights"),
    Case("stopping_accuracy", "topics", 60, SPLIT, es="val_accuracy,patience=5,restore_best_weights"),
    Case("stopping_too_late", "houses", 10, SPLIT, es="loss,patience=20,restore_best_weights"),
    Case("plateau", "houses", 30, SPLIT, plateau="val_loss,factor=0.5,patience=1,min_delta=0.01"),
    Case("plateau_cooldown", "houses", 30, SPLIT, plateau="val_loss,factor=0.2,patience=1,cooldown=3,min_lr=0.002"),
    Case("plateau_accuracy", "topics", 20, SPLIT, plateau="accuracy,factor=0.3,patience=2,mode=max"),
    Case("plateau_and_stopping", "houses", 60, SPLIT, plateau="val_loss,factor=0.3,patience=2",
         es="val_loss,patience=7,restore_best_weights"),
    Case("schedule_and_stopping", "houses", 60, SPLIT, rate="exponential_decay,decay_steps=4,decay_rate=0.9",
         es="val_loss,patience=3,restore_best_weights"),
    Case("schedule_initial_epoch", "houses", 9, {"initial_epoch": 2}, rate="cosine_decay,decay_steps=12"),
    Case("class_weight", "topics", fit=SPLIT | {"class_weight": {0: 1, 1: 3.5, 2: 0.25, 3: 0}}, drop="sample_weight_train"),
    Case("class_weight_binary", "reviews", fit={"class_weight": {0: 0.5, 1: 2}}, drop="sample_weight_train"),
    Case("sample_weight", "topics", fit=SPLIT),
    Case("sample_weight_binary", "reviews", fit=SPLIT),
    Case("sample_weight_plateau", "reviews", 12, SPLIT, plateau="loss,factor=0.5,patience=1,min_delta=0.02"),
    Case("several_outputs", "two", fit=SPLIT),
    Case("several_outputs_stopping", "two", 60, SPLIT, es="val_kind_loss,patience=3,mode=min,restore_best_weights"),
    Case("normalization", "scaled", fit=SPLIT),
]
CASES += [
    Case(f"schedule_{i}", "houses", rate=words)
    for i, words in enumerate(
        """exponential_decay,decay_steps=7,decay_rate=0.9
        exponential_decay,decay_steps=7,decay_rate=0.5,staircase
        inverse_time_decay,decay_steps=5,decay_rate=0.5
        inverse_time_decay,decay_steps=5,decay_rate=0.5,staircase
        polynomial_decay,decay_steps=20
        polynomial_decay,decay_steps=9,end_learning_rate=0.01,power=2.0,cycle
        cosine_decay,decay_steps=15
        cosine_decay,decay_steps=12,alpha=0.1,warmup_target=0.2,warmup_steps=6
        cosine_decay_restarts,first_decay_steps=5
        cosine_decay_restarts,first_decay_steps=4,t_mul=1.0,m_mul=0.8,alpha=0.05
        piecewise_constant_decay,boundaries=5/12,values=0.1/0.02/0.001""".split()
    )
]
# One step an epoch: the loss of each of the 20 is in the history.
CASES += [Case(f"steps_{name}", name, 20, batch=ROWS, **({"drop": "sample_weight_train"} if model.kind in ("binary", "classes") else {}))
          for name, model in MODELS.items()]


def rounded(values):
    return [float(f"{float(value):.9g}") for value in numpy.asarray(values).reshape(-1)]


def weight_names(model):
    """Ours, in Keras's order of model.weights. Layers are told by their shapes' place in the model."""
    names = {"dense": "dense", "dense_1": "y"}
    result = []
    for variable in model.weights:
        layer, weight = variable.path.split("/")[-2:]
        base = layer if layer in ("shared", "size", "kind", "normalization") else names[layer]
        result.append(f"{base}/{weight}")
    return result


def first_weights(model, names):
    random = numpy.random.RandomState(11)
    values = []
    for variable, name in zip(model.weights, names):
        if name.startswith("normalization/"):
            values.append(numpy.array(variable))
        else:
            values.append(numpy.round(random.uniform(-0.6, 0.6, variable.shape), 3).astype("float32"))
    return values


def run(keras, case, real):
    keras.backend.clear_session()
    arrays = {name: value.astype(real if value.dtype.kind == "f" else "int32") for name, value in data(MODELS[case.model].kind).items()
              if name != case.more.get("drop")}
    model = MODELS[case.model].build(keras)
    adapted = [layer for layer in model.layers if layer.name == "normalization"]
    if adapted:
        training = int(ROWS * (1 - case.fit.get("validation_split", 0)))
        adapted[0].adapt(arrays["x_train"][:training])
        model.build((None, FEATURES))
        # adapt() makes new constants: what was compiled before has the old ones
        model.compile(optimizer=model.optimizer, loss=model.loss, metrics=["mae"])
    names = weight_names(model)
    first = first_weights(model, names)
    model.set_weights(first)
    if case.rate:
        name, arguments = schedule(case.rate)
        start = {} if "values" in arguments else {"initial_learning_rate": case.more.get("learning_rate", 0.05)}
        model.optimizer = None
        model.compile(optimizer=keras.optimizers.Adam(getattr(keras.optimizers.schedules, name)(**start, **arguments)),
                      loss="mse", metrics=["mae"])
    elif case.more.get("learning_rate"):
        model.optimizer.learning_rate = case.more["learning_rate"]
    model.run_eagerly = True
    callbacks = []
    if case.plateau:
        callbacks.append(keras.callbacks.ReduceLROnPlateau(**callback(case.plateau)))
    if case.es:
        callbacks.append(keras.callbacks.EarlyStopping(**callback(case.es)))
    if case.model == "two":
        x = {"left": arrays["left_train"], "right": arrays["right_train"]}
        y = {"size": arrays["size_train"], "kind": arrays["kind_train"]}
    else:
        x, y = arrays["x_train"], arrays["y_train"]
    history = model.fit(x, y, sample_weight=arrays.get("sample_weight_train"), epochs=case.epochs, batch_size=case.batch,
                        shuffle=False, verbose=0, callbacks=callbacks, **case.fit)
    return {
        "first": {name: rounded(value) for name, value in zip(names, first)},
        "shapes": {name: list(value.shape) for name, value in zip(names, first)},
        "history": {key: rounded(values) for key, values in history.history.items()},
        "epochs": len(history.epoch),
        "final": {name: rounded(value) for name, value in zip(names, model.get_weights())},
    }


def in_process(real):
    import keras

    keras.config.set_floatx(real)
    return {case.name: run(keras, case, real) for case in CASES}


def last_rate(case, epochs):
    """The schedule's rate in the last step of all."""
    import keras

    name, arguments = schedule(case.rate)
    start = {} if "values" in arguments else {"initial_learning_rate": case.more.get("learning_rate", 0.05)}
    steps = epochs * -(-int(ROWS * (1 - case.fit.get("validation_split", 0))) // case.batch)
    return float(getattr(keras.optimizers.schedules, name)(**start, **arguments)(steps - 1))


def difference(a, b):
    """The largest of |a - b| / (1 + |b|)."""
    if a.keys() != b.keys() or any(len(a[key]) != len(b[key]) for key in b):
        raise SystemExit(f"float32 and float64 part: {[(key, len(a[key]), len(b[key])) for key in b]}")
    return max(abs(x - y) / (1 + abs(y)) for key in b for x, y in zip(a[key], b[key]))


def main():
    environment = dict(os.environ, KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    values = {}
    for real in ("float32", "float64"):
        done = subprocess.run([sys.executable, __file__, real], env=environment, stdout=subprocess.PIPE, check=True)
        values[real] = json.loads(done.stdout)
    golden = {"data": {}, "cases": []}
    for case in CASES:
        kind = MODELS[case.model].kind
        golden["data"][kind] = {
            name: {"shape": list(value.shape), "real": value.dtype.kind == "f", "values": rounded(value)}
            for name, value in data(kind).items()
        }
        result, exact = values["float32"][case.name], values["float64"][case.name]
        noise = difference(result["history"], exact["history"])
        weight_noise = difference(result["final"], exact["final"])
        print(f"{case.name:28} {result['epochs']:3} epochs  noise {noise:.1e} weights {weight_noise:.1e}  "
              f"loss {result['history']['loss'][0]:.4f} -> {result['history']['loss'][-1]:.4f}")
        golden["cases"].append({"name": case.name, "model": case.model, "data": kind, "drop": case.more.get("drop", ""),
                                "options": case.options, "noise": float(f"{noise:.2g}"),
                                "weight_noise": float(f"{weight_noise:.2g}"), **result,
                                **({"last_rate": last_rate(case, result["epochs"])} if case.rate else {})})
    with open(os.path.join(FOLDER, "golden.json"), "w") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")
    with open(os.path.join(FOLDER, "models.horn"), "w") as file:
        file.write("# Made by make_goldens.py. One model is picked by --model.\n")
        file.write("\n".join(model.horn for model in MODELS.values()))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        json.dump(in_process(sys.argv[1]), sys.stdout)
    else:
        main()
