"""JAX on a device: the classes of jax_jit.py, in float32 without TF32, and a form on word ids of equal length."""
from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from rivals import jax_jit, jax_nets
from rows import first_rows, padded_ids

jax.config.update("jax_default_matmul_precision", "highest")


class OnDevice:

    @staticmethod
    def version() -> str:
        return f"JAX {jax.__version__}, {jax.devices()[0].device_kind}"

    def prepare(self, weights):
        self.data = first_rows(self.data, self.options.get("rows"))
        super().prepare(weights)


class Jit(OnDevice, jax_jit.Jit):
    """A jitted step; the batch is gathered in it."""


class Scan(OnDevice, jax_jit.Scan):
    """One jitted lax.scan over the epoch."""


class Padded(OnDevice):
    """Word ids, padded to the longest row with one that has no row in the table: it adds nothing and gets no gradient."""

    def prepare(self, weights):
        self.data = first_rows(self.data, self.options.get("rows"))
        self.weights = [tuple(jnp.array(a) for a in layer) for layer in weights]
        self.averages = jax.tree.map(jnp.zeros_like, self.weights)
        self.x = jnp.array(padded_ids(self.data, self.workload.inputs))
        self.y = jnp.array(self.data.y)
        self.jitted = jax.jit(self.step, static_argnums=6, donate_argnums=(0, 1))
        self.jitted_epoch = jax.jit(self.whole_epoch, donate_argnums=(0, 1))

    def logits(self, weights, x):
        kernel, bias = weights[0]
        out, layers = jax.nn.relu(jnp.take(kernel, x, 0, mode="fill", fill_value=0).sum(1) + bias), self.workload.layers
        for layer, arrays in zip(layers[1:], weights[1:]):
            out = jax_nets.apply(layer, arrays, out, layer is layers[-1])
        return out


class Words(Padded, jax_jit.Jit):
    """A jitted step on ids."""


class WordsScan(Padded, jax_jit.Scan):
    """A scan over the epoch on ids."""
