"""The workloads in plain numpy: what every contestant must agree with before it is timed."""
from __future__ import annotations

import numpy as np

from workloads import Data, Workload

RHO, EPSILON, RATE = 0.9, 1e-7, 0.001


def activate(x: np.ndarray, name: str) -> np.ndarray:
    if name == "relu":
        return np.maximum(x, 0)
    if name == "sigmoid":
        return 1 / (1 + np.exp(-x))
    if name == "softmax":
        e = np.exp(x - x.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)
    return x


def forward(workload: Workload, weights, x: np.ndarray) -> list[np.ndarray]:
    """The outputs of all layers, the input first."""
    values = [x]
    for i, (kernel, bias) in enumerate(weights):
        last = i == len(weights) - 1
        values.append(activate(values[-1] @ kernel + bias, workload.last if last else "relu"))
    return values


def loss_and_gradient(workload: Workload, y: np.ndarray, out: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean loss of a batch, and its gradient by what the last activation was applied to. For sigmoid with
    binary and softmax with categorical cross-entropy that is (output - target) / batch."""
    n = len(out)
    if workload.loss == "squares":
        return float(np.mean((out - y)**2)), 2 * (out - y) / n
    if workload.loss == "binary":
        p = np.clip(out, 1e-7, 1 - 1e-7)
        return float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))), (out - y) / n
    target = np.eye(out.shape[1], dtype=np.float32)[y]
    return float(-np.mean(np.log(np.maximum(out[np.arange(n), y], 1e-30)))), (out - target) / n


def losses(workload: Workload, data: Data, weights, epochs: int,
           epsilon_inside: bool = True) -> tuple[list[float], list[float]]:
    """The mean training loss of each epoch, and the loss of each batch of the first; rows in their order, RMSprop from
    `weights`.

    Keras divides by sqrt(average + epsilon), PyTorch by sqrt(average) + epsilon."""
    weights = [tuple(np.array(a, np.float32) for a in layer) for layer in weights]
    averages = [tuple(np.zeros_like(a) for a in layer) for layer in weights]
    x_all, means, batches = data.dense(workload.widths[0]), [], []
    for epoch in range(epochs):
        total = 0.0
        for first in range(0, data.rows, workload.batch):
            x, y = x_all[first:first + workload.batch], data.y[first:first + workload.batch]
            values = forward(workload, weights, x)
            loss, d = loss_and_gradient(workload, y, values[-1])
            total += loss * len(x)
            batches += [loss] if epoch == 0 else []
            for i in reversed(range(len(weights))):
                gradients = values[i].T @ d, d.sum(0)
                if i:
                    d = (d @ weights[i][0].T) * (values[i] > 0)
                for w, v, g in zip(weights[i], averages[i], gradients):
                    v *= np.float32(RHO)
                    v += np.float32(1 - RHO) * g * g
                    root = np.sqrt(v + np.float32(EPSILON)) if epsilon_inside else np.sqrt(v) + np.float32(EPSILON)
                    w -= np.float32(RATE) * g / root
        means.append(total / data.rows)
    return means, batches
