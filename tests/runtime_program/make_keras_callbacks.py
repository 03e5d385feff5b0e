"""Writes keras_callbacks.txt: what Keras's own callbacks do with given series of a monitored metric.

    KERAS_BACKEND=jax python make_keras_callbacks.py > keras_callbacks.txt

A case is a block of lines "key<TAB>value": the callback, our option's value, the series, what was printed (with \\n for
line ends), and what was done. Keras keeps learning rates in float32 and compares in it; both are double here, as in the
program, so that numbers have the digits that were meant. Random series are of two decimals, with ties.
"""
import contextlib, io, os, random, types, warnings

os.environ["KERAS_BACKEND"] = "jax"
import jax

jax.config.update("jax_enable_x64", True)
import keras
import numpy as np
from keras.src.callbacks import reduce_lr_on_plateau

reduce_lr_on_plateau.backend.convert_to_numpy = np.float64
warnings.simplefilter("ignore")


class Model:
    def __init__(self):
        self.stop_training, self.metrics, self.weights, self.restored, self.saved = False, [], -1, -1, []
        self.optimizer = types.SimpleNamespace(learning_rate=0.01)

    def get_weights(self):
        return [self.weights]

    def set_weights(self, weights):
        self.restored = weights[0]

    def save(self, path, overwrite=True, **_):
        self.saved.append(path)


def show(**fields):
    for key, value in fields.items():
        print(f"{key}\t{value}")
    print()


def run(callback, monitor, series):
    model, text, rates = Model(), io.StringIO(), []
    callback.set_model(model)
    with contextlib.redirect_stdout(text):
        callback.on_train_begin()
        epochs = 0
        for epoch, value in enumerate(series):
            model.weights = epoch
            callback.on_epoch_begin(epoch)
            callback.on_epoch_end(epoch, {"mae": 1.0, monitor: value})
            rates.append(model.optimizer.learning_rate)
            epochs += 1
            if model.stop_training:
                break
        callback.on_train_end()
    return model, text.getvalue().replace("\n", "\\n"), epochs, rates


def option(monitor, settings, **names):
    words = [monitor]
    for key, value in settings.items():
        words.append(f"{key}={value}")
    return ",".join(words)


def series(draw):
    level, result = draw.uniform(0.2, 1.0), []
    for _ in range(draw.randint(3, 16)):
        level += draw.choice([-0.1, -0.05, -0.01, 0.0, 0.0, 0.01, 0.05])
        result.append(round(level, 2))
    return result


def main():
    draw = random.Random(113)
    for _ in range(30):
        monitor, mode = draw.choice([("val_loss", "auto"), ("loss", "min"), ("accuracy", "max")])
        settings = {"patience": draw.randint(0, 4), "mode": mode}
        if draw.random() < 0.5:
            settings["min_delta"] = draw.choice([0.005, 0.03, 0.2, -0.03])
        if draw.random() < 0.3:
            settings["baseline"] = draw.choice([0.2, 0.5, 0.9])
        if draw.random() < 0.6:
            settings["restore_best_weights"] = True
        if draw.random() < 0.3:
            settings["start_from_epoch"] = draw.randint(1, 6)
        values = series(draw)
        model, text, epochs, _ = run(keras.callbacks.EarlyStopping(monitor, verbose=1, **settings), monitor, values)
        show(callback="early_stopping", option=option(monitor, settings), series=" ".join(map(str, values)), printed=text,
             epochs=epochs, restored=model.restored)
    for _ in range(30):
        monitor, mode = draw.choice([("val_loss", "auto"), ("loss", "min"), ("accuracy", "max")])
        settings = {"patience": draw.randint(0, 3), "mode": mode, "factor": draw.choice([0.1, 0.2, 0.5, 0.3])}
        if draw.random() < 0.5:
            settings["min_delta"] = draw.choice([0.0, 0.005, 0.03])
        if draw.random() < 0.4:
            settings["cooldown"] = draw.randint(1, 4)
        if draw.random() < 0.5:
            settings["min_lr"] = draw.choice([0.001, 0.0025, 1e-06])
        values = series(draw)
        _, text, _, rates = run(keras.callbacks.ReduceLROnPlateau(monitor, verbose=1, **settings), monitor, values)
        show(callback="plateau", option=option(monitor, settings), series=" ".join(map(str, values)), printed=text,
             rates=" ".join(map(repr, map(float, rates))))
    for _ in range(14):
        monitor, mode = draw.choice([("val_loss", "auto"), ("loss", "min"), ("accuracy", "max")])
        settings = {"monitor": monitor, "mode": mode}
        if draw.random() < 0.8:
            settings["save_best_only"] = True
        if draw.random() < 0.3:
            settings["initial_value_threshold"] = draw.choice([0.3, 0.7])
        path = draw.choice(["w.keras", "w-{epoch:02d}.keras", "w-{epoch}-{mae:.2f}.keras", "{%s:.3e}{{}}.keras" % monitor])
        values = series(draw)
        model, text, _, _ = run(keras.callbacks.ModelCheckpoint(path, verbose=1, **settings), monitor, values)
        show(callback="model_checkpoint", option=option(path, settings), series=" ".join(map(str, values)), printed=text,
             saved=" ".join(model.saved))
    for keys in ["loss", "loss mae", "loss val_loss", "accuracy learning_rate loss val_accuracy val_loss"]:
        rows = [[draw.choice([draw.uniform(0, 3), 10 ** draw.uniform(-9, 19), 0.1, 1.0]) for _ in keys.split()]
                for _ in range(6)]
        log = keras.callbacks.CSVLogger("log.csv")
        log.set_model(Model())
        log.on_train_begin()
        for epoch, row in enumerate(rows):
            log.on_epoch_end(epoch, dict(zip(keys.split(), row)))
        log.on_train_end()
        with open("log.csv", newline="") as file:
            text = file.read()
        os.remove("log.csv")
        show(callback="csv_log", option=keys, series=" ".join(repr(x) for row in rows for x in row),
             printed=text.replace("\r\n", "\\n"))
    cases = [
        ("exponential_decay", "ExponentialDecay", dict(decay_steps=7, decay_rate=0.9)),
        ("exponential_decay", "ExponentialDecay", dict(decay_steps=7, decay_rate=0.9, staircase=True)),
        ("inverse_time_decay", "InverseTimeDecay", dict(decay_steps=5, decay_rate=0.5)),
        ("inverse_time_decay", "InverseTimeDecay", dict(decay_steps=5, decay_rate=0.5, staircase=True)),
        ("polynomial_decay", "PolynomialDecay", dict(decay_steps=20)),
        ("polynomial_decay", "PolynomialDecay", dict(decay_steps=9, end_learning_rate=0.01, power=2.0, cycle=True)),
        ("cosine_decay", "CosineDecay", dict(decay_steps=25)),
        ("cosine_decay", "CosineDecay", dict(decay_steps=20, alpha=0.1, warmup_target=0.5, warmup_steps=6)),
        ("cosine_decay_restarts", "CosineDecayRestarts", dict(first_decay_steps=5)),
        ("cosine_decay_restarts", "CosineDecayRestarts", dict(first_decay_steps=4, t_mul=1.0, m_mul=0.8, alpha=0.05)),
        ("piecewise_constant_decay", "PiecewiseConstantDecay", dict(boundaries=[5, 12], values=[0.3, 0.02, 0.001])),
    ]
    for name, keras_name, settings in cases:
        first = {} if "values" in settings else {"initial_learning_rate": 0.2}
        rate = getattr(keras.optimizers.schedules, keras_name)(**first, **settings)
        text = {k: "/".join(map(str, v)) if isinstance(v, list) else v for k, v in settings.items()}
        show(callback="schedule", option=option(name, text), series="0.2",
             rates=" ".join(repr(float(rate(step))) for step in range(40)))


main()
