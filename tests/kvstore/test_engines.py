"""All engines: the same weights on every rank, and those of the local reference, bit for bit."""

from __future__ import annotations

from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from made_up import CASES, trained

from gluonbook import kvstore, launch

SCRIPT = Path(__file__).with_name("made_up.py")
ENGINES = {"mpi": "MPI", "pslite": "PSLite"}


def weights_of_ranks(folder: Path, engine: str, method: str, workers: int, cases: list, **options) -> dict:
    """The weights by case, one list of arrays a rank."""
    arguments = [SCRIPT, f"{ENGINES[engine]}{method}", folder, *cases]
    launch.run(arguments, workers=workers, engine=engine, quiet=True, deadline=60, **options)
    files = {case: [np.load(folder / f"{case}-{rank}.npz") for rank in range(workers)] for case in cases}
    return {case: [list(file.values()) for file in ranks] for case, ranks in files.items()}


def reference(method: str, case: str, workers: int) -> list:
    """What as many devices of one process give."""
    store = getattr(kvstore, f"Local{method}")()
    return trained(CASES[case], store, [mx.cpu(i) for i in range(workers)], range(workers), workers)


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_vote_equals_the_reference_bit_for_bit(tmp_path, engine, workers):
    found = weights_of_ranks(tmp_path, engine, "VoteStore", workers, list(CASES))
    for case, ranks in found.items():
        expected = reference("VoteStore", case, workers)
        for rank, weights in enumerate(ranks):
            assert all(np.array_equal(a, b) for a, b in zip(expected, weights)), (case, rank)


def test_several_servers_share_a_vote(tmp_path):
    cases = ["plain", "long"]
    found = weights_of_ranks(tmp_path, "pslite", "VoteStore", 3, cases, servers=3)
    for case in cases:
        expected = reference("VoteStore", case, 3)
        assert all(np.array_equal(a, b) for weights in found[case] for a, b in zip(expected, weights)), case


@pytest.mark.parametrize("method", ["MeanStore", "ErrorFeedbackStore"])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_other_methods_agree_on_all_ranks(tmp_path, engine, method):
    cases = ["plain", "long", "float16"]
    found = weights_of_ranks(tmp_path, engine, method, 3, cases)
    for case, ranks in found.items():
        assert all(np.array_equal(a, b) for weights in ranks for a, b in zip(ranks[0], weights)), case
