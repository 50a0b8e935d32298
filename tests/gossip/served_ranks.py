"""A master and workers in processes; as a script, one of them.

python served_ranks.py FOLDER            each method; the order of arrivals and the last point go to FOLDER/master.json
python served_ranks.py FOLDER RANK       the rank is killed in its tenth step
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import final

import numpy as np

from gluonbook.gossip import PIAG, DAvePG, DAveWorker, Master, StaleSGD, Worker, serve

sys.path.append(str(Path(__file__).parent))
from logistic import SIZE, Problem

START = np.zeros(SIZE)


def gradients(problem: Problem) -> list:
    return [problem.gradient(i) for i in range(problem.workers)]


def stale(problem: Problem) -> tuple:
    return StaleSGD(START, problem.gamma / 10), gradients(problem)


def piag(problem: Problem) -> tuple:
    gamma, of_all = problem.gamma / 10, gradients(problem)
    return PIAG(START, np.stack([g(START) for g in of_all]), gamma, problem.prox(gamma)), of_all


def dave(problem: Problem) -> tuple:
    gamma = problem.gamma
    workers = [DAveWorker(START, g, gamma) for g in gradients(problem)]
    return DAvePG(START, problem.workers, problem.prox(gamma)), workers


METHODS = {"stale": stale, "piag": piag, "dave": dave}


def steps(worker: int) -> int:
    """How many messages a worker sends: the first, which is slow, the fewest."""
    return 5 if worker == 0 else 30 + worker


@final
class Dying(Master):
    """A master that is killed when it is to answer its tenth message."""

    def __init__(self) -> None:
        self.point, self.count = START, 0

    def answer(self, message: np.ndarray, worker: int) -> np.ndarray:
        self.count += 1
        die(self.count)
        return self.point


def die(count: int) -> None:
    if count == 10:
        os.kill(os.getpid(), signal.SIGKILL)


def main(folder: str, victim: int | None = None) -> None:
    from mpi4py import MPI

    rank, told = MPI.COMM_WORLD.rank, {}
    for name, method in METHODS.items():
        master, workers = method(Problem(MPI.COMM_WORLD.size - 1))
        if rank == 0:
            order = serve(Dying() if victim == 0 else master)
            told[name] = {"order": order, "point": master.point.tolist()}
            continue
        with Worker() as worker:
            for count in range(steps(rank - 1)):
                if rank == victim:
                    die(count)
                time.sleep(0.02 if rank == 1 else 0.002)
                worker.send(workers[rank - 1](worker.point))
    if rank == 0:
        Path(folder, "master.json").write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
