"""What all stores share: the side that `gluon.Trainer` sees."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, final

import numpy as np
from mxnet import ndarray as nd
from mxnet.kvstore import KVStoreBase
from mxnet.ndarray import NDArray
from mxnet.optimizer import Optimizer, Updater, get_updater

from gluonbook import kernels
from gluonbook.checkpoint import Collective
from gluonbook.checks import whole_number
from gluonbook.kvstore.bucket import Bucket, Item, buckets
from gluonbook.kvstore.consent import Consent
from gluonbook.kvstore.engines import connected
from gluonbook.kvstore.link import Link
from gluonbook.rank import heartbeat
from gluonbook.rank.ranks import grouped, ranges

POLICIES = ("raise", "zero")
_FINE = -1  # in place of the number of a parameter whose gradient is not finite


class Store(KVStoreBase, Collective):
    """A store for `Trainer(params, optimizer, options, kvstore=store)`: gradients of all workers become one.

    How they do so is the method, a subclass: `message`, `exchange`, `apply`. A method that works on numbers, not on
    packed bits, needs one function only: see `GradientStore` (compressors) and `WeightStore` (gossip). All else is done
    here: that ranks agree before each exchange, gradients that are not finite, buckets and their order.

    A worker is a process, a `rank` of `num_workers`; it may train on several devices. Every rank makes the same store
    and the same trainer, and takes the same number of steps. A store serves one trainer. The weights of rank 0 are
    broadcast in the first step, when its gradients are there already: begin with the same weights on all ranks (by the
    same seed), or let the first step be a rough one.

    By default `Trainer` hands its optimizer to the store, which then runs it on every worker alike
    (`update_on_kvstore`), and a step is one exchange for all parameters. With `update_on_kvstore=False`, where the
    trainer runs it, each parameter is exchanged by itself, since the store cannot know which is the last, and the
    store knows them by their numbers only. After such a step the gradients are what the store made of them; where the
    store runs the optimizer, what is in them is not defined.

    Args:
        link: how the workers are connected: "local", one process and its devices, which is the reference; "mpi" or
            "pslite", in processes that `gluonbook.launch` has started with that engine; or a `Link`.
        nonfinite: what happens if a gradient holds NaN or infinity, on any rank. "raise": all ranks raise
            FloatingPointError in the same step, before anything has changed. "zero": the ranks that have one sit this
            step out, and are counted (`abstentions`); if all do, the weights stay, or, where the trainer runs the
            optimizer, it gets zeros.
        check_every: every so many steps all ranks compare a hash of their weights; 0 for never. It takes part in the
            exchange that tells of NaN, and needs the store to have the optimizer.

    Attributes:
        states: what the method remembers, such as the momentum of this rank, by parameter: an array of numpy, or a list
            of MXNet's, one a device. `gluonbook.checkpoint` saves and restores it, in a folder of each rank's own.
        abstentions: by rank, in how many steps it did not take part, since this store was made.
        steps: how many exchanges there were, since this store was made.

    Raises (all but the last on all ranks alike, and with nothing changed: the next step may be taken):
        ValueError: parameters differ between ranks in name, order, type or shape; or the stores do; or an argument is
            not legal.
        FloatingPointError: a gradient is not finite, see `nonfinite`.
        RuntimeError: weights differ between ranks; the message names the ranks. Or a step of several ranks was broken
            off halfway, by an exception or an interrupt, and another one is asked for.
    """

    method: ClassVar[str]
    per_device: ClassVar[bool] = False  # whether a rank with more devices sends a longer message

    def __init__(self, link: str | Link = "local", *, nonfinite: str = "raise", check_every: int = 100) -> None:
        if nonfinite not in POLICIES:
            raise ValueError(f"nonfinite must be {' or '.join(map(repr, POLICIES))}, got {nonfinite!r}")
        self.nonfinite = nonfinite
        self.check_every = whole_number("check_every", check_every, 0)
        self.link = connected(link)
        self.states: dict[int, Any] = {}
        self.abstentions = [0] * self.link.size
        self.steps = 0
        self._consent = Consent(self.link)
        self._halfway = False  # in a step, while ranks may differ in how much of it they have done
        self._sender = ThreadPoolExecutor(1, "gluonbook-store")
        self._updater: Updater | None = None
        self._waiting: dict[int, Item] = {}
        self._expected: set[int] = set()  # the parameters of this step, once it has begun
        with heartbeat.waiting():
            self._consent.reach(f"a store {self.type}, nonfinite={nonfinite!r}, check_every={check_every}")

    @property
    def type(self) -> str:
        """The method and the engine; without the word "dist", which makes `Trainer` expect MXNet's own stores."""
        return f"{self.method}_{self.link.engine}"

    @property
    def rank(self) -> int:
        """The number of this worker, from 0."""
        return self.link.rank

    @property
    def num_workers(self) -> int:
        """How many workers there are."""
        return self.link.size

    @staticmethod
    def is_capable(capability: str) -> bool:
        """Whether the store can do something: it can run the optimizer."""
        return capability == KVStoreBase.OPTIMIZER

    def set_optimizer(self, optimizer: Optimizer) -> None:
        """Run this optimizer, the trainer's own, so that what is set there later holds here, too."""
        if self._updater and self._updater.optimizer is not optimizer:
            raise ValueError("this store serves another trainer already, with parameters of the same numbers: make two")
        self.accept(optimizer)
        self._updater = get_updater(optimizer)

    def agree(self, what: str) -> None:
        """Find that all ranks say the same `what`, such as how many steps they are going to take.

        Raises:
            ValueError: they do not; on every rank, with what each says.
        """
        with heartbeat.waiting():
            self._consent.reach(what)

    def all_gather(self, values: np.ndarray) -> np.ndarray:
        """The arrays of all ranks, (num_workers, length), for short arrays of one axis and any type."""
        with heartbeat.waiting():
            return self.link.all_gather(values)

    def broadcast(self, key: int, value: NDArray, out: NDArray | list[NDArray], priority: int = 0) -> None:
        """Write rank 0's value into all arrays of `out`, on every rank."""
        heartbeat.step()
        self._consent.reach(f"parameter {self._name(key)}, shape {value.shape}, {np.dtype(value.dtype)}")
        # Not only for this array: with static_alloc the backward pass moves batch norm's statistics, and does not tell.
        nd.waitall()
        array = np.ascontiguousarray(value.asnumpy())
        self.link.broadcast(array.reshape(-1).view(np.uint8))
        received = nd.array(array, dtype=array.dtype)
        for place in out if isinstance(out, (list, tuple)) else [out]:
            # Not place[:] = array: what an inference has turned into oneDNN's layout takes no numpy array.
            received.copyto(place)

    def pushpull(self, key: Any, value: Any, out: Any = None, priority: int = 0) -> None:
        """Make one gradient of all, and write it to `out`, or to `value`; or, with an optimizer, the weight to `out`.

        `key` is a parameter's number, and `value` and `out` are arrays or lists with one a device; or `key` is a list
        of numbers, and the others lists of such. With an optimizer, a step waits until all its parameters are there.
        """
        self.accept(self.optimizer)  # at each step, since its options may have been changed
        if self._updater and out is None:
            raise ValueError("with an optimizer, pushpull needs the weights to update: out=...")
        many = isinstance(key, (list, tuple))
        keys, values = (key, value) if many else ([key], [value])
        outs = values if out is None else out if many else [out]
        for one, grads, places in zip(keys, values, outs):
            self._await(Item(one, _listed(grads), _listed(places)))
        if self._updater is None or len(self._waiting) == len(self._expected):
            items, self._waiting, self._expected = list(self._waiting.values()), {}, set()
            self._exchange(items)

    def save_optimizer_states(self, fname: str, dump_optimizer: bool = False) -> None:
        """Not this way: MXNet's file would leave the states of the store out, and unpickle what it loads."""
        raise RuntimeError("use gluonbook.checkpoint.save(folder, net, trainer, ...), which keeps store.states")

    def load_optimizer_states(self, fname: str) -> None:
        """See `save_optimizer_states`."""
        raise RuntimeError("use gluonbook.checkpoint.load(path, net, trainer), on what its save has written")

    @property
    def optimizer(self) -> Optimizer | None:
        """The optimizer that the store runs, or None if the trainer does."""
        return self._updater.optimizer if self._updater else None

    @abstractmethod
    def accept(self, optimizer: Optimizer | None) -> None:
        """Raise ValueError for an optimizer that would not do what it says; None: the trainer runs it, out of reach."""

    @abstractmethod
    def message(self, bucket: Bucket) -> Any:
        """What this rank sends for some parameters.

        If `bucket.counts` is false, this rank takes part in name only: the message has the right size, and nothing
        else changes.
        """

    @abstractmethod
    def exchange(self, message: Any, voters: Sequence[int]) -> Any:
        """Exchange messages, and combine those of the ranks in `voters`.

        It runs in a thread of the store's own, while the next message is made; the calls come in the same order on all
        ranks. The message may be changed in place.
        """

    @abstractmethod
    def apply(self, combined: Any, bucket: Bucket) -> None:
        """Change what is in `bucket.outs` by what `exchange` gave: mostly, `deliver` it."""

    @final
    def deliver(self, write: Callable[[list[NDArray]], object], bucket: Bucket) -> None:
        """Give the one gradient of all, which `write` writes into arrays, one a parameter, to the optimizer."""
        if self._updater is None:
            for device in zip(*bucket.outs):
                write(list(device))
        else:
            write([own[0] for own in bucket.grads])
            self.run_optimizer(bucket)

    @final
    def run_optimizer(self, bucket: Bucket) -> None:
        """The optimizer's step by the gradients of the first device; the other devices get its weights.

        Raises:
            RuntimeError: the trainer runs the optimizer, not the store.
        """
        if self._updater is None:
            raise RuntimeError(f"a store {self.type} has no optimizer to run: the trainer has it")
        self._updater(bucket.keys, [own[0] for own in bucket.grads], [own[0] for own in bucket.outs])
        for first, *others in bucket.outs:
            for other in others:
                first.copyto(other)

    def _exchange(self, items: list[Item]) -> None:
        heartbeat.step()
        if self._halfway:
            raise RuntimeError(
                "an earlier step was broken off halfway, and the ranks may differ in what they did of it: "
                "go on from a checkpoint, with a new net, trainer and store"
            )
        keys, grads = [item.key for item in items], [item.grads for item in items]
        elements = sum(own[0].size for own in grads)
        devices = f" on {len(grads[0])} devices" if self.per_device else ""
        bad = kernels.nonfinite([grad for device in zip(*grads) for grad in device])
        due = self._updater is not None and self.check_every and self.steps % self.check_every == 0
        told = self._consent.reach(
            f"a step of parameters {ranges(keys)}, {elements} elements{devices}",
            bad[0] % len(keys) if bad else _FINE,
            _fingerprint([item.outs[0] for item in items]) if due else 0,
        )
        if due:
            self._compare(told[:, 1])
        self.steps += 1
        voters = self._voters(told[:, 0], keys)
        if not voters:
            if self._updater is None:
                for out in (array for item in items for array in item.outs):
                    out[:] = 0  # what is there is not finite
            return
        self._halfway = self.num_workers > 1
        # Messages travel while the next ones are made.
        coming = [
            (bucket, self._sender.submit(self.exchange, self.message(bucket), voters))
            for bucket in buckets(items, self.rank in voters)
        ]
        for bucket, combined in coming:
            self.apply(combined.result(), bucket)
        self._halfway = False

    def _await(self, item: Item) -> None:
        """Keep the item until the step is complete: with an optimizer, all parameters that have a gradient."""
        if self._updater and not self._expected:
            parameters = self._updater.optimizer.param_dict
            self._expected = {key for key, p in parameters.items() if p.grad_req != "null"}
        if item.key in self._waiting or (self._updater and item.key not in self._expected):
            expected, waiting = ranges(sorted(self._expected)), ranges(list(self._waiting))
            self._waiting, self._expected = {}, set()
            raise ValueError(
                f"parameter {self._name(item.key)} does not belong to this step, or comes again, as after a step that "
                f"was broken off: a step takes {expected}, and had {waiting}, which is dropped"
            )
        self._waiting[item.key] = item

    def _voters(self, bad: np.ndarray, keys: list[int]) -> list[int]:
        """The ranks that take part."""
        for rank, place in enumerate(bad):
            if place != _FINE and self.nonfinite == "raise":
                name = self._name(keys[place])
                raise FloatingPointError(f"step {self.steps}: the gradient of {name} on rank {rank} is not finite")
            self.abstentions[rank] += int(place != _FINE)
        return np.flatnonzero(bad == _FINE).tolist()

    def _compare(self, fingerprints: np.ndarray) -> None:
        most, *others = grouped(fingerprints.tolist()).values()
        if others:
            odd = ranges(sorted(rank for ranks in others for rank in ranks))
            found = f"the weights of rank {odd} are not those of rank {ranges(most)}"
            raise RuntimeError(f"after {self.steps} steps, {found}")

    def _name(self, key: int) -> str:
        parameters: dict[int, Any] = self._updater.optimizer.param_dict if self._updater else {}
        return f"{key} ({parameters[key].name})" if key in parameters else str(key)


def _listed(arrays: Any) -> list[NDArray]:
    return list(arrays) if isinstance(arrays, (list, tuple)) else [arrays]


def _fingerprint(weights: Sequence[NDArray]) -> int:
    """63 bits that two sets of weights share by chance only."""
    digest = hashlib.blake2b(digest_size=8)
    for weight in weights:
        digest.update(np.ascontiguousarray(weight.asnumpy()).data)
    return int.from_bytes(digest.digest(), "little") >> 1
