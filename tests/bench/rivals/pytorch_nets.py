"""The layers of a workload as PyTorch's modules. A model takes rows [batch, inputs]; its last activation is left to the
loss."""
from __future__ import annotations

import numpy as np
import torch
from torch import nn

from layers import Conv, Dense, Flatten, Layer, Lstm, Pool, Shape, channels_first
from workloads import Workload

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "softmax": lambda: nn.Softmax(1), "linear": nn.Identity, "relu": nn.ReLU}


def put(parameter: nn.Parameter, values: np.ndarray) -> None:
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(np.ascontiguousarray(values)))


def linear(kernel: np.ndarray, bias: np.ndarray) -> nn.Linear:
    layer = nn.Linear(*kernel.shape)
    put(layer.weight, kernel.T)
    put(layer.bias, bias)
    return layer


def stack(layers: list) -> nn.Sequential:
    """Dense layers with relu between them."""
    parts: list[nn.Module] = []
    for kernel, bias in layers:
        parts += [linear(kernel, bias), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


class Rows(nn.Module):
    """A view of rows as the first layer takes them: images [batch, channels, height, width], in memory with the channels
    first or last; sequences [batch, steps, features]."""

    def __init__(self, shape: Shape, last: bool):
        super().__init__()
        self.shape, self.last = shape, last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(self.shape) < 3:
            return x.reshape(-1, *self.shape)
        height, width, channels = self.shape
        if self.last:
            return x.reshape(-1, height, width, channels).permute(0, 3, 1, 2)
        return x.reshape(-1, height, width, channels).permute(0, 3, 1, 2).contiguous()


class FlattenLast(nn.Module):
    """[height, width, channels] in this order: with channels last, a view."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).reshape(len(x), -1)


class PoolOfSlices(nn.Module):
    """A maximum of slices, which a compiler can fuse."""

    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        s, height, width = self.size, *x.shape[2:]
        slices = [x[:, :, i:height // s * s:s, j:width // s * s:s] for i in range(s) for j in range(s)]
        largest = slices[0]
        for other in slices[1:]:
            largest = torch.maximum(largest, other)
        return largest


class LastState(nn.Module):
    """nn.LSTM's last state. PyTorch has two biases that it only ever adds: the second stays 0."""

    def __init__(self, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray):
        super().__init__()
        self.lstm = nn.LSTM(len(kernel), len(recurrent), batch_first=True)
        put(self.lstm.weight_ih_l0, kernel.T)
        put(self.lstm.weight_hh_l0, recurrent.T)
        put(self.lstm.bias_ih_l0, bias)
        put(self.lstm.bias_hh_l0, 0 * bias)
        self.lstm.bias_hh_l0.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lstm(x)[1][0][0]


def conv(kernel: np.ndarray, bias: np.ndarray) -> nn.Conv2d:
    height, width, channels, filters = kernel.shape
    layer = nn.Conv2d(channels, filters, (height, width))
    put(layer.weight, kernel.transpose(3, 2, 0, 1))
    put(layer.bias, bias)
    return layer


def _modules(layer: Layer, arrays, last: bool, slices: bool) -> list[nn.Module]:
    """A layer without its activation."""
    if isinstance(layer, Dense):
        return [linear(*arrays)]
    if isinstance(layer, Conv):
        return [conv(*arrays)]
    if isinstance(layer, Lstm):
        return [LastState(*arrays)]
    if isinstance(layer, Pool):
        return [PoolOfSlices(layer.size) if slices else nn.MaxPool2d(layer.size)]
    return [FlattenLast() if last else nn.Flatten()]


def network(workload: Workload, weights, last: bool = False, slices: bool = False) -> nn.Sequential:
    """The model. `last`: channels last, and relu in place behind a pool instead of before it, which is the same function
    of fewer numbers. `slices`: pools as maxima of slices."""
    layers, parts = workload.layers, [Rows(workload.input, last)] if len(workload.input) > 1 else []
    for i, (layer, shape, arrays) in enumerate(zip(layers, workload.shapes, weights)):
        if i and isinstance(layers[i - 1], Flatten) and not last:
            arrays = channels_first(arrays[0], workload.shapes[i - 1]), arrays[1]
        modules = _modules(layer, arrays, last, slices)
        if layer is not layers[-1] and hasattr(layer, "activation"):
            modules.append(nn.ReLU(inplace=last))
        if last and isinstance(layer, Pool) and isinstance(parts[-1], nn.ReLU):
            modules.append(parts.pop())
        parts += modules
    model = nn.Sequential(*parts)
    return model.to(memory_format=torch.channels_last) if last else model
