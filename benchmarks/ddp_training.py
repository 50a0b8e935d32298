"""One worker of whole training steps by PyTorch's DDP over gloo: python ddp_training.py OUT NET ROUNDS.

It needs torch and nothing of ours. The nets are those of `training_worker`, layer by layer.
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
from torch import nn
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks, powerSGD_hook
from torch.nn.parallel import DistributedDataParallel

IMAGES = 32


class Block(nn.Module):
    """Two convolutions and what goes past them."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_convolution(inputs, outputs, 3, stride), nn.ReLU(), *_convolution(outputs, outputs, 3, 1)
        )
        self.past = nn.Sequential(*(_convolution(inputs, outputs, 1, stride) if inputs != outputs else ()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(x) + self.past(x))


def _convolution(inputs: int, outputs: int, size: int, stride: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs)


def resnet20() -> nn.Module:
    """As `cifar_resnet20_v1` of GluonCV."""
    channels = [16, 16, 16, 16, 32, 32, 32, 64, 64, 64]
    blocks = [Block(a, b, 1 if a == b else 2) for a, b in zip(channels, channels[1:])]
    return nn.Sequential(
        *_convolution(3, 16, 3, 1), nn.ReLU(), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)
    )


def mlp() -> nn.Module:
    """Two hidden layers."""
    return nn.Sequential(nn.Linear(3072, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))


NETS = {"ResNet-20": (resnet20, (IMAGES, 3, 32, 32)), "MLP": (mlp, (IMAGES, 3072))}


def _power(rank: int) -> tuple:
    state = powerSGD_hook.PowerSGDState(None, matrix_approximation_rank=rank, start_powerSGD_iter=2)
    return state, powerSGD_hook.powerSGD_hook


HOOKS = {
    "DDP fp32": lambda: (),
    "DDP fp16": lambda: (None, default_hooks.fp16_compress_hook),
    "DDP PowerSGD 1": partial(_power, 1),
    "DDP PowerSGD 2": partial(_power, 2),
    "DDP PowerSGD 4": partial(_power, 4),
}


class Training:
    """A net that learns one batch by DDP.

    The PowerSGD hook gets all gradients at once: over gloo, the messages of several groups of them get mixed up.
    """

    def __init__(self, net: str, hook: tuple) -> None:
        make, shape = NETS[net]
        torch.manual_seed(1)
        first, whole = dist._DEFAULT_FIRST_BUCKET_BYTES, {}
        if hook and hook[1] is powerSGD_hook.powerSGD_hook:
            dist._DEFAULT_FIRST_BUCKET_BYTES, whole = 1 << 30, {"bucket_cap_mb": 1 << 10}
        self._net = DistributedDataParallel(make(), **whole)
        dist._DEFAULT_FIRST_BUCKET_BYTES = first
        if hook:
            self._net.register_comm_hook(*hook)
        self._optimizer = torch.optim.SGD(self._net.parameters(), lr=1e-4)
        torch.manual_seed(dist.get_rank())
        self._X, self._y = torch.randn(*shape), torch.randint(10, (IMAGES,))

    def step(self) -> None:
        """Forward, backward with the exchange in it, and update."""
        self._optimizer.zero_grad()
        nn.functional.cross_entropy(self._net(self._X), self._y).backward()
        self._optimizer.step()

    def compute(self) -> None:
        """The same without the exchange."""
        with self._net.no_sync():
            self.step()


def main(out: str, net: str, rounds: str) -> None:
    """Race all hooks, and write what rank 0 has seen."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", timeout=timedelta(minutes=30))
    trainings = {name: Training(net, hook()) for name, hook in HOOKS.items()}
    works = {"DDP: forward and backward": next(iter(trainings.values())).compute}
    works |= {f"{name}: step": training.step for name, training in trainings.items()}
    for work in [*works.values()] * 3:  # DDP groups its gradients anew after the first step, and the hook begins late
        work()
    results = raced(works, int(rounds), dist.barrier)
    if dist.get_rank() == 0:
        Path(out).write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    main(*sys.argv[1:])
