"""The workloads in plain numpy: what every contestant must agree with before it is timed."""
from __future__ import annotations

import numpy as np

import reference_layers
from workloads import Data, Workload

RHO, EPSILON, RATE = 0.9, 1e-7, 0.001


def forward(workload: Workload, weights, x: np.ndarray, kept: list | None = None) -> np.ndarray:
    """The output of rows [batch, inputs]; appends what the gradients of each layer need, and its output, to `kept`."""
    value = x.reshape(-1, *workload.input)
    for layer, arrays in zip(workload.layers, weights):
        value, needed = reference_layers.forward(layer, arrays, value)
        if kept is not None:
            kept.append((needed, value))
    return value


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


def gradients(workload: Workload, weights, x: np.ndarray, y: np.ndarray) -> tuple[float, list[tuple]]:
    """The mean loss of a batch, and the gradient of every weight."""
    kept: list = []
    loss, d = loss_and_gradient(workload, y, forward(workload, weights, x, kept))
    found: list[tuple] = [()] * len(weights)
    for i in reversed(range(len(weights))):
        layer, (needed, _) = workload.layers[i], kept[i]
        found[i], d = reference_layers.backward(layer, weights[i], needed, d, i == 0)
        if i:
            d = reference_layers.through_activation(workload.layers[i - 1], d, kept[i - 1][1])
    return loss, found


def losses(workload: Workload, data: Data, weights, epochs: int,
           epsilon_inside: bool = True) -> tuple[list[float], list[float]]:
    """The mean training loss of each epoch, and the loss of each batch of the first; rows in their order, RMSprop from
    `weights`, in float64 where no multi-hot matrix makes that too large.

    Keras divides by sqrt(average + epsilon), PyTorch by sqrt(average) + epsilon."""
    real = np.float32 if workload.tokens else np.float64
    weights = [tuple(np.array(a, real) for a in layer) for layer in weights]
    averages = [tuple(np.zeros_like(a) for a in layer) for layer in weights]
    x_all, means, batches = data.dense(workload.inputs), [], []
    for epoch in range(epochs):
        total = 0.0
        for first in range(0, data.rows, workload.batch):
            x, y = x_all[first:first + workload.batch].astype(real), data.y[first:first + workload.batch]
            loss, found = gradients(workload, weights, x, y)
            total += loss * len(x)
            batches += [loss] if epoch == 0 else []
            for layer in zip(weights, averages, found):
                for w, v, g in zip(*layer):
                    v *= real(RHO)
                    v += real(1 - RHO) * g * g
                    w -= real(RATE) * g / (np.sqrt(v + real(EPSILON)) if epsilon_inside else
                                           np.sqrt(v) + real(EPSILON))
        means.append(total / data.rows)
    return means, batches
