"""All engines: the same weights on every rank, and those of the local reference, bit for bit."""

from __future__ import annotations

from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from made_up import CASES, METHODS, trained

from gluonbook import launch
from repetitions import FULL

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("made_up.py")


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def run(folder: Path, engine: str, method: str, workers: int, cases: list, **options) -> None:
    """Train all cases in real processes."""
    launch.run([SCRIPT, engine, method, folder, *cases], workers=workers, engine=engine, quiet=True, **options)


def of_ranks(folder: Path, case: str, workers: int) -> list:
    """The weights that each rank has ended with."""
    return [list(np.load(folder / f"{case}-{workers}-{rank}.npz").values()) for rank in range(workers)]


def reference(method: str, case: str, workers: int) -> list:
    """What as many devices of one process give."""
    return trained(CASES[case], METHODS[method](), [mx.cpu(i) for i in range(workers)], range(workers), workers)


def same(expected: list, ranks: list) -> bool:
    """Whether all ranks have the expected weights, bit for bit."""
    return all(np.array_equal(a, b) for weights in ranks for a, b in zip(expected, weights))


def test_votes_of_one_to_eight_ranks_of_mpi_equal_the_reference(tmp_path):
    run(tmp_path, "mpi", "vote", 8, list(CASES))
    for workers in range(1, 9):
        for case in CASES:
            expected = reference("vote", case, workers)
            assert same(expected, of_ranks(tmp_path, case, workers)), (workers, case)


@pytest.mark.parametrize("workers", range(1, 9) if FULL else [2, 3])
def test_votes_over_pslite_equal_the_reference(tmp_path, workers):
    run(tmp_path, "pslite", "vote", workers, list(CASES), servers=1 + workers % 3)
    for case in CASES:
        assert same(reference("vote", case, workers), of_ranks(tmp_path, case, workers)), case


@pytest.mark.parametrize("method", ["mean", "feedback"])
def test_both_engines_give_all_ranks_the_same_means(tmp_path, method):
    cases, folders = ["plain", "long", "float16"], {}
    for engine in ("mpi", "pslite"):
        folders[engine] = tmp_path / engine
        folders[engine].mkdir()
        run(folders[engine], engine, method, 3, cases)
    for case in cases:
        expected, *others = of_ranks(folders["mpi"], case, 3)
        assert same(expected, others), case
        # Sums of three numbers, and the two engines may add them in another order.
        for weights in of_ranks(folders["pslite"], case, 3):
            for a, b in zip(expected, weights):
                np.testing.assert_allclose(a, b, rtol=0, atol=2e-3 if case == "float16" else 1e-6)
