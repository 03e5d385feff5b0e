"""JAX: the whole step under jit with donated buffers, or a scan over the epoch."""
from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from contestant import Contestant
from rivals import jax_nets
from workloads import words_of

RATE, RHO, EPSILON = 0.001, 0.9, 1e-7


class Jit(Contestant):
    """A jitted step, called from Python; the batch is gathered in it."""

    @staticmethod
    def version() -> str:
        return f"JAX {jax.__version__}"

    def prepare(self, weights):
        w = self.workload
        self.weights = [tuple(jnp.array(a) for a in layer) for layer in weights]
        self.x = jnp.array(self.data.dense(w.inputs))
        if w.task == "predict":
            self.row = self.x[:w.batch]
            self.call = jax.jit(lambda weights, x: self.output(self.logits(weights, x)))
            return
        self.y = jnp.array(self.data.y)
        self.averages = jax.tree.map(jnp.zeros_like, self.weights)
        self.jitted = jax.jit(self.step, static_argnums=6, donate_argnums=(0, 1))
        self.jitted_epoch = jax.jit(self.whole_epoch, donate_argnums=(0, 1))

    def logits(self, weights, x):
        return jax_nets.logits(self.workload, weights, x)

    def output(self, z):
        return {"sigmoid": jax.nn.sigmoid, "softmax": jax.nn.softmax, "relu": jax.nn.relu,
                "linear": lambda z: z}[self.workload.last](z)

    def loss(self, weights, x, y):
        z = self.logits(weights, x)
        if self.workload.loss == "squares":
            return jnp.mean((z - y)**2)
        if self.workload.loss == "binary":
            return jnp.mean(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z))))
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1))

    def update(self, weights, averages, x, y):
        loss, gradients = jax.value_and_grad(self.loss)(weights, x, y)
        averages = jax.tree.map(lambda v, g: RHO * v + (1 - RHO) * g * g, averages, gradients)
        weights = jax.tree.map(lambda w, v, g: w - RATE * g / jnp.sqrt(v + EPSILON), weights, averages, gradients)
        return weights, averages, loss

    def step(self, weights, averages, x, y, order, first, size):
        index = lax.dynamic_slice(order, (first,), (size,))
        return self.update(weights, averages, x[index], y[index])

    def whole_epoch(self, weights, averages, x, y, order):
        full = len(order) // self.workload.batch * self.workload.batch

        def one(state, index):
            weights, averages, loss = self.update(*state, x[index], y[index])
            return (weights, averages), loss

        (weights, averages), losses = lax.scan(one, (weights, averages),
                                               order[:full].reshape(-1, self.workload.batch))
        if full < len(order):
            rest = order[full:]
            weights, averages, loss = self.update(weights, averages, x[rest], y[rest])
            losses = jnp.append(losses, loss)
        return weights, averages, losses

    def epoch(self, order, losses=None):
        order, batch = jnp.asarray(order.astype(np.int32)), self.workload.batch
        for first in range(0, len(order), batch):
            size = min(batch, len(order) - first)
            self.weights, self.averages, loss = self.jitted(self.weights, self.averages, self.x, self.y, order,
                                                            first, size)
            if losses is not None:
                losses.append(float(loss))
        jax.block_until_ready(self.weights)

    def predict(self):
        return np.asarray(self.call(self.weights, self.row))

    def repeat(self, calls):
        for _ in range(calls):
            out = self.call(self.weights, self.row)
        out.block_until_ready()


class Scan(Jit):
    """One jitted lax.scan over all steps of the epoch."""

    def epoch(self, order, losses=None):
        self.weights, self.averages, each = self.jitted_epoch(self.weights, self.averages, self.x, self.y,
                                                              jnp.asarray(order.astype(np.int32)))
        jax.block_until_ready(self.weights)
        if losses is not None:
            losses += np.asarray(each).tolist()


class Words(Jit):
    """The jitted step on word ids: rows of the kernel gathered and added by sample, the gradient scattered. Ids are
    padded to a multiple of `BUCKET`, so that few shapes are compiled; padding adds nothing to any row."""

    BUCKET = 4096

    def prepare(self, weights):
        self.weights = [tuple(jnp.array(a) for a in layer) for layer in weights]
        self.averages = jax.tree.map(jnp.zeros_like, self.weights)
        self.y = jnp.array(self.data.y)
        self.ids = self.data.ids.astype(np.int32)
        self.jitted = jax.jit(self.step_on_words, donate_argnums=(0, 1))

    def step_on_words(self, weights, averages, ids, rows, index, y):
        return self.update(weights, averages, (ids, rows, len(index)), y[index])

    def logits(self, weights, x):
        ids, rows, count = x
        kernel, bias = weights[0]
        sums = jax.ops.segment_sum(kernel[ids], rows, count)  # a row number of `count` is dropped
        x, layers = jax.nn.relu(sums + bias), self.workload.layers
        for layer, arrays in zip(layers[1:], weights[1:]):
            x = jax_nets.apply(layer, arrays, x, layer is layers[-1])
        return x

    def epoch(self, order, losses=None):
        order, batch = order.astype(np.int32), self.workload.batch
        for first in range(0, len(order), batch):
            index = order[first:first + batch]
            ids, lengths = words_of(self.ids, self.data.offsets, index)
            space = -len(ids) % self.BUCKET
            ids = np.pad(ids, (0, space))
            rows = np.pad(np.repeat(np.arange(len(index), dtype=np.int32), lengths), (0, space),
                          constant_values=len(index))
            self.weights, self.averages, loss = self.jitted(self.weights, self.averages, ids, rows, index, self.y)
            if losses is not None:
                losses.append(float(loss))
        jax.block_until_ready(self.weights)
