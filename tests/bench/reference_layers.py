"""The layers in plain numpy: `forward` gives the output and what `backward` needs; `backward` gives the gradients of
the weights and of the input. Arrays are [batch, ...shape of a row]. `d` is the gradient by what the activation of a
layer was applied to (by the output, of layers that have none), so that a loss may take in the last activation."""
from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from layers import Conv, Dense, Flatten, Layer, Lstm, Pool


def activate(x: np.ndarray, name: str) -> np.ndarray:
    if name == "relu":
        return np.maximum(x, 0)
    if name == "sigmoid":
        return 1 / (1 + np.exp(-x))
    if name == "softmax":
        e = np.exp(x - x.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)
    return x


def through_activation(layer: Layer, d: np.ndarray, out: np.ndarray) -> np.ndarray:
    """The gradient by the output of a layer inside the net, taken through its activation."""
    return d * (out > 0) if getattr(layer, "activation", "") == "relu" else d


# ----------------------------------------------------------------------------------------------- dense


def _dense(layer: Dense, weights, x):
    kernel, bias = weights
    return activate(x @ kernel + bias, layer.activation), x


def _dense_gradients(layer: Dense, weights, x, d, first: bool):
    return (x.T @ d, d.sum(0)), None if first else d @ weights[0].T


# ----------------------------------------------------------------------------------------------- windows


def _windows(x: np.ndarray, size: int) -> np.ndarray:
    """[batch, out height, out width, size, size, channels] of [batch, height, width, channels], a view."""
    return sliding_window_view(x, (size, size), (1, 2)).transpose(0, 1, 2, 4, 5, 3)


def _conv(layer: Conv, weights, x):
    kernel, bias = weights
    windows = _windows(x, layer.size)
    columns = windows.reshape(-1, kernel[..., 0].size)
    out = columns @ kernel.reshape(-1, layer.filters) + bias
    return activate(out.reshape(*windows.shape[:3], -1), layer.activation), (x, columns)


def _conv_gradients(layer: Conv, weights, kept, d, first: bool):
    kernel, (x, columns) = weights[0], kept
    flat = d.reshape(-1, layer.filters)
    gradients = (columns.T @ flat).reshape(kernel.shape), flat.sum(0)
    if first:
        return gradients, None
    # Every place of the input collects what the windows that saw it have for it.
    d_x, (height, width) = np.zeros_like(x), d.shape[1:3]
    for i in range(layer.size):
        for j in range(layer.size):
            d_x[:, i:i + height, j:j + width] += d @ kernel[i, j].T
    return gradients, d_x


def _pool(layer: Pool, weights, x):
    n, height, width, channels = x.shape
    rows, columns, s = height // layer.size, width // layer.size, layer.size
    cells = x[:, :rows * s, :columns * s].reshape(n, rows, s, columns, s, channels)
    cells = cells.transpose(0, 1, 3, 5, 2, 4).reshape(n, rows, columns, channels, s * s)
    at = cells.argmax(-1)[..., None]  # the first of equals gets the gradient
    return np.take_along_axis(cells, at, -1)[..., 0], (x.shape, at)


def _pool_gradients(layer: Pool, weights, kept, d, first: bool):
    (shape, at), s = kept, layer.size
    cells = np.zeros((*d.shape, s * s), d.dtype)
    np.put_along_axis(cells, at, d[..., None], -1)
    n, rows, columns, channels = d.shape
    d_x = np.zeros(shape, d.dtype)
    d_x[:, :rows * s, :columns * s] = cells.reshape(n, rows, columns, channels, s, s).transpose(
        0, 1, 4, 2, 5, 3).reshape(n, rows * s, columns * s, channels)
    return (), d_x


def _flatten(layer: Flatten, weights, x):
    return x.reshape(len(x), -1), x.shape


def _flatten_gradients(layer: Flatten, weights, shape, d, first: bool):
    return (), d.reshape(shape)


# ----------------------------------------------------------------------------------------------- recurrence


def _lstm(layer: Lstm, weights, x):
    kernel, recurrent, bias = weights
    h = c = np.zeros((len(x), layer.units), x.dtype)
    kept, sums = [], x @ kernel + bias
    for t in range(x.shape[1]):
        z = sums[:, t] + h @ recurrent
        i, f, o = (activate(z[:, k * layer.units:(k + 1) * layer.units], "sigmoid") for k in (0, 1, 3))
        g = np.tanh(z[:, 2 * layer.units:3 * layer.units])
        before, c = (h, c), f * c + i * g
        h = o * np.tanh(c)
        kept.append((*before, i, f, g, o, np.tanh(c)))
    return h, (x, kept)


def _lstm_gradients(layer: Lstm, weights, kept, d_h, first: bool):
    (kernel, recurrent, _), (x, states) = weights, kept
    d_c, d_recurrent = np.zeros_like(d_h), np.zeros_like(recurrent)
    d_z = np.empty((*x.shape[:2], 4 * layer.units), x.dtype)
    for t in reversed(range(x.shape[1])):
        h, c, i, f, g, o, tanh_c = states[t]
        d_c = d_c + d_h * o * (1 - tanh_c**2)
        d_z[:, t] = np.concatenate([d_c * g * i * (1 - i), d_c * c * f * (1 - f), d_c * i * (1 - g**2),
                                    d_h * tanh_c * o * (1 - o)], 1)
        d_recurrent += h.T @ d_z[:, t]
        d_h, d_c = d_z[:, t] @ recurrent.T, d_c * f
    d_kernel = x.reshape(-1, x.shape[2]).T @ d_z.reshape(-1, d_z.shape[2])
    return (d_kernel, d_recurrent, d_z.sum((0, 1))), None if first else d_z @ kernel.T


FORWARD = {Dense: _dense, Conv: _conv, Pool: _pool, Flatten: _flatten, Lstm: _lstm}
BACKWARD = {Dense: _dense_gradients, Conv: _conv_gradients, Pool: _pool_gradients, Flatten: _flatten_gradients,
            Lstm: _lstm_gradients}


def forward(layer: Layer, weights, x: np.ndarray):
    """The output, activated, and what `backward` takes as `kept`."""
    return FORWARD[type(layer)](layer, weights, x)


def backward(layer: Layer, weights, kept, d: np.ndarray, first: bool):
    """The gradients of the weights, a tuple, and of the input, which is not needed of the first layer."""
    return BACKWARD[type(layer)](layer, weights, kept, d, first)
