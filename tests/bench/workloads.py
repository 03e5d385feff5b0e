"""The workloads: shapes, real data, first weights. Needs numpy and nothing else, so that every contestant's process,
whatever its interpreter, reads the same arrays.

Everything about a workload follows from its layers.
"""
from __future__ import annotations

import math
import os
import pathlib
import re
from dataclasses import dataclass

import numpy as np

from layers import Conv, Dense, Flatten, Layer, Lstm, Pool, Shape, chain

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Workload:
    """What is computed: `layers` on rows of the shape `input`."""

    key: str  # "W1"
    title: str
    model: str  # path of the Horn source, from the root of the project
    input: Shape
    layers: tuple[Layer, ...]
    batch: int
    task: str  # "train": steps over an epoch; "predict": one call on a batch
    data: str = ""  # which set; "": numbers drawn at random
    loss: str = ""  # binary, classes or squares; for "train"
    threads: int = 1
    unit: str = "step"  # what a time is given for: "epoch", "step" or "call"

    @property
    def family(self) -> str:
        """"W6" of W6a, W6b, W6c and W6t2."""
        return re.match(r"W\d+", self.key)[0]

    @property
    def inputs(self) -> int:
        """Numbers in a row."""
        return math.prod(self.input)

    @property
    def outputs(self) -> int:
        return self.layers[-1].units

    @property
    def last(self) -> str:
        """Activation of the last layer, which a loss may take in: sigmoid, softmax, linear or relu."""
        return self.layers[-1].activation

    @property
    def tokens(self) -> bool:
        """The input is a set of word ids, multi-hot in its dense form."""
        return self.data in ("imdb", "reuters")

    @property
    def images(self) -> bool:
        return len(self.input) == 3

    @property
    def sequences(self) -> bool:
        return len(self.input) == 2

    @property
    def shapes(self) -> list[Shape]:
        """The input of each layer."""
        shapes = [self.input]
        for layer in self.layers[:-1]:
            shapes.append(layer.output(shapes[-1]))
        return shapes

    @property
    def flops(self) -> float:
        """Of the products of a step, the dense first layer counted as written, windows that a pool drops counted too:
        forward, and for training the gradients of all weights and of all inputs but the first."""
        forward = self.batch * sum(layer.flops(shape) for layer, shape in zip(self.layers, self.shapes))
        if self.task == "predict":
            return forward
        return 3 * forward - self.batch * self.layers[0].input_flops(self.input)

    @property
    def dense_flops(self) -> bool:
        """Whether `flops` is work that is done: not where the multi-hot matrix is never built."""
        return not self.tokens


def _product(key: str, batch: int, inputs: int, units: int) -> Workload:
    return Workload(key, f"product with bias and relu, {batch} x {inputs} x {units}",
                    f"tests/bench/models/product_{inputs}_{units}.horn", (inputs,), (Dense(units),), batch, "predict",
                    unit="call")


def _lstm(key: str, units: int, threads: int = 1) -> Workload:
    return Workload(key, f"LSTM of {units} units, 100 steps of 32 numbers, batch 128" + (", two threads" * (threads > 1)),
                    f"tests/bench/models/lstm_{units}.horn", (100, 32), (Lstm(units), Dense(1, "sigmoid")), 128, "train",
                    "sequences", "binary", threads)


_IMDB = dict(model="models/imdb.horn", input=(10000,), layers=chain((16, 16, 1), "sigmoid"), data="imdb", loss="binary")
_BOSTON = dict(model="tests/bench/models/boston.horn", input=(13,), layers=chain((64, 64, 1), "linear"), data="boston",
               loss="squares")
_MLP = dict(model="tests/bench/models/mlp.horn", input=(784,), layers=chain((512, 10), "softmax"), data="mnist",
            loss="classes")
_WIDE = dict(model="tests/bench/models/wide.horn", input=(784,), layers=chain((1024, 1024, 1024, 10), "softmax"),
             data="mnist", loss="classes")
_CONVNET = dict(model="tests/bench/models/convnet.horn", input=(28, 28, 1), data="mnist", loss="classes",
                layers=(Conv(32, 3), Pool(2), Conv(64, 3), Pool(2), Conv(64, 3), Flatten(), Dense(64),
                        Dense(10, "softmax")))

WORKLOADS = {
    w.key: w
    for w in (
        Workload("W1", "IMDB, multi-hot 10000-16-16-1, batch 512", batch=512, task="train", unit="epoch", **_IMDB),
        Workload("W2", "Reuters, multi-hot 10000-64-64-46, batch 512", "models/reuters.horn", (10000,),
                 chain((64, 64, 46), "softmax"), 512, "train", "reuters", "classes", unit="epoch"),
        Workload("W3", "Boston 13-64-64-1, batch 1", batch=1, task="train", **_BOSTON),
        Workload("W4", "MNIST convnet, batch 128", batch=128, task="train", **_CONVNET),
        Workload("W4t2", "MNIST convnet, batch 128, two threads", batch=128, task="train", threads=2, **_CONVNET),
        Workload("W5", "MNIST 784-512-10, batch 128", batch=128, task="train", **_MLP),
        Workload("W5t2", "MNIST 784-512-10, batch 128, two threads", batch=128, task="train", threads=2, **_MLP),
        _lstm("W6a", 32),
        _lstm("W6b", 64),
        _lstm("W6c", 128),
        _lstm("W6t2", 64, threads=2),
        Workload("W7a", "one prediction, IMDB", batch=1, task="predict", unit="call", **_IMDB),
        Workload("W7b", "one prediction, Boston", batch=1, task="predict", unit="call", **_BOSTON),
        Workload("W7c", "one prediction, MNIST 784-512-10", batch=1, task="predict", unit="call", **_MLP),
        Workload("W7d", "one prediction, MNIST convnet", batch=1, task="predict", unit="call", **_CONVNET),
        _product("W9a", 128, 784, 512),
        _product("W9b", 512, 512, 512),
        _product("W9c", 1024, 1024, 1024),
        _product("W9d", 512, 10000, 16),
        Workload("W10", "MNIST 784-1024-1024-1024-10, batch 128", batch=128, task="train", **_WIDE),
    )
}


def choose(names: str) -> list[Workload]:
    """The workloads that a list such as "W1,W7" names; "W7" stands for W7a, W7b and so on, "W5" for W5 and W5t2."""
    if not names:
        return list(WORKLOADS.values())
    chosen = []
    for name in names.split(","):
        found = [w for w in WORKLOADS.values() if name in (w.key, w.family)]
        if not found:
            raise SystemExit(f"no workload {name!r}; there are: {', '.join(WORKLOADS)}")
        chosen += [w for w in found if w not in chosen]
    return chosen


# ---------------------------------------------------------------------------------------------------- data


@dataclass
class Data:
    """Rows of a workload. Token rows are sorted sets of ids: `ids[offsets[i] : offsets[i + 1]]`; others are `x`,
    f32[rows, inputs], images and sequences flat. `y` is f32[rows, 1], or int32[rows] where the loss takes class numbers."""

    rows: int
    x: np.ndarray | None
    ids: np.ndarray | None
    offsets: np.ndarray | None
    y: np.ndarray | None

    def dense(self, inputs: int) -> np.ndarray:
        """The rows as a matrix; token rows become multi-hot."""
        if self.x is not None:
            return self.x
        matrix = np.zeros((self.rows, inputs), np.float32)
        rows = np.repeat(np.arange(self.rows), np.diff(self.offsets))
        matrix[rows, self.ids] = 1
        return matrix


def words_of(ids: np.ndarray, offsets: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ids of the rows in `index`, one row after another, and how many each row has. No loop over rows: element t
    of the result is word t - (where its row begins here) of its row."""
    lengths = offsets[index + 1] - offsets[index]
    ends = np.cumsum(lengths)
    return ids[np.arange(ends[-1]) + np.repeat(offsets[index] - (ends - lengths), lengths)], lengths


def data_file(name: str) -> pathlib.Path:
    """NAME.npz in the folder HORNFELS_DATA or in the cache; ends the program if it is in neither."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "hornfels"
    for folder in (os.environ.get("HORNFELS_DATA"), cache):
        if folder and (pathlib.Path(folder) / f"{name}.npz").is_file():
            return pathlib.Path(folder) / f"{name}.npz"
    raise SystemExit(f"{name}.npz is neither in HORNFELS_DATA nor in {cache}")


HELD_OUT = {"imdb": 10000, "reuters": 1000}
MNIST_ROWS = 12800  # a hundred steps of 128: more than the last cache holds, and a round stays short
IMAGE_ROWS = SEQUENCE_ROWS = 2560  # twenty steps, of some ten milliseconds each


def load(workload: Workload) -> Data:
    """The rows to train on: what the book holds out first is left out."""
    if not workload.data:
        x = np.random.default_rng(7).standard_normal((workload.batch, workload.inputs), np.float32)
        return Data(workload.batch, x, None, None, None)
    if workload.data == "sequences":
        return _sequences(SEQUENCE_ROWS, *workload.input)
    file = np.load(data_file(workload.data))
    if workload.tokens:
        return _token_rows(file, HELD_OUT[workload.data], workload)
    x, y = file["x_train"], file["y_train"]
    if workload.data == "boston":
        x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)
        return Data(len(x), x, None, None, y.astype(np.float32)[:, None])
    rows = IMAGE_ROWS if workload.images else MNIST_ROWS
    x = (x[:rows].reshape(-1, 784) / 255).astype(np.float32)
    return Data(len(x), x, None, None, y[:rows].astype(np.int32))


def _sequences(rows: int, steps: int, features: int) -> Data:
    """Normal numbers; what is to be said is whether the first number was above 0 on average over the last steps."""
    x = np.random.default_rng(7).standard_normal((rows, steps, features), np.float32)
    y = (x[:, -8:, :1].sum(1) > 0).astype(np.float32)
    return Data(rows, x.reshape(rows, -1), None, None, y)


def _token_rows(file: np.lib.npyio.NpzFile, held_out: int, workload: Workload) -> Data:
    values, offsets, y = file["x_train_values"], file["x_train_offsets"], file["y_train"]
    rows = [np.unique(values[offsets[i]:offsets[i + 1]]) for i in range(held_out, len(y))]
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    labels = y[held_out:]
    labels = labels.astype(np.float32)[:, None] if workload.loss == "binary" else labels.astype(np.int32)
    return Data(len(rows), None, np.concatenate(rows).astype(np.uint16), starts, labels)


def first_weights(workload: Workload) -> list[tuple[np.ndarray, ...]]:
    """The weights of each layer, in the order and layout of Keras; () of a layer without. Glorot's uniform kernels;
    biases 0, those of an LSTM's forget gate 1; but random where only a product is computed, so that a bias left out is
    seen."""
    random = np.random.default_rng(11)
    weights = []
    for layer, shape in zip(workload.layers, workload.shapes):
        arrays = tuple(_first_weight(random, s, bool(workload.loss)) for s in layer.weights(shape))
        if isinstance(layer, Lstm):
            arrays[-1][layer.units:2 * layer.units] = 1
        weights.append(arrays)
    return weights


def _first_weight(random: np.random.Generator, shape: Shape, zero_bias: bool) -> np.ndarray:
    if len(shape) == 1:
        return np.zeros(shape, np.float32) if zero_bias else random.uniform(-1, 1, shape).astype(np.float32)
    limit = np.sqrt(6 / (math.prod(shape[:-2]) * (shape[-2] + shape[-1])))
    return random.uniform(-limit, limit, shape).astype(np.float32)
