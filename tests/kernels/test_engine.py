"""Kernels and MXNet's engine: no race in either direction, no rearranged memory, threads, forks, and a lazy import."""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from arrays import DTYPES, mixed, same, words
from mxnet import autograd, gluon, nd

from gluonbook import kernels
from gluonbook.kernels import ballots, cuda, forms, memory, reference, threads, views
from gluonbook.kernels.cuda_source import signature
from gluonbook.kernels.expressions import Expressions
from gluonbook.kernels.form import Form
from operations import operation

pytestmark = pytest.mark.slow

ROUNDS = 12
SINGLE = DTYPES[1]


@pytest.fixture
def two_threads(monkeypatch):
    """Kernels that share their work between two threads, whatever the machine."""
    monkeypatch.setenv("NUMBA_NUM_THREADS", "2")
    threads.count.cache_clear()
    yield
    threads.count.cache_clear()


def slow(seed: int = 0) -> nd.NDArray:
    """An operation that takes the engine a few 10 ms, and its result, which is 0, not yet there."""
    x = nd.random.normal(shape=(700, 700))
    nd.waitall()
    for _ in range(4):
        x = nd.dot(x, x) * 1e-3
    return 0 * nd.clip(x[0:1, 0:1].reshape(1), -1, 1)


def test_a_kernel_waits_for_the_pending_gradient():
    for i in range(ROUNDS):
        w, g, m = nd.zeros(1000), nd.full(1000, np.nan), nd.zeros(1000)
        g[:] = nd.broadcast_add(nd.full(1000, i + 1), slow())
        kernels.signum_step(w, g, m, lr=1, momentum=0.5)
        assert m.asnumpy().tolist() == [-(i + 1) / 2] * 1000
        assert w.asnumpy().tolist() == [-1] * 1000


def test_a_kernel_waits_for_the_pending_weight():
    for i in range(ROUNDS):
        w = nd.zeros(1000)
        w[:] = nd.broadcast_add(nd.full(1000, i), slow())
        kernels.apply_signs(w, kernels.pack(np.ones(1000)), lr=1)
        assert w.asnumpy().tolist() == [i - 1] * 1000


def test_a_kernel_waits_for_operations_that_still_read_the_weight():
    for i in range(ROUNDS):
        w, g, m = nd.full(1000, i), nd.ones(1000), nd.zeros(1000)
        nd.waitall()
        before = nd.broadcast_add(w, slow())  # reads w late
        kernels.signum_step(w, g, m, lr=1, momentum=0.5)
        assert before.asnumpy().tolist() == [i] * 1000


def test_a_kernel_does_not_wait_for_what_comes_after_its_gradient():
    """Backward goes on with the layers before while gradients are packed; but for some, since the engine draws lots."""
    assert sum(packed_in_time() for _ in range(5)) >= 3


def packed_in_time() -> bool:
    """Whether a gradient is packed while an operation that needs others of the same layers runs."""
    g, others = nd.zeros(1000), [nd.zeros(1) for _ in range(50)]
    begin, packed, in_time = threading.Event(), threading.Event(), []
    functions = [
        operation(lambda: begin.wait(10), g, *others),
        operation(lambda: in_time.append(packed.wait(1)), *others),
    ]
    threading.Timer(0.1, begin.set).start()  # when `pack` waits
    kernels.pack(g)
    packed.set()
    nd.waitall()
    del functions
    return in_time == [True]


def test_an_operation_that_follows_sees_the_new_weight():
    w, g, m = nd.zeros((100, 1000)), nd.ones((100, 1000)), nd.zeros((100, 1000))
    seen = []
    for _ in range(100):
        kernels.signum_step(w, g, m, lr=1, momentum=0.5)
        seen.append(w.sum(axis=1))  # computed later
    for i, total in enumerate(seen):
        assert total.asnumpy().tolist() == [-1000.0 * (i + 1)] * 100


def test_operations_that_the_engine_still_collects_into_one():
    with mx.engine.bulk(100):
        for i in range(50):
            w, g, m = nd.zeros(10), nd.ones(10), nd.zeros(10)
            for _ in range(5):
                w += 1
            kernels.signum_step(w, g, m, lr=1, momentum=0.5)
            w *= 2
            kernels.apply_signs(w, kernels.pack(g), lr=i)
            assert w.asnumpy().tolist() == [8 - i] * 10


def test_the_engine_without_threads():
    code = """
import numpy as np
from mxnet import nd
from gluonbook import kernels
w, g, m = nd.zeros(10) + 5, nd.ones(10), nd.zeros(10)
kernels.signum_step(w, g, m, lr=1, momentum=0.5)
assert (w * 2).asnumpy().tolist() == [8] * 10
"""
    done = python(code, MXNET_ENGINE_TYPE="NaiveEngine")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kernel", ["signum_step", "pack"])
def test_a_weight_that_a_pending_inference_rearranges(kernel):
    """oneDNN's convolution puts its weight into blocks, in place, at inference."""
    for seed in range(ROUNDS):
        mx.random.seed(seed)
        net = gluon.nn.Conv2D(512, 3, padding=1, in_channels=512, use_bias=False)
        net.initialize()
        w = net.weight.data()
        before, g, m = w.asnumpy(), nd.ones(w.shape), nd.zeros(w.shape)
        X = nd.random.normal(shape=(1, 512, 4, 4))
        nd.waitall()
        y = net(X)
        if kernel == "pack":
            assert np.array_equal(kernels.pack(w), kernels.pack(before))
        else:
            kernels.signum_step(w, g, m, lr=0.01, momentum=0.9)
            assert same(w.asnumpy(), before - np.float32(0.01))
        y.wait_to_read()


def train(step, hybridize: bool, ctx: list[mx.Context]) -> list[np.ndarray]:
    """A small convolutional net, trained with `step(weight, grad, mom)`, with an inference in each round."""
    mx.random.seed(1)
    net = gluon.nn.HybridSequential()
    net.add(gluon.nn.Conv2D(32, 3, padding=1, activation="tanh"), gluon.nn.Conv2D(32, 3, padding=1), gluon.nn.Dense(4))
    net.initialize(mx.init.Xavier(), ctx=ctx)
    if hybridize:
        net.hybridize(static_alloc=True, static_shape=True)
    rng = np.random.default_rng(0)
    batches = [nd.array(rng.standard_normal((8, 16, 8, 8)), c) for c in ctx]
    for X in batches:
        net(X)
    state = {}
    for _ in range(5):
        for X in batches:
            with autograd.record():
                loss = (net(X) ** 2).sum()
            loss.backward()
        for i, parameter in enumerate(net.collect_params().values()):
            for j, (weight, grad) in enumerate(zip(parameter.list_data(), parameter.list_grad())):
                mom = state.setdefault((i, j), nd.zeros(weight.shape, weight.context))
                step(weight, grad, mom)
        for X in batches:
            net(X)
    return [weight.asnumpy() for p in net.collect_params().values() for weight in p.list_data()]


@pytest.mark.parametrize("devices", [1, 3])
@pytest.mark.parametrize("hybridize", [False, True], ids=["imperative", "hybridized"])
def test_training_is_that_with_the_operator(hybridize, devices):
    def built_in(weight, grad, mom):
        nd.signum_update(weight, grad, mom, out=weight, lr=0.01, momentum=0.9)

    def own(weight, grad, mom):
        kernels.signum_step(weight, grad, mom, lr=0.01, momentum=0.9)

    ctx = [mx.cpu(i) for i in range(devices)]
    for expected, got in zip(train(built_in, hybridize, ctx), train(own, hybridize, ctx)):
        assert same(got, expected)


def test_an_error_of_a_pending_operation_is_raised():
    g = nd.ones((3, 3))
    g[:] = nd.linalg.potrf(-g)  # no such matrix is a square; the engine finds out later
    with pytest.raises(mx.base.MXNetError):
        kernels.pack(g)


def test_slices_and_reshaped_arrays_are_changed_in_place():
    w, g = nd.zeros((4, 100)), nd.ones(100)
    kernels.signum_step(w[1], g, nd.zeros(100), lr=1, momentum=0.5)
    kernels.apply_signs(w[2:].reshape(-1), kernels.pack(-np.ones(200)), lr=1)
    assert w.asnumpy().mean(axis=1).tolist() == [0, -1, 1, 1]


def test_a_view_keeps_its_array_alive():
    view = views.readable(memory.flat("x", nd.full(1_000_000, 7)))
    gc.collect()
    filler = [nd.zeros(1_000_000) for _ in range(3)]
    nd.waitall()
    assert (view == 7).all()
    del filler


def test_threads_share_long_arrays(two_threads):
    for n in (209_715, 209_716, 300_001, 1_000_003):
        arrays = [mixed(SINGLE, n, seed) for seed in range(3)]
        alone = [array.copy() for array in arrays]
        kernels.signum_step(*arrays, lr=0.1, momentum=0.9)
        for array, part in ((array, slice(i, i + 60_000)) for array in [alone] for i in range(0, n, 60_000)):
            kernels.signum_step(*(x[part] for x in array), lr=0.1, momentum=0.9)
        for shared, single in zip(arrays, alone):
            assert same(shared, single)


def test_parts_cover_the_range_once(two_threads):
    for n in (0, 1, 65_536, 65_537, 131_073, 999_999):
        parts, lock = [], threading.Lock()

        def kernel(start, stop, parts=parts, lock=lock):
            with lock:
                parts.append((start, stop))

        threads.share([threads.Call(kernel, n, 64, ())])
        parts.sort()
        if not n:
            continue  # a kernel may do nothing, or not be called
        assert parts[0][0] == 0
        assert parts[-1][1] == n
        assert all(stop == start and start % 64 == 0 for (_, stop), (start, _) in zip(parts, parts[1:]))
        *full, last = (stop - start for start, stop in parts)
        assert len(set(full)) <= 1
        assert last <= max(full, default=last)
        assert full or n < 999_999  # so many are shared


def test_one_thread_leaves_no_work_for_others(monkeypatch):
    """There are none, so that nobody would take it, and arrays would live for ever."""
    monkeypatch.setattr(threads, "count", lambda: 1)
    x = np.ones(6_000_000, np.float32)
    kernels.pack(x)
    assert threads._tasks(0).qsize() == 0


def test_an_error_in_a_thread_is_raised(two_threads):
    def kernel(start, stop):
        if start:
            raise ZeroDivisionError("in the other thread")

    with pytest.raises(ZeroDivisionError, match="in the other thread"):
        threads.share([threads.Call(kernel, 1_000_000, 64, ())])


def test_an_error_while_preparing_is_raised_when_the_others_are_done(two_threads):
    begun, ended = [], []

    def kernel(start, stop):
        begun.append(start)
        time.sleep(0.01)
        ended.append(start)

    def calls():
        yield threads.Call(kernel, 1_000_000, 64, ())
        raise ZeroDivisionError("in the second call")

    with pytest.raises(ZeroDivisionError, match="in the second call"):
        threads.share(calls())
    assert sorted(begun) == sorted(ended)


def test_many_threads_may_call_kernels_at_once(two_threads):
    x = mixed(SINGLE, 1_200_000)
    expected, wrong = kernels.pack(x), []

    def work():
        for _ in range(30):
            if not np.array_equal(kernels.pack(x), expected):
                wrong.append(threading.current_thread().name)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def in_child(queue) -> None:
    ballots = words((3, 200_000))
    queue.put(int(kernels.vote(ballots).sum()) ^ int(kernels.pack(np.ones(1_200_000, np.float32))[-1]))


def test_a_child_made_by_fork_computes_too(two_threads):
    """As the workers of a DataLoader are, after the parent's threads have worked."""
    kernels.pack(np.ones(1_200_000, np.float32))
    expected = int(kernels.vote(words((3, 200_000))).sum()) ^ int(kernels.pack(np.ones(1_200_000, np.float32))[-1])
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=in_child, args=(queue,))
    child.start()
    assert queue.get(timeout=60) == expected
    child.join(60)
    assert child.exitcode == 0


def test_a_data_loader_beside_the_kernels(two_threads):
    data = gluon.data.ArrayDataset(np.arange(64, dtype=np.float32).reshape(16, 4))
    w, g, m = nd.zeros(300_000), nd.ones(300_000), nd.zeros(300_000)
    kernels.signum_step(w, g, m, lr=1, momentum=0.5)
    loader = gluon.data.DataLoader(data, batch_size=4, num_workers=2)
    total = 0
    for X in loader:
        kernels.signum_step(w, g, m, lr=1, momentum=0.5)
        total += X.sum().asscalar()
    assert total == 64 * 63 / 2
    assert w.asnumpy().min() == w.asnumpy().max() == -5


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"NUMBA_NUM_THREADS": "3", "OMP_NUM_THREADS": "5"}, 3),
        ({"OMP_NUM_THREADS": "5"}, 5),
        ({"OMP_NUM_THREADS": "4,2"}, 4),
        ({"OMP_NUM_THREADS": "many"}, None),
        ({}, None),
    ],
)
def test_how_many_threads(monkeypatch, environment, expected):
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    threads.count.cache_clear()
    assert threads.count() == (expected or threads.facts.cores())
    threads.count.cache_clear()


def test_arrays_in_different_places_are_refused(monkeypatch):
    monkeypatch.setattr(forms, "_gpus", lambda: 1)
    monkeypatch.setattr(forms, "gpu_of", lambda array: mx.gpu(0) if isinstance(array, nd.NDArray) else None)
    with pytest.raises(ValueError, match=r"all on the host, got mom on the host, grad on gpu\(0\)"):
        kernels.momentum_pack(np.ones(3, np.float32), nd.ones(3), momentum=0.9)


def test_the_array_of_a_list_that_lies_elsewhere_is_named(monkeypatch):
    monkeypatch.setattr(forms, "_gpus", lambda: 1)
    moms, grads = [np.ones(3, np.float32), np.ones(3, np.float32)], [np.ones(3, np.float32), nd.ones(3)]
    monkeypatch.setattr(forms, "gpu_of", lambda array: mx.gpu(0) if isinstance(array, nd.NDArray) else None)
    with pytest.raises(ValueError, match="array 1 of the list: all arrays must be on one GPU"):
        kernels.momentum_pack(moms, grads, momentum=0.9)


def test_a_form_that_lacks_a_kernel_cannot_be_made():
    class Half(Form):
        def pack(self, jobs):
            pass

    with pytest.raises(TypeError, match="apply_signs, momentum_pack, nonfinite, signum_step, unpack, vote"):
        Half()


@pytest.fixture
def on_a_gpu(monkeypatch) -> None:
    """All arrays seem to lie on a GPU."""
    monkeypatch.setattr(forms, "_gpus", lambda: 1)
    for module in (forms, ballots):
        monkeypatch.setattr(module, "gpu_of", lambda array: array.context)
    yield
    forms.gpu.cache_clear()
    cuda.works.cache_clear()


def test_arrays_on_a_gpu_get_cuda_kernels(on_a_gpu, cuda_here):
    assert isinstance(forms.form_on(mx.cpu(0)), cuda.Cuda)
    assert kernels.pack([nd.array([1, -1, 0]), nd.array([-1])]).tolist() == [0b101, 0]
    assert kernels.nonfinite([nd.array([1]), nd.array([np.nan, 1]), nd.array([np.inf])]) == [1, 2]


@pytest.mark.parametrize("M", [1, 2, 3, 4, 7, 8, 100, 4095, 4096])
def test_ballots_on_a_gpu_are_counted_there(on_a_gpu, cuda_here, M):
    table = words((M, 37), seed=M)
    majority = kernels.vote(nd.array(table.view(np.int64), dtype=np.int64))
    assert np.array_equal(majority.asnumpy().view(np.uint64), reference.vote(table))


def test_where_cuda_kernels_do_not_run_expressions_do_and_it_is_said(on_a_gpu, monkeypatch):
    def refuse(*_, **__) -> None:
        raise mx.base.MXNetError("Traceback\nMXNetError: no NVRTC")

    monkeypatch.setattr(cuda, "_kernel", refuse)
    with pytest.warns(UserWarning, match=r"cpu\(0\) computes in NDArray expressions, since .*: MXNetError: no NVRTC"):
        assert isinstance(forms.form_on(mx.cpu(0)), Expressions)
    assert kernels.pack(nd.array([1, -1, 0])).tolist() == [0b101]
    table = words((3, 5))
    majority = kernels.vote(nd.array(table.view(np.int64), dtype=np.int64))
    assert np.array_equal(majority.asnumpy().view(np.uint64), reference.vote(table))


def test_kernels_that_compute_nonsense_are_not_used(on_a_gpu, cuda_here, monkeypatch):
    monkeypatch.setattr(cuda.Cuda, "pack", lambda self, jobs: None)
    assert cuda.works(mx.cpu(0)) == "pack gave 0 where 110 is right"


def test_cuda_kernels_take_what_their_signatures_say():
    single, half = np.dtype("float32"), np.dtype("float16")
    vote = "const int64_t *ballots, int64_t *result, int64_t n, int M, int offset, int top, int64_t ties"
    assert signature("vote", single, single) == vote
    assert signature("pack", half, half) == "const __half *x, int32_t *words, int64_t n, int64_t zeros"
    assert signature("apply_signs", half, half).endswith("const int32_t *words, int64_t n, float lr, float wd")
    assert signature("signum_step", single, half).startswith("float *weight, const __half *grad, float *mom, ")


def python(code: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )


def test_importing_the_package_imports_no_compiler():
    code = "import sys, gluonbook.kernels; sys.exit('numba' in sys.modules or 'llvmlite' in sys.modules)"
    done = python(code)
    assert done.returncode == 0, done.stderr


COUNTED = """
import numpy as np
from gluonbook import kernels
kernels.pack(np.ones(3))
from gluonbook.kernels import native
print(sum(native.pack.stats.cache_hits.values()), sum(native.pack.stats.cache_misses.values()))
"""


def test_what_was_compiled_is_kept(tmp_path: Path):
    first, second = (python(COUNTED, NUMBA_CACHE_DIR=str(tmp_path)).stdout.split() for _ in range(2))
    assert (first, second) == (["0", "1"], ["1", "0"])


def test_it_works_where_nothing_can_be_kept(tmp_path: Path):
    """A package folder and a home that cannot be written: every process compiles anew."""
    code = f"""
from numba.core import caching
caching.CacheImpl._locator_classes.clear()
{COUNTED.replace("print", "#")}
assert kernels.pack(np.ones(3)).tolist() == [7]
"""
    done = python(code)
    assert done.returncode == 0, done.stderr
