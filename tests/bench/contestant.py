"""What a contestant is, and the process it lives in.

    python3 contestant.py MODULE CLASS OPTIONS WORKLOAD

reads one JSON object a line on standard input and answers with one: {"do": "check"}, {"do": "round", "seconds": S}.
It is started once, so that imports and compilations are behind it when rounds of different contestants alternate.
"""
from __future__ import annotations

import importlib
import json
import os
import statistics
import sys
import time

import numpy as np

import workloads
from workloads import Data, Workload


class Contestant:
    """One way to compute a workload. A rival defines `epoch` (training) or `predict` and `repeat`."""

    epsilon_inside = True  # of RMSprop: sqrt(average + epsilon), or sqrt(average) + epsilon

    def __init__(self, workload: Workload, data: Data, weights: list, **options):
        self.workload, self.data, self.options = workload, data, options
        self.random = np.random.default_rng(5)
        self.prepare(weights)

    def prepare(self, weights: list) -> None:
        """Makes the model from (kernel, bias) of each layer."""
        raise NotImplementedError

    def epoch(self, order: np.ndarray, losses: list[float] | None = None) -> None:
        """One epoch over the rows in `order` (int64), every result finished on return; appends the loss of each
        batch to `losses` if it is given."""
        raise NotImplementedError

    def predict(self) -> np.ndarray:
        """The output of the workload's batch, f32[batch, outputs]."""
        raise NotImplementedError

    def repeat(self, calls: int) -> None:
        """Predicts `calls` times."""
        for _ in range(calls):
            self.predict()

    # ------------------------------------------------------------------------------------------------ timing

    @property
    def sizes(self) -> np.ndarray:
        """Rows of each batch of an epoch."""
        starts = np.arange(0, self.data.rows, self.workload.batch)
        return np.minimum(self.workload.batch, self.data.rows - starts)

    def epoch_losses(self) -> tuple[float, list[float]]:
        """Trains an epoch, rows in their order: its mean loss, and the loss of each batch (none where a rival does not
        tell)."""
        losses: list[float] = []
        self.epoch(np.arange(self.data.rows), losses)
        return float(np.average(losses, weights=self.sizes)), losses

    def training_samples(self, seconds: float) -> list[float]:
        """Seconds of an epoch, for as many shuffled epochs as fit."""
        samples: list[float] = []
        while not samples or sum(samples) < seconds:
            order = self.random.permutation(self.data.rows)
            begin = time.perf_counter()
            self.epoch(order)
            samples.append(time.perf_counter() - begin)
        return samples

    def prediction_samples(self, seconds: float) -> list[float]:
        """Seconds of a call; each sample is long enough for the clock."""
        calls, samples = 1, []
        while True:
            begin = time.perf_counter()
            self.repeat(calls)
            taken = time.perf_counter() - begin
            if taken > seconds / 30 or taken > 0.02:
                break
            calls *= 2
        while not samples or len(samples) * taken < seconds:
            begin = time.perf_counter()
            self.repeat(calls)
            samples.append((time.perf_counter() - begin) / calls)
        return samples

    # ------------------------------------------------------------------------------------------------ requests

    def check(self, epochs: int) -> dict:
        """What the contestant computes, and the seconds of the first epoch or call, which compiles what is not yet."""
        begin = time.perf_counter()
        if self.workload.task == "train":
            mean, batches = self.epoch_losses()
            taken = time.perf_counter() - begin
            return {"losses": [mean] + [self.epoch_losses()[0] for _ in range(epochs - 1)], "batches": batches[:3],
                    "epsilon_inside": self.epsilon_inside, "first": taken}
        out = np.asarray(self.predict(), np.float32).reshape(self.workload.batch, -1)
        taken = time.perf_counter() - begin
        path = f"{os.environ['HORNFELS_BENCH_EXCHANGE']}/{os.getpid()}.npy"
        np.save(path, out)
        return {"output": path, "first": taken}

    def round(self, seconds: float) -> dict:
        """Microseconds of an epoch, a step or a call, as the workload's unit says."""
        if self.workload.task == "train":
            samples = self.training_samples(seconds)
            divisor = 1 if self.workload.unit == "epoch" else len(self.sizes)
        else:
            samples, divisor = self.prediction_samples(seconds), 1
        return {"median": 1e6 * statistics.median(samples) / divisor, "least": 1e6 * min(samples) / divisor,
                "samples": len(samples)}


def main() -> None:
    module, name, options, key = sys.argv[1:]
    # Libraries print where they like: only answers go where answers are read.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    began = time.perf_counter()
    workload = workloads.WORKLOADS[key]
    data, weights = workloads.load(workload), workloads.first_weights(workload)
    loaded = time.perf_counter()
    kind = getattr(importlib.import_module(f"rivals.{module}"), name)
    contestant = kind(workload, data, weights, **json.loads(options))

    def answer(value: dict) -> None:
        print(json.dumps(value), file=answers, flush=True)

    answer({"ready": time.perf_counter() - loaded, "data": loaded - began, "version": kind.version()})
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "check":
            answer(contestant.check(request["epochs"]))
        elif request["do"] == "round":
            answer(contestant.round(request["seconds"]))


if __name__ == "__main__":
    # So that `contestant` is one module, whoever imports it.
    sys.modules["contestant"] = sys.modules["__main__"]
    main()
