#!/usr/bin/env python3
"""A training epoch of 15,000 IMDB reviews: a generated program against PyTorch, one thread each, in one run.

    tests/bench/imdb_epoch.py PROGRAM DATA.npz [--rounds N]

PROGRAM is what `hornfels build models/imdb.horn` made; DATA is imdb.npz. The rivals are PyTorch's eager dense form
(the multi-hot matrix built before, as in the book) and its EmbeddingBag form. Rounds are interleaved; each figure is
the median over the rounds. Gathering the batch is part of an epoch on both sides; validation and loading are not.

PyTorch is timed as its environment has it (install libopenblas0-pthread: Debian's PyTorch works without, on the
reference BLAS, and is then no rival); for its best on AVX-512 run this with
    OPENBLAS_CORETYPE=SkylakeX ATEN_CPU_CAPABILITY=avx512 MALLOC_MMAP_THRESHOLD_=1000000000 \\
    MALLOC_TRIM_THRESHOLD_=1000000000 MALLOC_TOP_PAD_=1000000000
"""
import argparse
import re
import statistics
import subprocess
import time

import numpy as np
import torch
from torch import nn

HELD_OUT, BATCH, WORDS = 10000, 512, 10000


def reviews(path):
    """The training reviews behind the first 10,000, each as its sorted distinct ids, and their labels."""
    data = np.load(path)
    values, offsets, labels = data["x_train_values"], data["x_train_offsets"], data["y_train"]
    rows = [np.unique(values[offsets[i]:offsets[i + 1]]) for i in range(HELD_OUT, len(labels))]
    return rows, labels[HELD_OUT:].astype(np.float32)


class Dense:
    """nn.Linear on the dense multi-hot matrix."""

    name = "PyTorch, eager, dense"

    def __init__(self, rows, labels):
        matrix = np.zeros((len(rows), WORDS), np.float32)
        for i, row in enumerate(rows):
            matrix[i, row] = 1
        self.x, self.y = torch.from_numpy(matrix), torch.from_numpy(labels)[:, None]
        first = nn.Linear(WORDS, 16)
        self.model = nn.Sequential(first, nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
        self.start()

    def start(self):
        self.loss = nn.BCEWithLogitsLoss()
        self.optimizer = torch.optim.RMSprop(self.model.parameters(), lr=0.001, alpha=0.9, eps=1e-7)

    def batch(self, index):
        return self.model(self.x[index])

    def epoch(self):
        order = torch.randperm(len(self.y))
        begin = time.perf_counter()
        for first in range(0, len(order), BATCH):
            index = order[first:first + BATCH]
            loss = self.loss(self.batch(index), self.y[index])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        return time.perf_counter() - begin


class Bag(Dense):
    """nn.EmbeddingBag on the ids: the rival's best formulation of the first layer."""

    name = "PyTorch, EmbeddingBag"

    def __init__(self, rows, labels):
        self.rows = [torch.from_numpy(row.astype(np.int64)) for row in rows]
        self.y = torch.from_numpy(labels)[:, None]
        self.bag, self.bias = nn.EmbeddingBag(WORDS, 16, mode="sum"), nn.Parameter(torch.zeros(16))
        self.rest = nn.Sequential(nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
        self.model = nn.ModuleList([self.bag, nn.ParameterList([self.bias]), self.rest])
        self.start()

    def batch(self, index):
        chosen = [self.rows[i] for i in index]
        offsets = torch.tensor([0] + [len(row) for row in chosen[:-1]]).cumsum(0)
        return self.rest(self.bag(torch.cat(chosen), offsets) + self.bias)


def generated(program, data):
    """Seconds of an epoch, the mean of three, as the program itself times them."""
    output = subprocess.run([program, "train", "--data", data, "--epochs", "3", "--batch-size", str(BATCH), "--validation",
                             str(HELD_OUT), "--threads", "1", "--verbose", "0", "--timing"],
                            check=True, capture_output=True, text=True)
    return float(re.search(r"mean ([0-9.e-]+) s", output.stdout + output.stderr).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("data")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows, labels = reviews(options.data)
    rivals = [Dense(rows, labels), Bag(rows, labels)]
    times = {rival.name: [] for rival in rivals}
    ours = []
    for rival in rivals:
        rival.epoch()  # warm up
    for _ in range(options.rounds):
        ours.append(generated(options.program, options.data))
        for rival in rivals:
            times[rival.name].append(rival.epoch())
    mine = statistics.median(ours)
    print(f"{'one epoch of 15,000 reviews':<30} {'ms':>9} {'ratio':>8}")
    print(f"{'generated program':<30} {1e3 * mine:9.2f} {1.0:8.1f}")
    for name, seconds in times.items():
        median = statistics.median(seconds)
        print(f"{name:<30} {1e3 * median:9.2f} {median / mine:8.1f}")


if __name__ == "__main__":
    main()
