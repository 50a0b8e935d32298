"""AD-PSGD: each rank steps when it is ready, and averages with one neighbour, which answers from a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

import numpy as np
from mxnet import gluon

from gluonbook.checks import whole_number
from gluonbook.gossip import graph
from gluonbook.gossip.weights import Weights
from gluonbook.rank import heartbeat
from gluonbook.rank.messages import until
from gluonbook.rank.ranks import grouped, ranges
from gluonbook.training.seeds import derived

if TYPE_CHECKING:
    from mpi4py import MPI

_ASK, _TELL, _DONE = 0, 1, 2


@final
class Pairwise:
    """Asynchronous gossip of the weights of a net, over MPI: see `step`.

    Ranks of one side ask, those of the other answer; by default the even ranks ask, each any of the odd ones. What is
    averaged lies in the `box` of a rank, a vector of numpy. At a rank that answers, a thread does so whatever the rank
    is computing; it sleeps between two looks, at most 2 ms long, and never calls MXNet.

    Begin with the same weights on all ranks, by the same seed. Averaged is what is trained (`grad_req` is not "null"):
    running statistics are each rank's own. Ranks may take different numbers of steps, in any time: as a context
    manager, or by `close`, a rank that is done waits for the others, and answers until then.

    Whom a rank asks is drawn from (seed, rank, how often it has asked). When they meet is not: two runs differ.

    To save or load, keep quiet:

        with gossip.quiet():
            checkpoint.save(folder / f"rank-{rank}", net, trainer, step=n, epoch=0, memory={"gossip": gossip})

    Args:
        params: as for `gluon.Trainer`; on one device, of one type, float32 or float64.
        comm: the ranks; `MPI.COMM_WORLD` by default.
        neighbours: whom each rank that asks may ask; the same on all ranks.
        seed: a whole number; the same on all ranks.

    Raises:
        ValueError: on all ranks, if they differ in what they are given, and for what is not as above.
        FloatingPointError: a step makes weights NaN or infinite; the box stays as it is.
        RuntimeError: MPI does not let several threads call it; or a step after `close`, or in `quiet`.
        ImportError: mpi4py is not installed (`pip install gluonbook[dist]`).

    Source: Lian, Zhang, Zhang and Liu, Asynchronous decentralized parallel stochastic gradient descent (2018),
    arXiv:1710.06952, Algorithm 1, on a bipartite graph.
    """

    def __init__(
        self,
        params: Mapping[str, gluon.Parameter] | Sequence[gluon.Parameter],
        comm: MPI.Comm | None = None,
        neighbours: Mapping[int, Sequence[int]] | None = None,
        seed: int = 0,
    ) -> None:
        from mpi4py import MPI  # at the first use: to import it starts MPI

        self._mpi = MPI
        self._weights = Weights(params)
        self.seed = whole_number("seed", seed, 0, 2**31 - 1)
        comm = MPI.COMM_WORLD if comm is None else comm
        self._graph = graph.checked(neighbours, comm.size)
        if comm.size > 1 and MPI.Query_thread() != MPI.THREAD_MULTIPLE:
            raise RuntimeError(
                "this MPI lets one thread call it, and gossip has two: leave mpi4py.rc.thread_level at 'multiple'"
            )
        with heartbeat.waiting():
            self._comm = comm.Dup()  # no message of the caller's is taken for one of these
            self._must_agree(f"gossip of {self._weights.described}, neighbours={self._graph}, seed={self.seed}")
        self.rank, self.size = comm.rank, comm.size
        self._asks = self._graph.get(self.rank, [])
        self._asked_by = [rank for rank, whom in self._graph.items() if self.rank in whom]
        self._lock = threading.Lock()
        self._box = self._snapshot = self._weights.read()  # never changed in place: a new one each time
        self._averagings = 0
        self._failure: BaseException | None = None
        self._is_quiet = self._is_closed = False
        # A daemon, so that a rank that raises can end.
        self._thread = threading.Thread(target=self._answer, name="gluonbook-gossip", daemon=True)
        if self._asked_by:
            self._thread.start()

    @property
    def weights(self) -> np.ndarray:
        """This rank's weights as they are now, one after the other: a copy."""
        with self._lock:
            return self._box.copy()

    @property
    def averagings(self) -> int:
        """In how many averagings this rank has taken part."""
        return self._averagings

    @property
    def states(self) -> dict[str, int]:
        """For `gluonbook.checkpoint`: how many averagings there were. Raises RuntimeError unless all are `quiet`."""
        self._must_be(quiet=True, what="a checkpoint")
        return {"averagings": self._averagings}

    @states.setter
    def states(self, states: dict[str, int]) -> None:
        self._must_be(quiet=True, what="a checkpoint")
        self._averagings = states.get("averagings", 0)

    def step(self, update: Callable[[], Any]) -> None:
        """Let `update` move the net's parameters, as `trainer.step` does, and average.

            delta ← what update() has added to the parameters
            a rank that asks:  box ← ½·(box + box of a neighbour j), and so does j
            box ← box + delta
            parameters ← box

        So `delta` belongs to the weights at which the gradient was computed, and the box may have moved on since. Where
        it has not, it gets the very bits of the optimizer. A step is one of `heartbeat.step`.
        """
        self._must_be(quiet=False, what="a step")
        heartbeat.step()
        update()
        new = self._weights.read()
        if not np.isfinite(new).all():
            self._load()
            raise FloatingPointError(f"the step of rank {self.rank} is not finite, and would spread: it was not taken")
        if self._asks:
            self._ask()
        with self._lock:
            self._box = new if self._box is self._snapshot else self._box + (new - self._snapshot)
        self._load()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Inside, no rank averages: all ranks have come here, and nothing is under way. It is left by all together.

        The parameters are the box at the beginning, and at the end the box becomes what the parameters are then.
        """
        self._must_be(quiet=False, what="quiet()")
        self._meet()  # who has asked has its answer: a step waits for it
        self._load()
        self._is_quiet = True
        try:
            yield
        finally:  # if this rank goes on, it goes on with the others
            self._box = self._snapshot = self._weights.read()
            self._is_quiet = False
            self._meet()

    def close(self) -> None:
        """Answer until all ranks are done, and let the parameters be the box. Every rank calls this, once or more."""
        if self._is_closed:
            return
        self._must_be(quiet=False, what="close()")
        for rank in self._asks:
            self._wait(self._comm.Isend(np.empty(0, np.uint8), rank, _DONE))
        # Whoever hangs meanwhile has a deadline of its own.
        heartbeat.pause()
        if self._asked_by:
            until(lambda: not self._thread.is_alive())
        self._must_be(quiet=False, what="close()")
        self._meet()
        self._load()
        self._is_closed = True
        self._comm.Free()

    def __enter__(self) -> Pairwise:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:  # else this rank ends, and with it the run
            self.close()

    def _ask(self) -> None:
        neighbour = self._asks[derived(self.seed, self.rank, self._averagings) % len(self._asks)]
        mean = np.empty_like(self._box)
        coming = self._comm.Irecv(mean, neighbour, _TELL)
        self._wait(self._comm.Isend(self._box, neighbour, _ASK))
        self._wait(coming)
        self._box = mean
        self._averagings += 1

    def _answer(self) -> None:
        """What the thread does: it averages with whoever asks, until all are done."""
        try:
            asking, status = len(self._asked_by), self._mpi.Status()
            theirs = np.empty_like(self._box)
            while asking:
                until(lambda: self._comm.Iprobe(self._mpi.ANY_SOURCE, self._mpi.ANY_TAG, status))
                if status.tag == _DONE:
                    self._wait(self._comm.Irecv(np.empty(0, np.uint8), status.source, _DONE))
                    asking -= 1
                    continue
                self._wait(self._comm.Irecv(theirs, status.source, _ASK))
                with self._lock:
                    self._box = mean = (self._box + theirs) * theirs.dtype.type(0.5)
                    self._averagings += 1
                self._wait(self._comm.Isend(mean, status.source, _TELL))
        except BaseException as error:  # told by the next step, in the thread whose errors end the rank
            self._failure = error

    def _load(self) -> None:
        with self._lock:
            self._snapshot = self._box
        self._weights.write(self._snapshot)

    def _wait(self, request: MPI.Request) -> None:
        until(request.Test)

    def _meet(self) -> None:
        heartbeat.pause()  # the others may have long steps, each with a deadline of its own
        self._wait(self._comm.Ibarrier())

    def _must_be(self, *, quiet: bool, what: str) -> None:
        if self._failure is not None:
            raise RuntimeError(f"rank {self.rank} can no longer answer: {self._failure}") from self._failure
        if self._is_closed:
            raise RuntimeError(f"{what} after close(): make another Pairwise")
        if self._is_quiet != quiet:
            raise RuntimeError(f"{what} {'needs' if quiet else 'cannot be in'} gossip.quiet()")

    def _must_agree(self, what: str) -> None:
        said = self._comm.allgather(what)
        if len(set(said)) > 1:
            listed = "; ".join(f"rank {ranges(ranks)}: {one}" for one, ranks in grouped(said).items())
            raise ValueError(f"ranks must gossip alike, got {listed}")
