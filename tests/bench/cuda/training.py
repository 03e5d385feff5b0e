"""Models of the book, trained on real data on the device, to the figures that the CPU reaches (models/README.md)."""
from __future__ import annotations

import re
from dataclasses import dataclass

from common import DATA, Clock, Results, environment_of_device, run, say


@dataclass(frozen=True)
class Training:
    """Runs of a program, one for each seed, and the bounds of the mean of a figure."""

    title: str
    model: str
    data: str
    arguments: tuple[str, ...]
    seeds: tuple[int, ...]
    figure: str  # a pattern with one group
    low: float | None
    high: float | None
    on_cpu: str  # what the CPU's program reaches

    def in_bounds(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


ACCURACY, MAE = r"^test accuracy (\S+)", r"^test mae (\S+)"
TRAININGS = (
    Training("IMDB, 4 epochs, test accuracy", "imdb", "imdb.npz", ("--epochs", "4"), (1, 2, 3), ACCURACY, 0.872, None, "0.8846"),
    Training("Reuters, 9 epochs, test accuracy", "reuters", "reuters.npz", ("--epochs", "9"), (1, 2, 3), ACCURACY, 0.775, None, "0.7890"),
    Training("Boston, 80 epochs, batches of 16, test mae", "boston", "boston.npz", ("--epochs", "80", "--batch-size", "16"), (1, 2, 3),
             MAE, None, 2.9, "2.55 in the book"),
    Training("MNIST convnet, 5 epochs, test accuracy", "mnist_convnet", "mnist.npz", ("--epochs", "5"), (1,), ACCURACY, 0.988, None,
             "0.9918"),
    Training("IMDB by an LSTM, 4 epochs, test accuracy", "imdb_lstm", "imdb.npz", ("--epochs", "4"), (1,), ACCURACY, 0.83, None,
             "0.870, 0.852 and 0.863"),
    Training("Boston, 4 folds, 100 epochs, batches of 1, mean val_mae", "boston", "boston.npz",
             ("--kfold", "4", "--epochs", "100", "--batch-size", "1"), (1,), r"^mean val_mae (\S+)", 2.1, 3.1, "2.376"),
)


def train(built: dict, dry: bool, clock: Clock, results: Results) -> None:
    for one in TRAININGS:
        results.set("training", one.title, figure_of(one, built, dry, clock))
        say(f"  {one.title}: {results.all['training'][one.title]}")


def figure_of(one: Training, built: dict, dry: bool, clock: Clock) -> dict:
    program, data = built.get(f"check/{one.model}"), DATA / one.data
    if dry:
        return {"skipped": "without a device it takes too long"}
    if not program or not data.exists():
        return {"skipped": "no program" if not program else f"no {one.data}"}
    values, seconds = [], []
    for seed in one.seeds:
        if clock.over():
            break
        outcome = run([program, "train", "--data", data, "--seed", str(seed), "--verbose", "0", *one.arguments], clock.left(),
                      environment_of_device(dry))
        found = re.search(one.figure, outcome.output, re.MULTILINE)
        if not outcome.ok or not found:
            return {"problem": outcome.why()}
        values.append(float(found[1]))
        seconds.append(outcome.seconds)
    if not values:
        return {"skipped": "no time was left"}
    mean = sum(values) / len(values)
    return {"value": round(mean, 4), "seeds": len(values), "seconds": round(min(seconds), 2), "least": one.low, "most": one.high,
            "cpu": one.on_cpu, "ok": one.in_bounds(mean)}
