"""Races of works in launched workers, over a link or in one memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from links import LOOPBACK, TCP, shaped

HERE = Path(__file__).resolve().parent
TORCH = "GLUONBOOK_TORCH"  # a Python that has PyTorch, for the peer that the book does not need


@dataclass(frozen=True)
class Race:
    """What one launch has measured: by work, the seconds of each round, and the bytes of one, all workers together."""

    seconds: dict[str, np.ndarray]
    bytes: dict[str, float]


def raced(
    script: str, words: Sequence[str], engine: str, workers: int, gigabits: float | str, packet: int = LOOPBACK
) -> Race:
    """Launch a script of this folder, which takes the file for its results before its other words.

    `engine` is "mpi", "pslite" or "torch"; `gigabits` the speed of the link, or "memory" for no link at all. Raises
    RuntimeError if a worker fails.
    """
    own, variables = (nullcontext([]), {}) if gigabits == "memory" else (shaped(gigabits, packet), TCP)
    with own as inside, tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "results.json"
        called = [HERE / script, out, *words]
        if engine == "torch":
            command = [os.environ[TORCH], "-m", "torch.distributed.run", "--nproc_per_node", str(workers), *called]
        else:
            started = ["run", "--workers", str(workers), "--engine", engine, "--deadline", "600", "--"]
            command = [Path(sys.executable).with_name("gluonbook"), *started, *called]
        environment = {**os.environ, **variables, "OMP_NUM_THREADS": "1"}
        done = subprocess.run([*inside, *command], env=environment, cwd=HERE, capture_output=True, encoding="utf-8")
        if done.returncode:
            raise RuntimeError(f"the workers of {script} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        found = json.loads(out.read_text(encoding="utf-8"))
    seconds = {name: np.array(result["seconds"]) for name, result in found.items()}
    return Race(seconds, {name: statistics.median(result["bytes"]) for name, result in found.items()})
