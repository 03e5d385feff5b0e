"""What workloads are made of: a layer says the shape of its output, of its weights, and how much work it is. Shapes are
those of one row, without the batch; floating-point operations are those of the products of one row."""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Dense:
    """activation(x . kernel + bias)"""

    units: int
    activation: str = "relu"

    def output(self, x: Shape) -> Shape:
        return (self.units,)

    def weights(self, x: Shape) -> list[Shape]:
        return [(x[0], self.units), (self.units,)]

    def flops(self, x: Shape) -> float:
        return 2.0 * x[0] * self.units

    input_flops = flops  # of the product with the input, as of its gradient


@dataclass(frozen=True)
class Conv:
    """Windows of size x size over [height, width, channels], valid, a step of one."""

    filters: int
    size: int
    activation: str = "relu"

    def output(self, x: Shape) -> Shape:
        return (x[0] - self.size + 1, x[1] - self.size + 1, self.filters)

    def weights(self, x: Shape) -> list[Shape]:
        return [(self.size, self.size, x[2], self.filters), (self.filters,)]

    def flops(self, x: Shape) -> float:
        return 2.0 * math.prod(self.output(x)) * self.size**2 * x[2]

    input_flops = flops


@dataclass(frozen=True)
class Pool:
    """The largest of each size x size places; what is left over at the far edges is dropped."""

    size: int

    def output(self, x: Shape) -> Shape:
        return (x[0] // self.size, x[1] // self.size, x[2])

    def weights(self, x: Shape) -> list[Shape]:
        return []

    def flops(self, x: Shape) -> float:
        return 0.0

    input_flops = flops


@dataclass(frozen=True)
class Flatten:
    """[height, width, channels] in this order."""

    def output(self, x: Shape) -> Shape:
        return (math.prod(x),)

    def weights(self, x: Shape) -> list[Shape]:
        return []

    def flops(self, x: Shape) -> float:
        return 0.0

    input_flops = flops


@dataclass(frozen=True)
class Lstm:
    """The last state of a long short-term memory over [steps, features]; Keras's equations and order of gates:
    (i, f, g, o) = split(x . kernel + h . recurrent_kernel + bias), c = s(f) c + s(i) tanh(g), h = s(o) tanh(c)."""

    units: int

    def output(self, x: Shape) -> Shape:
        return (self.units,)

    def weights(self, x: Shape) -> list[Shape]:
        return [(x[1], 4 * self.units), (self.units, 4 * self.units), (4 * self.units,)]

    def flops(self, x: Shape) -> float:
        return 2.0 * x[0] * (x[1] + self.units) * 4 * self.units

    def input_flops(self, x: Shape) -> float:
        return 2.0 * x[0] * x[1] * 4 * self.units


Layer = Dense | Conv | Pool | Flatten | Lstm


def chain(widths: Shape, last: str) -> tuple[Layer, ...]:
    """Dense layers of these widths, relu between them."""
    return tuple(Dense(units) for units in widths[:-1]) + (Dense(widths[-1], last),)


def channels_first(kernel: np.ndarray, shape: Shape) -> np.ndarray:
    """The kernel of a dense layer behind Flatten, for libraries that flatten [channels, height, width]."""
    return kernel.reshape(*shape, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
