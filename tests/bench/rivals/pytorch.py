"""PyTorch: eager, with the multi-hot matrix or an EmbeddingBag, compiled, or as a frozen graph."""
from __future__ import annotations

import numpy as np
import torch
from torch import nn

from contestant import Contestant
from rivals.pytorch_nets import ACTIVATIONS, network, stack
from workloads import words_of

LOSSES = {"binary": nn.BCEWithLogitsLoss, "classes": nn.CrossEntropyLoss, "squares": nn.MSELoss}


class Eager(Contestant):
    """PyTorch's own layers, torch.optim.RMSprop."""

    epsilon_inside = False

    @staticmethod
    def version() -> str:
        return f"PyTorch {torch.__version__}"

    def prepare(self, weights):
        torch.set_num_threads(self.workload.threads)
        torch.set_flush_denormal(bool(self.options.get("flush")))
        self.model = network(self.workload, weights, bool(self.options.get("last")), bool(self.options.get("slices")))
        self.x = torch.from_numpy(self.data.dense(self.workload.inputs))
        self.finish()

    def finish(self):
        if self.workload.task == "train":
            y = torch.from_numpy(self.data.y)
            self.y = y.long() if self.workload.loss == "classes" else y
            self.loss = LOSSES[self.workload.loss]()
            chosen = {"foreach": True} if self.options.get("foreach") else {}
            trained = [p for p in self.model.parameters() if p.requires_grad]
            self.optimizer = torch.optim.RMSprop(trained, lr=0.001, alpha=0.9, eps=1e-7, **chosen)
        else:
            self.whole = Whole(self.model, ACTIVATIONS[self.workload.last]()).eval()
            self.inputs = self.batch_inputs()

    def batch_inputs(self) -> tuple:
        """What the model is called on to predict the workload's batch."""
        return (self.x[:self.workload.batch].contiguous(),)

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
            return self.whole(*self.inputs).numpy()

    def repeat(self, calls):
        with torch.no_grad():
            for _ in range(calls):
                self.whole(*self.inputs)


class Whole(nn.Module):
    """A model and the activation that training leaves to the loss."""

    def __init__(self, model: nn.Module, last: nn.Module):
        super().__init__()
        self.model, self.last = model, last

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.last(self.model(*inputs))


class BagModel(nn.Module):
    """An EmbeddingBag as the first layer, on word ids: the multi-hot matrix is not built."""

    def __init__(self, weights: list, scatter: bool):
        super().__init__()
        kernel, bias = (torch.from_numpy(a.copy()) for a in weights[0])
        self.kernel, self.bias = nn.Parameter(kernel), nn.Parameter(bias)
        self.bag = ScatterBag.apply if scatter else lambda ids, offsets, kernel: nn.functional.embedding_bag(
            ids, kernel, offsets, mode="sum")
        self.rest = nn.Sequential(nn.ReLU(), stack(weights[1:]))

    def forward(self, ids: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        return self.rest(self.bag(ids, offsets, self.kernel) + self.bias)


class ScatterBag(torch.autograd.Function):
    """embedding_bag with a gradient of one scatter_add: PyTorch's own sorts the ids and is slower."""

    @staticmethod
    def forward(context, ids, offsets, kernel):
        context.save_for_backward(ids, offsets)
        context.words = len(kernel)
        return nn.functional.embedding_bag(ids, kernel, offsets, mode="sum")

    @staticmethod
    def backward(context, d_sum):
        ids, offsets = context.saved_tensors
        lengths = torch.diff(offsets, append=torch.tensor([len(ids)]))
        each = d_sum.repeat_interleave(lengths, 0, output_size=len(ids))
        return None, None, d_sum.new_zeros(context.words, d_sum.shape[1]).scatter_add_(
            0, ids[:, None].expand(-1, d_sum.shape[1]), each)


class Bag(Eager):
    """Word ids instead of the matrix, eager."""

    def prepare(self, weights):
        torch.set_num_threads(self.workload.threads)
        torch.set_flush_denormal(bool(self.options.get("flush")))
        self.ids = self.data.ids.astype(np.int64)
        self.model = BagModel(weights, bool(self.options.get("scatter")))
        self.finish()

    def batch_inputs(self):
        return torch.from_numpy(self.ids[:self.data.offsets[1]]), torch.zeros(1, dtype=torch.long)

    def logits(self, index):
        ids, lengths = words_of(self.ids, self.data.offsets, index.numpy())
        return self.model(torch.from_numpy(ids), torch.from_numpy(np.cumsum(lengths) - lengths))


class Frozen(Eager):
    """A traced, frozen and optimised graph, called from Python."""

    def finish(self):
        super().finish()
        with torch.no_grad():
            traced = torch.jit.freeze(torch.jit.trace(self.whole, self.inputs))
            self.whole = torch.jit.optimize_for_inference(traced)
            for _ in range(5):  # profiling runs before it is specialised
                self.whole(*self.inputs)


class FrozenBag(Frozen, Bag):
    """The same, on word ids."""


def update(weights: dict, averages: dict, gradients: dict) -> None:
    """RMSprop in place, as Keras writes it."""
    for name, g in gradients.items():
        v = averages[name].mul_(0.9).add_(g * g, alpha=0.1)
        weights[name].sub_(0.001 * g / torch.sqrt(v + 1e-7))


class Compiled(Eager):
    """torch.compile of the whole step: gather (unless told to leave it outside), forward, loss, backward and the update
    in one graph."""

    epsilon_inside = True

    def finish(self):
        if self.workload.task == "predict":
            from torch._inductor import config  # PyTorch 1.13 has none
            config.freezing = True
            super().finish()
            self.whole = torch.compile(self.whole)
            return
        y = torch.from_numpy(self.data.y)
        self.y = y.long() if self.workload.loss == "classes" else y
        self.loss = LOSSES[self.workload.loss]()
        self.weights = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        self.averages = {name: torch.zeros_like(p) for name, p in self.weights.items()}
        self.step = torch.compile(self.step_on_batch if self.options.get("outside") else self.step_on_rows)

    def step_on_rows(self, weights, averages, x, y, index):
        return self.step_on_batch(weights, averages, x[index], y[index])

    def step_on_batch(self, weights, averages, x, y):
        gradients, loss = torch.func.grad_and_value(
            lambda w: self.loss(torch.func.functional_call(self.model, w, (x,)), y))(weights)
        update(weights, averages, gradients)
        return loss

    def epoch(self, order, losses=None):
        order, batch = torch.from_numpy(order), self.workload.batch
        with torch.no_grad():
            for first in range(0, len(order), batch):
                index = order[first:first + batch]
                inputs = (self.x[index], self.y[index]) if self.options.get("outside") else (self.x, self.y, index)
                loss = self.step(self.weights, self.averages, *inputs)
                if losses is not None:
                    losses.append(float(loss))


class CompiledUpdate(Eager):
    """nn.LSTM as it is, the update of all weights compiled into one."""

    epsilon_inside = True

    def finish(self):
        super().finish()
        self.parameters = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        self.averages = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        self.update = torch.compile(update)

    def epoch(self, order, losses=None):
        order, batch = torch.from_numpy(order), self.workload.batch
        for first in range(0, len(order), batch):
            index = order[first:first + batch]
            loss = self.loss(self.logits(index), self.y[index])
            found = torch.autograd.grad(loss, list(self.parameters.values()))
            with torch.no_grad():
                self.update(self.parameters, self.averages, dict(zip(self.parameters, found)))
            if losses is not None:
                losses.append(float(loss))


class CompiledWords(Compiled):
    """The compiled step on word ids: rows of the kernel gathered and added, the gradient scattered. The number of ids
    is symbolic; they are gathered before."""

    def prepare(self, weights):
        torch.set_num_threads(self.workload.threads)
        torch.set_flush_denormal(bool(self.options.get("flush")))
        self.ids = self.data.ids.astype(np.int64)
        self.model = WordSum(weights)
        self.finish()
        self.step = torch.compile(self.step_on_words, dynamic=True)

    def step_on_words(self, weights, averages, ids, rows, y):
        gradients, loss = torch.func.grad_and_value(
            lambda w: self.loss(torch.func.functional_call(self.model, w, (ids, rows, len(y))), y))(weights)
        update(weights, averages, gradients)
        return loss

    def epoch(self, order, losses=None):
        batch = self.workload.batch
        with torch.no_grad():
            for first in range(0, len(order), batch):
                index = order[first:first + batch]
                ids, lengths = words_of(self.ids, self.data.offsets, index)
                rows = np.repeat(np.arange(len(index)), lengths)
                loss = self.step(self.weights, self.averages, torch.from_numpy(ids), torch.from_numpy(rows),
                                 self.y[torch.from_numpy(index)])
                if losses is not None:
                    losses.append(float(loss))


class WordSum(nn.Module):
    """The model on word ids, in operations that a compiler can fuse."""

    def __init__(self, weights: list):
        super().__init__()
        kernel, bias = (torch.from_numpy(a.copy()) for a in weights[0])
        self.kernel, self.bias = nn.Parameter(kernel), nn.Parameter(bias)
        self.rest = nn.Sequential(nn.ReLU(), stack(weights[1:]))

    def forward(self, ids: torch.Tensor, rows: torch.Tensor, count: int) -> torch.Tensor:
        sums = self.kernel.new_zeros(count, self.kernel.shape[1]).index_add(0, rows, self.kernel[ids])
        return self.rest(sums + self.bias)
