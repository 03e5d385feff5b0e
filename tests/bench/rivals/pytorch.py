"""PyTorch: eager, with the multi-hot matrix or an EmbeddingBag, compiled, or as a frozen graph."""
from __future__ import annotations

import numpy as np
import torch
from torch import nn

from contestant import Contestant

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "softmax": lambda: nn.Softmax(1), "linear": nn.Identity, "relu": nn.ReLU}
LOSSES = {"binary": nn.BCEWithLogitsLoss, "classes": nn.CrossEntropyLoss, "squares": nn.MSELoss}


def linear(kernel: np.ndarray, bias: np.ndarray) -> nn.Linear:
    layer = nn.Linear(*kernel.shape)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(kernel.T.copy()))
        layer.bias.copy_(torch.from_numpy(bias))
    return layer


def stack(layers: list) -> nn.Sequential:
    """Dense layers with relu between them."""
    parts: list[nn.Module] = []
    for kernel, bias in layers:
        parts += [linear(kernel, bias), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


class Eager(Contestant):
    """nn.Linear layers, torch.optim.RMSprop."""

    epsilon_inside = False

    @staticmethod
    def version() -> str:
        return f"PyTorch {torch.__version__}"

    def prepare(self, weights):
        torch.set_num_threads(self.workload.threads)
        torch.set_flush_denormal(bool(self.options.get("flush")))
        self.model = stack(weights)
        self.x = torch.from_numpy(self.data.dense(self.workload.widths[0]))
        self.finish()

    def finish(self):
        if self.workload.task == "train":
            y = torch.from_numpy(self.data.y)
            self.y = y.long() if self.workload.loss == "classes" else y
            self.loss = LOSSES[self.workload.loss]()
            chosen = {"foreach": True} if self.options.get("foreach") else {}
            self.optimizer = torch.optim.RMSprop(self.model.parameters(), lr=0.001, alpha=0.9, eps=1e-7, **chosen)
        else:
            self.whole = nn.Sequential(self.model, ACTIVATIONS[self.workload.last]()).eval()
            self.row = self.x[:self.workload.batch].contiguous()

    def logits(self, index: torch.Tensor) -> torch.Tensor:
        return self.model(self.x[index])

    def epoch(self, order, losses=None):
        order, batch = torch.from_numpy(order), self.workload.batch
        for first in range(0, len(order), batch):
            index = order[first:first + batch]
            loss = self.loss(self.logits(index), self.y[index])
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            if losses is not None:
                losses.append(float(loss))

    def predict(self):
        with torch.no_grad():
            return self.whole(self.row).numpy()

    def repeat(self, calls):
        with torch.no_grad():
            for _ in range(calls):
                self.whole(self.row)


class BagModel(nn.Module):
    """An EmbeddingBag as the first layer, on word ids: the multi-hot matrix is not built."""

    def __init__(self, weights: list):
        super().__init__()
        kernel, bias = weights[0]
        self.bag = nn.EmbeddingBag.from_pretrained(torch.from_numpy(kernel.copy()), freeze=False, mode="sum")
        self.bias = nn.Parameter(torch.from_numpy(bias.copy()))
        self.rest = nn.Sequential(nn.ReLU(), stack(weights[1:]))

    def forward(self, ids: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        return self.rest(self.bag(ids, offsets) + self.bias)


class Bag(Eager):
    """The rival's best formulation of a first layer on word ids."""

    def prepare(self, weights):
        torch.set_num_threads(self.workload.threads)
        torch.set_flush_denormal(bool(self.options.get("flush")))
        self.ids = torch.from_numpy(self.data.ids.astype(np.int64))
        starts = torch.from_numpy(self.data.offsets)
        self.starts, self.lengths = starts[:-1], starts.diff()
        self.model = BagModel(weights)
        if self.workload.task == "train":
            self.finish()
        else:
            last = ACTIVATIONS[self.workload.last]()
            self.whole = lambda row: last(self.model(*row))
            self.row = self.ids[:starts[1]], torch.zeros(1, dtype=torch.long)

    def logits(self, index):
        # Element t of the batch is word t - offset[row] of its row: no loop over rows.
        lengths = self.lengths[index]
        ends = lengths.cumsum(0)
        offsets = ends - lengths
        where = torch.arange(int(ends[-1])) + torch.repeat_interleave(self.starts[index] - offsets, lengths)
        return self.model(self.ids[where], offsets)


class Frozen(Eager):
    """A traced, frozen and optimised graph, called from Python."""

    def finish(self):
        super().finish()
        with torch.no_grad():
            traced = torch.jit.freeze(torch.jit.trace(self.whole, self.row))
            self.whole = torch.jit.optimize_for_inference(traced)
            for _ in range(5):  # profiling runs before it is specialised
                self.whole(self.row)


class Compiled(Eager):
    """torch.compile of the whole step: gather, forward, loss, backward and the update in one graph."""

    epsilon_inside = True

    def finish(self):
        import torch._inductor.config as inductor
        inductor.cpp_wrapper = bool(self.options.get("cpp_wrapper"))
        if self.workload.task != "train":
            super().finish()
            inductor.freezing = True
            self.whole = torch.compile(self.whole, **self.options.get("compile", {}))
            with torch.no_grad():
                self.whole(self.row)
            return
        y = torch.from_numpy(self.data.y)
        self.y = y.long() if self.workload.loss == "classes" else y
        loss_of, model = LOSSES[self.workload.loss](), self.model
        self.weights = {name: p.detach().clone() for name, p in model.named_parameters()}
        self.averages = {name: torch.zeros_like(p) for name, p in self.weights.items()}

        def step(weights, averages, x_all, y_all, order, first, size):
            index = order[first:first + size]
            x, y = x_all[index], y_all[index]
            gradients, loss = torch.func.grad_and_value(
                lambda w: loss_of(torch.func.functional_call(model, w, (x,)), y))(weights)
            for name, g in gradients.items():
                v = averages[name].mul_(0.9).add_(g * g, alpha=0.1)
                weights[name].sub_(0.001 * g / torch.sqrt(v + 1e-7))
            return loss

        self.step = torch.compile(step, **self.options.get("compile", {}))

    def epoch(self, order, losses=None):
        order, batch = torch.from_numpy(order), self.workload.batch
        with torch.no_grad():
            for first in range(0, len(order), batch):
                size = min(batch, len(order) - first)
                loss = self.step(self.weights, self.averages, self.x, self.y, order[first:first + size], 0, size)
                if losses is not None:
                    losses.append(float(loss))
