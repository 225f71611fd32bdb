"""PyTorch, eager, with its fused optimizers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from networks import Array, Problem

from .base import Epoch, Peer

_OUT: dict[str, Callable[[Any, Any], Any]] = {
    "relu": lambda x, y: torch.clamp_min(x, 0, out=y),
    "sigmoid": lambda x, y: torch.sigmoid(x, out=y),
    "tanh": lambda x, y: torch.tanh(x, out=y),
    "gelu": lambda x, y: torch.ops.aten.gelu.out(x, out=y),
    "silu": lambda x, y: torch.ops.aten.silu.out(x, out=y),
    "elu": lambda x, y: torch.ops.aten.elu.out(x, out=y),
    "softplus": lambda x, y: torch.ops.aten.softplus.out(x, out=y),
}


def build(sizes: tuple[int, ...], weights: list[Array]) -> torch.nn.Sequential:
    layers: list[torch.nn.Module] = []
    for k in range(len(sizes) - 1):
        layer = torch.nn.Linear(sizes[k], sizes[k + 1])
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weights[2 * k].T.copy()))
            layer.bias.copy_(torch.from_numpy(weights[2 * k + 1]))
        layers += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


class Torch(Peer):
    """Rows are taken by a random permutation: faster than a DataLoader."""

    name = "torch"
    version = torch.__version__

    def trainer(self, problem: Problem) -> Epoch:
        network = problem.network
        model = build(network.sizes, problem.weights)
        x, y = torch.from_numpy(problem.x), torch.from_numpy(problem.y)
        loss_of = torch.nn.CrossEntropyLoss() if network.classifies else torch.nn.MSELoss()
        optimizer: torch.optim.Optimizer
        if problem.optimizer == "adam":
            optimizer = torch.optim.Adam(model.parameters(), lr=problem.rate, eps=1e-7, fused=True)
        else:
            optimizer = torch.optim.SGD(model.parameters(), lr=problem.rate, fused=True)
        rows, batch = len(x), network.batch

        def epoch(shuffle: bool) -> float:
            order = torch.randperm(rows) if shuffle else torch.arange(rows)
            total = torch.zeros(())
            for start in range(0, rows, batch):
                index = order[start : start + batch]
                loss = loss_of(model(x[index]), y[index])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.detach()
            return float(total) * batch / rows

        return epoch

    def predictor(self, sizes: tuple[int, ...], weights: list[Array]) -> Any:
        model = build(sizes, weights).eval()

        def predict(x: torch.Tensor) -> torch.Tensor:
            with torch.inference_mode():
                return model(x)

        return predict, torch.from_numpy

    def elementwise(self, kernel: str, x: Array) -> dict[str, Callable[[], Any]]:
        given = torch.from_numpy(x)
        if kernel in ("softmax", "log_softmax"):
            function = getattr(torch, kernel)
            return {"torch": lambda: function(given, -1)}
        function, out = _OUT[kernel], torch.empty_like(given)
        return {"torch": lambda: function(given, out)}

    def dense(self, x: Array, w: Array, b: Array, dy: Array) -> dict[str, Callable[[], Any]]:
        tx, tw, tb, tdy = (torch.from_numpy(a) for a in (x, w, b, dy))
        return {
            "forward": lambda: torch.addmm(tb, tx, tw),
            "backward": lambda: (tdy @ tw.T, tx.T @ tdy, tdy.sum(0)),
        }

    def cross_entropy(self, scores: Array, ids: Array) -> Callable[[], Any]:
        z, targets = torch.from_numpy(scores).requires_grad_(), torch.from_numpy(ids)

        def loss_and_gradient() -> tuple[Any, Any]:
            loss = torch.nn.functional.cross_entropy(z, targets)
            (gradient,) = torch.autograd.grad(loss, z)
            return loss.detach(), gradient

        return loss_and_gradient

    def step(self, rule: str, w: Array, g: Array) -> Callable[[], Any]:
        parameter = torch.nn.Parameter(torch.from_numpy(w))
        parameter.grad = torch.from_numpy(g)
        optimizer: Any = {
            "adam": lambda p: torch.optim.Adam(p, 1e-3, eps=1e-7, fused=True),
            "sgd": lambda p: torch.optim.SGD(p, 1e-3, fused=True),
            "momentum": lambda p: torch.optim.SGD(p, 1e-3, momentum=0.9, fused=True),
        }[rule]([parameter])
        return lambda: optimizer.step()


def make(threads: int) -> Peer:
    torch.set_num_threads(threads)
    return Torch()
