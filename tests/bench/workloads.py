"""The workloads: shapes, real data, first weights. Needs numpy and nothing else, so that every contestant's process,
whatever its interpreter, reads the same arrays.

A layer is a product with a bias and an activation; everything about a workload follows from its widths.
"""
from __future__ import annotations

import os
import pathlib
from dataclasses import dataclass

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Workload:
    """What is computed: `widths[0]` inputs, then one dense layer for each further width, relu between them."""

    key: str  # "W1"
    title: str
    model: str  # path of the Horn source, from the root of the project
    widths: tuple[int, ...]
    last: str  # activation of the last layer: sigmoid, softmax, linear or relu
    batch: int
    task: str  # "train": steps over an epoch; "predict": one call on a batch
    data: str = ""  # which set; "": numbers drawn at random
    loss: str = ""  # binary, classes or squares; for "train"
    threads: int = 1
    unit: str = "step"  # what a time is given for: "epoch", "step" or "call"

    @property
    def tokens(self) -> bool:
        """The input is a set of word ids, multi-hot in its dense form."""
        return self.data in ("imdb", "reuters")

    @property
    def flops(self) -> float:
        """Of the products of a step, the dense first layer counted as written: forward, and for training the
        gradients of all weights and of all inputs but the first."""
        pairs = list(zip(self.widths, self.widths[1:]))
        forward = sum(2.0 * self.batch * a * b for a, b in pairs)
        if self.task == "predict":
            return forward
        return 3 * forward - 2.0 * self.batch * pairs[0][0] * pairs[0][1]

    @property
    def dense_flops(self) -> bool:
        """Whether `flops` is work that is done: not where the multi-hot matrix is never built."""
        return not self.tokens


def _product(key: str, batch: int, inputs: int, units: int) -> Workload:
    return Workload(key, f"product with bias and relu, {batch} x {inputs} x {units}",
                    f"tests/bench/models/product_{inputs}_{units}.horn", (inputs, units), "relu", batch, "predict",
                    unit="call")


_IMDB = dict(model="models/imdb.horn", widths=(10000, 16, 16, 1), last="sigmoid", data="imdb", loss="binary")
_BOSTON = dict(model="tests/bench/models/boston.horn", widths=(13, 64, 64, 1), last="linear", data="boston",
               loss="squares")
_MLP = dict(model="tests/bench/models/mlp.horn", widths=(784, 512, 10), last="softmax", data="mnist", loss="classes")
_WIDE = dict(model="tests/bench/models/wide.horn", widths=(784, 1024, 1024, 1024, 10), last="softmax", data="mnist",
             loss="classes")

WORKLOADS = {
    w.key: w
    for w in (
        Workload("W1", "IMDB, multi-hot 10000-16-16-1, batch 512", batch=512, task="train", unit="epoch", **_IMDB),
        Workload("W2", "Reuters, multi-hot 10000-64-64-46, batch 512", "models/reuters.horn", (10000, 64, 64, 46),
                 "softmax", 512, "train", "reuters", "classes", unit="epoch"),
        Workload("W3", "Boston 13-64-64-1, batch 1", batch=1, task="train", **_BOSTON),
        Workload("W5", "MNIST 784-512-10, batch 128", batch=128, task="train", **_MLP),
        Workload("W5t2", "MNIST 784-512-10, batch 128, two threads", batch=128, task="train", threads=2, **_MLP),
        Workload("W7a", "one prediction, IMDB", batch=1, task="predict", unit="call", **_IMDB),
        Workload("W7b", "one prediction, Boston", batch=1, task="predict", unit="call", **_BOSTON),
        Workload("W7c", "one prediction, MNIST 784-512-10", batch=1, task="predict", unit="call", **_MLP),
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
        found = [w for w in WORKLOADS.values() if w.key == name or w.key.rstrip("abcd").removesuffix("t2") == name]
        if not found:
            raise SystemExit(f"no workload {name!r}; there are: {', '.join(WORKLOADS)}")
        chosen += [w for w in found if w not in chosen]
    return chosen


# ---------------------------------------------------------------------------------------------------- data


@dataclass
class Data:
    """Rows of a workload. Token rows are sorted sets of ids: `ids[offsets[i] : offsets[i + 1]]`; others are `x`,
    f32[rows, inputs]. `y` is f32[rows, 1], or int32[rows] where the loss takes class numbers."""

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


def load(workload: Workload) -> Data:
    """The rows to train on: what the book holds out first is left out."""
    if not workload.data:
        x = np.random.default_rng(7).standard_normal((workload.batch, workload.widths[0]), np.float32)
        return Data(workload.batch, x, None, None, None)
    file = np.load(data_file(workload.data))
    if workload.tokens:
        return _token_rows(file, HELD_OUT[workload.data], workload)
    x, y = file["x_train"], file["y_train"]
    if workload.data == "boston":
        x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)
        return Data(len(x), x, None, None, y.astype(np.float32)[:, None])
    x = (x[:MNIST_ROWS].reshape(-1, 784) / 255).astype(np.float32)
    return Data(len(x), x, None, None, y[:MNIST_ROWS].astype(np.int32))


def _token_rows(file: np.lib.npyio.NpzFile, held_out: int, workload: Workload) -> Data:
    values, offsets, y = file["x_train_values"], file["x_train_offsets"], file["y_train"]
    rows = [np.unique(values[offsets[i]:offsets[i + 1]]) for i in range(held_out, len(y))]
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    labels = y[held_out:]
    labels = labels.astype(np.float32)[:, None] if workload.loss == "binary" else labels.astype(np.int32)
    return Data(len(rows), None, np.concatenate(rows).astype(np.uint16), starts, labels)


def first_weights(workload: Workload) -> list[tuple[np.ndarray, np.ndarray]]:
    """(kernel f32[inputs, units], bias f32[units]) of each layer: Glorot's uniform kernels; biases 0, but random
    where only a product is computed, so that a bias left out is seen."""
    random = np.random.default_rng(11)
    weights = []
    for inputs, units in zip(workload.widths, workload.widths[1:]):
        limit = np.sqrt(6 / (inputs + units))
        kernel = random.uniform(-limit, limit, (inputs, units)).astype(np.float32)
        bias = random.uniform(-1, 1, units).astype(np.float32) if not workload.loss else np.zeros(units, np.float32)
        weights.append((kernel, bias))
    return weights
