"""What all stores share: the side that `gluon.Trainer` sees."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ClassVar, final

import numpy as np
from mxnet import ndarray as nd
from mxnet.kvstore import KVStoreBase
from mxnet.ndarray import NDArray
from mxnet.optimizer import Optimizer, Updater, get_updater

from gluonbook import kernels
from gluonbook.checkpoint import Collective
from gluonbook.checks import whole_number
from gluonbook.kvstore import caller
from gluonbook.kvstore.arguments import listing, rows
from gluonbook.kvstore.bucket import Bucket, Item, Terms, buckets, share
from gluonbook.kvstore.consent import Consent
from gluonbook.kvstore.engines import connected
from gluonbook.kvstore.finite import NotFinite
from gluonbook.kvstore.gathering import ANOTHER, Gathering
from gluonbook.kvstore.link import Link
from gluonbook.kvstore.readiness import Readiness, Watch
from gluonbook.kvstore.units import Unit, refuse_units, unit_of
from gluonbook.rank import heartbeat
from gluonbook.rank.ranks import grouped, ranges

POLICIES = ("raise", "zero")
TURNS = "turns"
_FINE = -1  # in place of the number of a parameter whose gradient is not as it should be


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
    (`update_on_kvstore`); with `update_on_kvstore=False` the trainer runs it. Either way a step is one exchange for all
    parameters. Where the trainer runs the optimizer, the gradients are then what the store made of them; where the
    store does, what is in them is not defined, unless their `grad_req` is "add".

    With `trainer.step(batch_size, ignore_stale_grad=True)` a parameter that no device of any rank has used since the
    last step stays as it is, and so does what is remembered of it. Where some have used it, their gradients alone
    count: those of the others are zero in a mean, and they have no vote. All devices then get the same weights.

    What is remembered has the unit of the step, `rescale_grad`·gradient, so batches may be of different sizes, on
    different ranks, too. Only where `allreduce_grads` and `update` are called apart the batch size comes too late: then
    batches must be of one size, or the loss be divided by it, for `update(1)`. When a trainer begins anew, as after
    `load_parameters` or `set_data` with the optimizer on the store, what was remembered is dropped, by store and
    optimizer alike.

    A store that `overlaps` begins to exchange while backward still computes: some eighth of the gradients at a time, in
    the order in which they become ready. Whether all are finite is known only then; if not, the step is dropped, or the
    exchange done once more without those who have such a gradient. Only the time is different, and that only if nobody
    waits for the loss before `step`.

    Without a trainer, each `pushpull` is a step of the keys in it; so `Module.fit(kvstore=store)` works, too.

    Args:
        link: how the workers are connected: "local", one process and its devices, which is the reference; "mpi" or
            "pslite", in processes that `gluonbook.launch` has started with that engine; or a `Link`.
        nonfinite: what happens if a gradient holds NaN or infinity, on any rank. "raise": all ranks raise
            FloatingPointError in the same step, before anything has changed. "zero": the ranks that have one sit this
            step out, and are counted (`abstentions`); if all do, the weights stay, or, where the trainer runs the
            optimizer, it gets zeros. A gradient of float64 beyond float32 counts as infinite where it is sent in that;
            and where the store `overlaps`, so does one that is beyond it once it is rescaled, summed over the devices
            and added to what is remembered, or could be in the sum over the ranks.
        check_every: every so many steps all ranks compare a hash of their weights; 0 for never. It takes part in the
            exchange that tells of NaN, and needs the store to have the optimizer, and then it is 100 by default.

    Attributes:
        states: what the method remembers, such as the momentum of this rank, by parameter: an array of numpy, or a list
            of MXNet's, one a device. `gluonbook.checkpoint` saves and restores it, in a folder of each rank's own.
        abstentions: by rank, in how many steps it did not take part, since this store was made.
        steps: how many exchanges there were, since this store was made.

    All that is raised but the last comes on all ranks alike, with nothing changed: the next step may be taken.

    Raises:
        ValueError: parameters differ between ranks in name, order, type or shape; or the stores do; or an argument is
            not legal; or batches of different sizes with `allreduce_grads` and `update`, or these beside `step`.
        UserWarning: a device has not used a parameter, and `ignore_stale_grad` is not set, as without a store.
        FloatingPointError: a gradient is not finite, see `nonfinite`.
        RuntimeError: weights differ between ranks; the message names the ranks. Or a step of several ranks was broken
            off halfway, by an exception or an interrupt, and another one is asked for.
    """

    method: ClassVar[str]
    per_device: ClassVar[bool] = False  # whether a rank with more devices sends a longer message
    takes_turns: ClassVar[bool] = False  # whether it counts in `states[key][TURNS]` how often a parameter is exchanged
    overlaps: ClassVar[bool] = False  # whether `apply` alone changes what lasts, so that what is sent may be dropped
    examines: ClassVar[bool] = False  # whether `message`, where it overlaps, raises NotFinite for such gradients itself
    remembers: bool = True  # whether gradients of one step have a part in the next, and so must be in one unit

    def __init__(self, link: str | Link = "local", *, nonfinite: str = "raise", check_every: int | None = None) -> None:
        if nonfinite not in POLICIES:
            raise ValueError(f"nonfinite must be {' or '.join(map(repr, POLICIES))}, got {nonfinite!r}")
        self.nonfinite = nonfinite
        self.check_every = 100 if check_every is None else whole_number("check_every", check_every, 0)
        self._must_check = bool(check_every)
        self.link = connected(link)
        self.states: dict[Any, Any] = {}
        self.abstentions = [0] * self.link.size
        self.steps = 0
        self._consent = Consent(self.link)
        self._halfway = False  # in a step, while ranks may differ in how much of it they have done
        self._sender = ThreadPoolExecutor(1, "gluonbook-store")
        self._readiness = Readiness()
        self._updater: Updater | None = None
        self._gathering = Gathering()
        self._unit: Unit | None = None  # of the last step
        with heartbeat.waiting():
            self._consent.reach(f"a store {self.type}, nonfinite={nonfinite!r}, check_every={self.check_every}")

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
        """Run this optimizer, the trainer's own, so that what is set there later holds here, too.

        A trainer does this when it begins, and begins anew: what was remembered of other weights is dropped.
        """
        if not isinstance(optimizer, Optimizer):
            raise ValueError(f"a store runs an mx.optimizer.Optimizer, got {optimizer!r}")
        if self._updater and self._updater.optimizer is not optimizer:
            raise ValueError(ANOTHER)
        self.accept(optimizer)
        if call := caller.call_of(self):
            self._gathering.serve(call.trainer)
            caller.use_up(call.trainer)
        self._updater = get_updater(optimizer)
        self.states, self._unit = {}, None

    def set_gradient_compression(self, compression_params: Any) -> None:
        """Not this way: what travels is what the method says."""
        raise ValueError(
            f"a store {self.type} sends gradients in its own way: make the trainer without compression_params, "
            f"got {compression_params!r}"
        )

    def init(self, key: Any, value: Any) -> None:
        """What MXNet's `Module` does where it runs the optimizer: nothing to do for one worker.

        Raises:
            RuntimeError: there are several, and `Module` would not give them the weights of rank 0.
        """
        if self.num_workers > 1:
            raise RuntimeError(f"with {self.num_workers} workers let the store run the optimizer, or use gluon.Trainer")

    def push(self, key: Any, value: Any, priority: int = 0) -> None:
        """Not this way: gradients go and come in one call."""
        raise RuntimeError(f"a store {self.type} exchanges dense arrays by pushpull(key, value, out)")

    def pull(self, key: Any, out: Any = None, priority: int = 0, ignore_sparse: bool = True) -> None:
        """See `push`."""
        self.push(key, out)

    def row_sparse_pull(self, key: Any, out: Any = None, priority: int = 0, row_ids: Any = None) -> None:
        """See `push`."""
        self.push(key, out)

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

    def broadcast(self, key: Any, value: Any, out: Any, priority: int = 0) -> None:
        """Write rank 0's value into all arrays of `out`, on every rank; or do so for each key of a list."""
        if call := caller.call_of(self):
            self._gathering.serve(call.trainer)
        heartbeat.step()
        for one, values, places in rows(key, value, out):
            self._broadcast(one, values[0], places)

    def _broadcast(self, key: int | str, value: NDArray, places: list[NDArray]) -> None:
        self._consent.reach(f"parameter {self._gathering.name(key)}, shape {value.shape}, {np.dtype(value.dtype)}")
        # Not only for this array: with static_alloc the backward pass moves batch norm's statistics, and does not tell.
        nd.waitall()
        array = np.ascontiguousarray(value.asnumpy())
        self.link.broadcast(array.reshape(-1).view(np.uint8))
        received = nd.array(array, dtype=array.dtype)
        for place in places:
            # Not place[:] = array: what an inference has turned into oneDNN's layout takes no numpy array.
            received.copyto(place)

    def pushpull(self, key: Any, value: Any, out: Any = None, priority: int = 0) -> None:
        """Make one gradient of all, and write it to `out`, or to `value`; or, with an optimizer, the weight to `out`.

        `key` is a parameter's number or name, and `value` and `out` are arrays or lists with one a device; or `key` is
        a list, and the others lists of such. A step of a trainer waits until all its parameters are there.
        """
        self.accept(self.optimizer)  # at each step, since its options may have been changed
        if self._must_check and not self._updater:
            asked = f"check_every={self.check_every}"
            raise ValueError(
                f"{asked} has no effect where the store has no optimizer, and sees no weights: leave it out"
            )
        if self._updater and out is None:
            raise ValueError("with an optimizer, pushpull needs the weights to update: out=...")
        if call := caller.call_of(self):
            self._gathering.serve(call.trainer)
        given = rows(key, value, value if out is None else out)
        if items := self._gathering.add(given, self._updater):
            self._exchange(items, call)

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

    @final
    def turn(self, key: int | str) -> int:
        """How often this parameter has been exchanged, modulo 2, if the method counts it; the same on all ranks."""
        return self.states[key][TURNS] % 2 if self.takes_turns and key in self.states else 0

    @abstractmethod
    def message(self, bucket: Bucket) -> Any:
        """What this rank sends for some parameters.

        The gradients of `bucket.devices` count. If there are none, this rank takes part in name only: the message has
        the right size, and nothing else changes. Where the store `overlaps`, what is to be remembered goes along.

        Raises:
            NotFinite: only where the store `overlaps`: some gradients cannot be sent, and count as not finite.
        """

    @abstractmethod
    def exchange(self, message: Any, bucket: Bucket) -> Any:
        """Exchange messages, and combine those of the ranks in `bucket.speakers`.

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
            write(bucket.totals)
            self.run_optimizer(bucket)

    @final
    def run_optimizer(self, bucket: Bucket) -> None:
        """The optimizer's step by `bucket.totals`, on the first device; the other devices get its weights.

        Raises:
            RuntimeError: the trainer runs the optimizer, not the store.
        """
        if self._updater is None:
            raise RuntimeError(f"a store {self.type} has no optimizer to run: the trainer has it")
        self._updater(bucket.keys, bucket.totals, [own[0] for own in bucket.outs])
        for first, *others in bucket.outs:
            for other in others:
                first.copyto(other)

    def _exchange(self, items: list[Item], call: caller.Call | None) -> None:
        heartbeat.step()
        if self._halfway:
            raise RuntimeError(
                "an earlier step was broken off halfway, and the ranks may differ in what they did of it: "
                "go on from a checkpoint, with a new net, trainer and store"
            )
        self.link.patient = self.overlaps
        try:
            terms, used, unit = self._agreed(items, call)
            self._halfway = self.num_workers > 1 and bool(terms.voters)
            coming = self._early(items, used, terms) if self.overlaps else self._sent(self._buckets(items, used, terms))
        finally:
            self.link.patient = False
        self._unit = unit
        if unit.optimizer and unit.known:
            unit.optimizer.rescale_grad = terms.common
        for bucket, combined in coming:
            if combined:
                self.apply(combined.result(), bucket)
            elif self._updater is None:
                for out in (array for own in bucket.outs for array in own):
                    out[:] = 0  # what is there is not finite
            if self._updater is None:
                self._gathering.mark(bucket.keys)
        self._halfway = False

    def _buckets(self, items: Sequence[Item], used: np.ndarray, terms: Terms) -> list[Bucket]:
        turns = [self.turn(item.key) for item in items]
        if not self.overlaps:
            return [*buckets(items, turns, used, terms)]
        order = self._gathering.last_first(items)
        ordered, turned = [items[place] for place in order], [turns[place] for place in order]
        return [*buckets(ordered, turned, used[:, order], terms, share(items))]

    def _early(self, items: Sequence[Item], used: np.ndarray, terms: Terms) -> Sequence[tuple[Bucket, Future | None]]:
        """Exchange what is ready while backward computes the rest, as if all gradients were finite; then see.

        Where some are not, all ranks raise, and nothing has changed; or those who have one leave, and the others
        exchange once more.
        """
        parts = self._buckets(items, used, terms)
        watch = Watch(parts)
        coming: list[tuple[Bucket, Future]] = []
        bad: set[int | str] = set()
        for place in self._readiness.order(parts):
            watch.wait(place)
            message, odd = self._examined(parts[place])
            bad.update(odd)
            coming.append((parts[place], self._sender.submit(self.exchange, message, parts[place])))
        self.link.patient = False
        for _, combined in coming:
            combined.result()
        first = next((place for place, item in enumerate(items) if item.key in bad), _FINE)
        sought = self._readiness.sought(parts)
        told = self.link.all_gather(np.array([first, *(watch.order if sought else ())]))
        if sought:
            self._readiness.follow(parts, told[0, 1:].tolist())
        if (told[:, 0] == _FINE).all():
            return coming
        self._halfway = False
        voters = self._voters(told[:, 0], items)
        self._halfway = self.num_workers > 1 and bool(voters)
        return self._sent(self._buckets(items, used, terms._replace(voters=voters)))

    def _examined(self, bucket: Bucket) -> tuple[Any, Sequence[int | str]]:
        """The message, and the parameters with a gradient that counts and is not finite; then nobody looks into it."""
        bad: Sequence[int | str] = () if self.examines else _nonfinite(bucket)
        if not bad:
            try:
                with np.errstate(over="ignore", invalid="ignore"):
                    return self.message(bucket), bad
            except NotFinite as found:
                bad = found.keys
        return self.message(bucket._replace(devices=())), bad

    def _sent(self, parts: Sequence[Bucket]) -> Sequence[tuple[Bucket, Future | None]]:
        """The buckets, and what `exchange` will have given; None where nobody speaks.

        Messages travel while the next ones are made.
        """
        return [
            (bucket, self._sender.submit(self.exchange, self.message(bucket), bucket) if bucket.speakers else None)
            for bucket in parts
        ]

    def _agreed(self, items: Sequence[Item], call: caller.Call | None) -> tuple[Terms, np.ndarray, Unit]:
        """What the ranks tell each other before a step, and which devices of each have used which items.

        Raises, on all ranks alike, for whatever keeps the step from being taken on any.
        """
        unit = unit_of(self.optimizer, self._gathering.trainer, call, self._unit)
        due = self._updater is not None and self.check_every and self.steps % self.check_every == 0
        told = self._consent.reach(
            self._plan(items, unit),
            _FINE if self.overlaps else _first_nonfinite(items),
            _FINE if not call or call.skips_stale else _first_stale(items),
            any(len(item.fresh) < len(item.grads) for item in items),
            int(np.float64(unit.rescale).view(np.int64)),
            unit.fault(self._unit) if self.remembers and self.states else 0,
            _fingerprint([item.outs[0] for item in items]) if due else 0,
        )
        bad, stale, partly, rescales, faults, fingerprints = told.T.copy()
        rescales = rescales.view(np.float64)
        if due:
            self._compare(fingerprints)
        self._refuse_stale(stale, items)
        if self.remembers:
            refuse_units(self.type, faults, rescales)
        used = np.array([sum(1 << device for device in item.fresh) for item in items], np.int64)
        used = self.link.all_gather(used) if partly.any() else np.stack([used] * self.num_workers)
        self.steps += 1
        return Terms(self.rank, self._voters(bad, items), unit.rescale, float(rescales[0])), used, unit

    def _plan(self, items: Sequence[Item], unit: Unit) -> str:
        elements = sum(item.grads[0].size for item in items)
        devices = f" on {len(items[0].grads)} devices" if self.per_device else ""
        apart = "" if unit.known else ", by allreduce_grads"
        turns = "".join(str(self.turn(item.key)) for item in items)
        listed = f"{listing([item.key for item in items])}, {elements} elements"
        return f"a step of parameters {listed}{devices}{apart}" + f", turns {turns}" * ("1" in turns)

    def _refuse_stale(self, stale: np.ndarray, items: Sequence[Item]) -> None:
        for rank, place in enumerate(stale):
            if place != _FINE:
                name = self._gathering.name(items[place].key)
                raise UserWarning(
                    f"the gradient of {name} on rank {rank} has not been updated by backward "
                    "since the last step: call step with ignore_stale_grad=True if it is meant to use a part only"
                )

    def _voters(self, bad: np.ndarray, items: Sequence[Item]) -> list[int]:
        """The ranks that take part."""
        for rank, place in enumerate(bad):
            if place != _FINE and self.nonfinite == "raise":
                name = self._gathering.name(items[place].key)
                raise FloatingPointError(f"step {self.steps}: the gradient of {name} on rank {rank} is not finite")
        for rank, place in enumerate(bad):
            self.abstentions[rank] += int(place != _FINE)
        return np.flatnonzero(bad == _FINE).tolist()

    def _compare(self, fingerprints: np.ndarray) -> None:
        most, *others = grouped(fingerprints.tolist()).values()
        if others:
            odd = ranges(sorted(rank for ranks in others for rank in ranks))
            found = f"the weights of rank {odd} are not those of rank {ranges(most)}"
            raise RuntimeError(f"after {self.steps} steps, {found}")


def _first_nonfinite(items: Sequence[Item]) -> int:
    """The place of the first item with a gradient that counts and is not finite."""
    checked = [(place, item.grads[device]) for place, item in enumerate(items) for device in item.fresh]
    bad = _beyond([grad for _, grad in checked])
    return checked[bad[0]][0] if bad else _FINE


def _nonfinite(bucket: Bucket) -> list[int | str]:
    """The parameters with a gradient that counts and is not finite."""
    checked = [(key, own[device]) for key, own in zip(bucket.keys, bucket.grads) for device in bucket.devices]
    return [checked[place][0] for place in _beyond([grad for _, grad in checked])]


def _beyond(grads: Sequence[NDArray]) -> list[int]:
    """The places of those that are not finite in float32, in which they will be sent."""
    narrowed = (grad.astype(np.float32) if grad.dtype == np.float64 else grad for grad in grads)
    return kernels.nonfinite([*narrowed])


def _first_stale(items: Sequence[Item]) -> int:
    return next((place for place, item in enumerate(items) if len(item.fresh) < len(item.grads)), _FINE)


def _fingerprint(weights: Sequence[NDArray]) -> int:
    """63 bits that two sets of weights share by chance only."""
    digest = hashlib.blake2b(digest_size=8)
    for weight in weights:
        digest.update(np.ascontiguousarray(weight.asnumpy()).data)
    return int.from_bytes(digest.digest(), "little") >> 1
