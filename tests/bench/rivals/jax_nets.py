"""The layers of a workload in JAX, each in the form that was fastest: pools as maxima over a reshaped image and not as
windows; the product with an LSTM's input inside the scan and not before it."""
from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from layers import Conv, Dense, Flatten, Layer, Lstm, Pool
from workloads import Workload


def _dense(layer: Dense, weights, x):
    return x @ weights[0] + weights[1]


def _conv(layer: Conv, weights, x):
    return lax.conv_general_dilated(x, weights[0], (1, 1), "VALID",
                                    dimension_numbers=("NHWC", "HWIO", "NHWC")) + weights[1]


def _pool(layer: Pool, weights, x):
    s, (n, height, width, channels) = layer.size, x.shape
    rows, columns = height // s, width // s
    return x[:, :rows * s, :columns * s].reshape(n, rows, s, columns, s, channels).max((2, 4))


def _flatten(layer: Flatten, weights, x):
    return x.reshape(len(x), -1)


def _lstm(layer: Lstm, weights, x):
    kernel, recurrent, bias = weights

    def step(state, x):
        h, c = state
        i, f, g, o = jnp.split(x @ kernel + h @ recurrent + bias, 4, 1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    zeros = jnp.zeros((len(x), layer.units))
    return lax.scan(step, (zeros, zeros), x.transpose(1, 0, 2))[0][0]


FORMS = {Dense: _dense, Conv: _conv, Pool: _pool, Flatten: _flatten, Lstm: _lstm}


def apply(layer: Layer, weights, x, last: bool):
    """The output of a layer, without the activation of the last one."""
    out = FORMS[type(layer)](layer, weights, x)
    return jax.nn.relu(out) if not last and hasattr(layer, "activation") else out


def logits(workload: Workload, weights, x):
    """Of rows [batch, inputs]: what the last activation is applied to."""
    x = x.reshape(-1, *workload.input)
    for layer, arrays in zip(workload.layers, weights):
        x = apply(layer, arrays, x, layer is workload.layers[-1])
    return x
