"""Processes that load batches: whatever ends one is said at once, and nothing is left of them."""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from mxnet import gluon

import promises
import runs
from gluonbook.models import mlp
from gluonbook.training import WorkerError, fit
from gluonbook.training.workers import Workers

RUN = {"epochs": 2, "batch_size": 10}


class Unpicklable(Exception):
    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


def crash(number):
    faulthandler.disable()  # that of pytest, which tells of it on the terminal
    os.kill(os.getpid(), number)
    time.sleep(60)


def child_holds_the_pipe():
    if not os.fork():
        time.sleep(5)
        os._exit(0)
    os._exit(7)


def raising(error):
    raise error


ENDS = {
    "memory": (lambda: crash(signal.SIGKILL), WorkerError, "was killed by SIGKILL"),
    "a bus error": (lambda: crash(signal.SIGBUS), WorkerError, "was killed by SIGBUS"),
    # MXNet's own handler joins threads, which a fork may not have; then it aborts.
    "a segmentation fault": (lambda: crash(signal.SIGSEGV), WorkerError, "was killed by SIG(SEGV|ABRT)"),
    "a signal to end": (lambda: crash(signal.SIGTERM), WorkerError, "was killed by SIGTERM"),
    "an exit": (lambda: os._exit(0), WorkerError, "ended with exit status 0"),
    "an exit with 1": (lambda: os._exit(1), WorkerError, "ended with exit status 1"),
    "sys.exit": (lambda: sys.exit(3), WorkerError, "ended with exit status 3"),
    "a child of its own": (child_holds_the_pipe, WorkerError, "ended with exit status 7"),
    "an error": (lambda: raising(LookupError("no file 17")), LookupError, "no file 17"),
    "the end of a file": (lambda: raising(EOFError("cut off")), EOFError, "cut off"),
    "a pipe that broke": (lambda: raising(BrokenPipeError("lost")), BrokenPipeError, "lost"),
    "an error that cannot travel": (lambda: raising(Unpicklable(1, 2)), RuntimeError, "Unpicklable: 1 and 2"),
    "no sample": (lambda: None, ValueError, "a sample of train is None; wanted a tuple"),
}


class Ending(gluon.data.Dataset):
    """Of forty samples one is the end, in the worker that loads it."""

    def __init__(self, end, at=17):
        self.end, self.at, self.parent = end, at, os.getpid()

    def __len__(self):
        return 40

    def __getitem__(self, i):
        if i == self.at and os.getpid() != self.parent:
            return self.end()
        return np.ones(64, "float32"), 1


@pytest.mark.parametrize("num_workers", [1, 3])
@pytest.mark.parametrize("end", ENDS)
def test_whatever_ends_a_worker_is_said_at_once(end, num_workers):
    act, kind, message = ENDS[end]
    children, begun = len(psutil.Process().children()), time.monotonic()
    net, trainer = runs.start(net=mlp(hidden=()))
    with pytest.raises(kind, match=message):
        fit(net, trainer, Ending(act), num_workers=num_workers, **RUN)
    assert time.monotonic() - begun < 5
    assert len(psutil.Process().children()) == children


def test_the_line_in_the_worker_is_named():
    net, trainer = runs.start(net=mlp(hidden=()))
    with pytest.raises(LookupError) as caught:
        fit(net, trainer, Ending(ENDS["an error"][0]), num_workers=1, **RUN)
    assert "in a worker that loads batches" in str(caught.value.__cause__)
    assert "test_workers.py" in str(caught.value.__cause__)


def test_nothing_is_left_of_a_run_that_ends_well_or_in_its_own_code():
    children = len(psutil.Process().children())
    net, trainer = runs.start(net=mlp(hidden=()))
    fit(net, trainer, Ending(None, at=-1), num_workers=2, **RUN)
    assert len(psutil.Process().children()) == children
    net, trainer = runs.start(net=mlp(hidden=()))
    runs.break_after(trainer, 2)
    with pytest.raises(runs.Interrupted):
        fit(net, trainer, Ending(None, at=-1), num_workers=2, **RUN)
    assert len(psutil.Process().children()) == children


def counting(place):
    for i in range(place, 12):
        yield lambda i=i: np.full(200_000, i)  # far more than a pipe holds


@pytest.mark.parametrize("count", [1, 2, 5])
def test_items_come_in_order_from_any_place(count):
    workers = Workers(count, counting)
    try:
        for place in (0, 5, 9, 12):  # a series is taken to its end, as an epoch is
            found = [int(item[0]) for item in workers.items(place, 12 - place)]
            assert found == list(range(place, 12))
    finally:
        workers.close()


def test_arrays_of_all_kinds_come_as_they_were_and_may_be_written():
    kinds = [
        np.arange(3_000_000, dtype=np.float32).reshape(3, 1000, 1000),  # many times what a pipe holds
        np.zeros((0, 4)),
        np.arange(24.0).reshape(2, 3, 4)[:, ::2].T,
        np.array(7, np.int8),
        np.array(["a", "bc"]),
    ]
    workers = Workers(1, lambda place: iter([lambda: (kinds, {"more": place})] * 2))
    try:
        found = list(workers.items("here", 2))
    finally:
        workers.close()
    for arrays, more in found:
        assert more == {"more": "here"}
        for sent, came in zip(kinds, arrays):
            np.testing.assert_array_equal(came, sent)
            assert came.dtype == sent.dtype
            came[...] = came[...]  # nobody else's memory


def test_a_worker_that_cannot_be_started_is_an_error_with_what_helps():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    children = len(psutil.Process().children())
    resource.setrlimit(resource.RLIMIT_NOFILE, (psutil.Process().num_fds() + 8, hard))
    try:
        with pytest.raises(WorkerError, match=r"worker \d+ of 20 .* started: .*Too many open files.*ulimit -n"):
            Workers(20, counting)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(psutil.Process().children()) == children


def test_another_worker_than_the_one_that_is_waited_for():
    """Worker 0 takes its time; that worker 1 has died is said all the same."""

    def series(_):
        yield lambda: time.sleep(60)
        yield lambda: os._exit(4)

    workers, begun = Workers(2, series), time.monotonic()
    try:
        with pytest.raises(WorkerError, match=r"worker 1 of 2 .* exit status 4"):
            list(workers.items(0, 2))
    finally:
        workers.close()
    assert time.monotonic() - begun < 5


SCRIPT = """
import os, sys, time
import numpy as np
from mxnet import gluon
from gluonbook.training import fit

class Hanging(gluon.data.Dataset):
    def __len__(self):
        return 40
    def __getitem__(self, i):
        if i == 17 and os.getpid() != parent:
            print("hanging", flush=True)
            time.sleep(1000)
        return np.ones(4, "float32"), 1

parent = os.getpid()
net = gluon.nn.Dense(3, in_units=4)
net.initialize()
fit(net, gluon.Trainer(net.collect_params(), "sgd"), Hanging(), epochs=1, batch_size=10, num_workers=2)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_who_ends_a_run_ends_its_workers_even_in_a_transform_that_hangs(tmp_path, number):
    long = tmp_path / ("long" * 40)  # where MXNet's own loader cannot open a socket
    long.mkdir()
    environment = {**os.environ, "TMPDIR": str(long)}
    process = subprocess.Popen(
        [sys.executable, "-c", promises.HEARS + SCRIPT],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )
    try:
        assert process.stdout.readline() == "hanging\n"
        children = psutil.Process(process.pid).children()
        assert len(children) == 2
        mapped = {part.path for child in children for part in child.memory_maps()}
        assert not [path for path in mapped if path.startswith("/dev/shm/") and "/sem." not in path]  # tqdm has one
        # A terminal sends an interrupt to all of them.
        os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
        promises.wait_for(lambda: process.poll() is not None, 10)
        assert process.returncode == -number
        promises.wait_for(lambda: all(promises.has_ended(child.pid) for child in children), 5)
    finally:
        process.kill()
        process.communicate()
    assert not list(long.iterdir())
