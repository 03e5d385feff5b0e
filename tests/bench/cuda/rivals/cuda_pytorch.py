"""PyTorch on a device, all rows there: eager, the same under a CUDA graph, and compiled. float32 without TF32.

Word ids are rows of equal length, padded with one that has no row in the table."""
from __future__ import annotations

import numpy as np
import torch
from torch import nn

from contestant import Contestant
from rivals.pytorch import LOSSES, update
from rivals.pytorch_nets import network, stack
from rows import first_rows, padded_ids

torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
torch.backends.cudnn.benchmark = True  # the fastest convolution for these shapes
torch.set_float32_matmul_precision("highest")


class SumOfRows(nn.Module):
    """The first layer on ids [batch, longest]: a bag, or rows gathered and added, which a compiler can fuse."""

    def __init__(self, weights: list, bag: bool):
        super().__init__()
        kernel, bias = (torch.from_numpy(a.copy()) for a in weights[0])
        self.kernel, self.bias, self.bag = nn.Parameter(kernel), nn.Parameter(bias), bag
        self.register_buffer("nothing", torch.zeros(1, kernel.shape[1]))
        self.rest = nn.Sequential(nn.ReLU(), stack(weights[1:]))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        table = torch.cat([self.kernel, self.nothing])
        if self.bag:
            sums = nn.functional.embedding_bag(ids, table, mode="sum", padding_idx=len(self.kernel))
        else:
            sums = table[ids].sum(1)
        return self.rest(sums + self.bias)


class Eager(Contestant):
    """Eager steps with torch.optim.RMSprop over lists of tensors."""

    epsilon_inside = False

    @staticmethod
    def version() -> str:
        where = torch.cuda.get_device_name() if torch.cuda.is_available() else "no device"
        return f"PyTorch {torch.__version__}, {where}"

    def prepare(self, weights):
        self.device = torch.device(self.options.get("device", "cuda"))
        self.data = first_rows(self.data, self.options.get("rows"))
        w = self.workload
        if self.options.get("ids"):
            self.model = SumOfRows(weights, self.options["ids"] == "bag")
            x = torch.from_numpy(padded_ids(self.data, w.inputs)).long()
        else:
            self.model = network(w, weights, bool(self.options.get("last")))
            x = torch.from_numpy(self.data.dense(w.inputs))
        y = torch.from_numpy(self.data.y)
        self.model = self.model.to(self.device)
        self.x, self.y = x.to(self.device), (y.long() if w.loss == "classes" else y).to(self.device)
        self.loss = LOSSES[w.loss]()
        self.finish()

    def finish(self):
        self.optimizer = self.make_optimizer()

    def make_optimizer(self, **options):
        trained = [p for p in self.model.parameters() if p.requires_grad]
        return torch.optim.RMSprop(trained, lr=0.001, alpha=0.9, eps=1e-7, foreach=True, **options)

    def loss_of(self, index: torch.Tensor) -> torch.Tensor:
        return self.loss(self.model(self.x[index]), self.y[index])

    def step(self, index: torch.Tensor) -> torch.Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss_of(index)
        loss.backward()
        self.optimizer.step()
        return loss

    def wait(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def epoch(self, order, losses=None):
        order, batch = torch.from_numpy(order.astype(np.int64)).to(self.device), self.workload.batch
        for first in range(0, len(order), batch):
            loss = self.step(order[first:first + batch])
            if losses is not None:
                losses.append(float(loss))
        self.wait()


class Graph(Eager):
    """The eager step captured in a CUDA graph, one for each size of a batch."""

    def finish(self):
        self.optimizer = self.make_optimizer(capturable=True)
        self.graphs = {}
        for size in sorted({int(s) for s in self.sizes}):
            self.graphs[size] = self.capture(size)

    def capture(self, size: int):
        """Warming up trains: afterwards everything is as it was."""
        index = torch.arange(size, device=self.device)
        before = [p.detach().clone() for p in self.model.parameters()]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                super().step(index)
        torch.cuda.current_stream().wait_stream(side)
        self.optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            loss = super().step(index)
        with torch.no_grad():
            for p, value in zip(self.model.parameters(), before):
                p.copy_(value)
            for state in self.optimizer.state.values():
                for value in state.values():
                    value.zero_()
        self.wait()
        return graph, index, loss

    def step(self, index):
        graph, rows, loss = self.graphs[len(index)]
        rows.copy_(index)
        graph.replay()
        return loss


class Compiled(Eager):
    """torch.compile of the whole step, mode reduce-overhead: gather, forward, loss, backward and the update in one graph,
    whose weights and averages stay where they are."""

    epsilon_inside = True

    def finish(self):
        self.weights = {name: p.detach().clone() for name, p in self.model.named_parameters() if p.requires_grad}
        self.averages = {name: torch.zeros_like(p) for name, p in self.weights.items()}
        for tensor in (*self.weights.values(), *self.averages.values(), self.x, self.y):
            torch._dynamo.mark_static_address(tensor)
        mode = "reduce-overhead" if self.device.type == "cuda" else None
        self.compiled = torch.compile(self.whole, mode=mode, dynamic=False)

    def whole(self, weights, averages, x, y, index):
        gradients, loss = torch.func.grad_and_value(
            lambda w: self.loss(torch.func.functional_call(self.model, w, (x[index],)), y[index]))(weights)
        update(weights, averages, gradients)
        return loss

    def step(self, index):
        with torch.no_grad():
            torch.compiler.cudagraph_mark_step_begin()
            return self.compiled(self.weights, self.averages, self.x, self.y, index)


class CompiledParts(Eager):
    """Forward and backward compiled, mode reduce-overhead, the update compiled by itself."""

    def finish(self):
        self.optimizer = self.make_optimizer(capturable=self.device.type == "cuda")
        mode = "reduce-overhead" if self.device.type == "cuda" else None
        self.compiled_loss = torch.compile(self.loss_of, mode=mode, dynamic=False)
        self.compiled_update = torch.compile(self.optimizer.step)

    def step(self, index):
        torch.compiler.cudagraph_mark_step_begin()
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.compiled_loss(index)
        loss.backward()
        self.compiled_update()
        return loss
