"""One worker of PyTorch's DDP over gloo: python ddp_worker.py OUT MILLIONS ROUNDS; it needs torch and nothing of ours.

DDP averages the gradients of all workers, in float32 or, by its own hook, in float16; then SGD updates. The backward
pass of this model costs little: the gradient of a parameter is the number that it is multiplied by.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

import torch
import torch.distributed as dist
from links import raced
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks
from torch.nn.parallel import DistributedDataParallel


class Product(torch.nn.Module):
    """The sum of products of parameters with given numbers."""

    def __init__(self, millions: float, rank: int) -> None:
        super().__init__()
        torch.manual_seed(rank)
        n = round(millions * 1e6 / 16)
        self.weights = torch.nn.ParameterList([torch.nn.Parameter(torch.zeros(n)) for _ in range(16)])
        self.given = [torch.randn(n) for _ in range(16)]

    def forward(self, scale: torch.Tensor) -> torch.Tensor:
        return scale * sum((weight * given).sum() for weight, given in zip(self.weights, self.given))


def step(model: DistributedDataParallel, optimizer: torch.optim.Optimizer) -> None:
    """A whole step: gradients, their mean over all workers, and the update."""
    model(torch.ones(1)).backward()
    optimizer.step()


def main(out: str, millions: str, rounds: str) -> None:
    """Race the two, and write what rank 0 has seen."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", timeout=timedelta(minutes=30))
    rank = dist.get_rank()
    works, optimizers = {}, {}
    for name, hook in (("DDP fp32", None), ("DDP fp16", default_hooks.fp16_compress_hook)):
        model = DistributedDataParallel(Product(float(millions), rank))
        if hook is not None:
            model.register_comm_hook(None, hook)
        optimizers[name] = torch.optim.SGD(model.parameters(), lr=1e-4)
        works[name] = partial(step, model, optimizers[name])
    results = raced(works, int(rounds), dist.barrier, prepare=lambda name: optimizers[name].zero_grad())
    if rank == 0:
        Path(out).write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    main(*sys.argv[1:])
