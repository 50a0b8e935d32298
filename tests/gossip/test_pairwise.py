"""Gossip in pairs: real processes that average when they like."""

from __future__ import annotations

import json
from pathlib import Path

import goals
import gossip_ranks
import mxnet as mx
import numpy as np
import pytest
from mpi4py import MPI
from mxnet import gluon, nd

from gluonbook import launch
from gluonbook.gossip import Pairwise, mixed
from gluonbook.gossip.graph import checked, complete
from gluonbook.gossip.weights import Weights

SIZE = 4
SCRIPT = Path(gossip_ranks.__file__)


# One process


def test_gossip_of_one_is_the_optimizer():
    net, trainer = goals.begun(None, 0.9)
    alone = goals.trained(net, trainer, 0, goals.STEPS)
    net, trainer = goals.begun(None, 0.9)
    with Pairwise(net.collect_params(), comm=MPI.COMM_SELF) as gossip:
        for _ in range(goals.STEPS):
            gossip.step(lambda: goals.trained(net, trainer, 0, 1))
        np.testing.assert_array_equal(gossip.weights, alone)
    assert gossip.averagings == 0


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_the_graph_of_all(size):
    assert checked(None, size) == complete(size)
    assert checked({np.int64(0): range(1, size)}, size) == {0: list(range(1, size))}


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        ({0: [1], 1: [2]}, ": rank 1 both asks and answers, and might wait for one that waits for it$"),
        ({0: [0, 1, 2]}, ": rank 0 both asks"),
        ({0: [1]}, ": rank 2 has no neighbour$"),
        ({0: [1], 2: []}, ": rank 2 has no neighbour$"),
        ({0: [1, 3]}, r", got \{0: \[1, 3\]\}$"),
        ({-1: [1]}, r", got \{-1: \[1\]\}$"),
        ({0: [1.5]}, r", got \{0: \[1\.5\]\}$"),
        ({0: 1}, r", got \{0: 1\}$"),
        ("ring", ", got 'ring'$"),
    ],
)
def test_what_is_no_graph_of_two_sides_is_refused(graph, reason):
    with pytest.raises(
        ValueError, match=r"^neighbours must say .*, of 3 ranks, such as \{0: \[1\], 2: \[1\]\}" + reason
    ):
        checked(graph, 3)


def parameter(**options):
    return gluon.Parameter("p", **{"shape": (2,), **options})


def ready(*ctx, **options):
    one = parameter(**options)
    one.initialize(ctx=list(ctx) or None)
    return one


@pytest.mark.parametrize(
    ("params", "message"),
    {
        lambda: [nd.zeros(3)]: r"^params must be parameters, as of net.collect_params\(\), got ",
        lambda: []: "^params hold nothing to train$",
        lambda: [ready(grad_req="null")]: "^params hold nothing to train$",
        lambda: [parameter()]: "^no values yet for p: initialize net",
        lambda: [ready(mx.cpu(0), mx.cpu(1))]: "^a rank has one device, and p are on several$",
        lambda: [ready(dtype="float16")]: "^parameters must be all float32 or all float64, got float16$",
        lambda: [
            ready(),
            ready(dtype="float64"),
        ]: "^parameters must be all float32 or all float64, got float32, float64$",
        lambda: [ready(stype="row_sparse")]: "^parameters must be dense, and p are not$",
    }.items(),
)
def test_what_cannot_gossip_is_refused(params, message):
    with pytest.raises(ValueError, match=message):
        Pairwise(params(), comm=MPI.COMM_SELF)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_are_one_vector_of_their_own_type_to_the_last_bit(dtype):
    parameters = [ready(shape=(2, 3), dtype=dtype), ready(grad_req="null", dtype=dtype), ready(shape=(4,), dtype=dtype)]
    weights, vector = Weights(parameters), np.random.RandomState(0).normal(size=10).astype(dtype)
    still = parameters[1].data().asnumpy()
    weights.write(vector)
    assert weights.read().dtype == dtype
    np.testing.assert_array_equal(weights.read(), vector)
    np.testing.assert_array_equal(parameters[0].data().asnumpy(), vector[:6].reshape(2, 3))
    np.testing.assert_array_equal(parameters[1].data().asnumpy(), still)


# Processes


def run(folder, *cases, **options):
    return launch.run([SCRIPT, folder, *cases], workers=SIZE, quiet=True, deadline=60, **options)


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict:
    """What each case has found, a list of the ranks; that the run ends well says that no message was left over."""
    folder = tmp_path_factory.mktemp("gossip")
    done = run(folder, *gossip_ranks.CASES, env={"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"})
    assert set(done.codes.values()) == {0}
    return {
        case: [json.loads((folder / f"{case}-{rank}.json").read_text(encoding="utf-8")) for rank in range(SIZE)]
        for case in gossip_ranks.CASES
    }


def column(of_ranks: list, name: str) -> np.ndarray:
    return np.array([one[name] for one in of_ranks])


@pytest.mark.slow
def test_averagings_keep_the_sum_exactly(found):
    ranks = found["averaging"]
    np.testing.assert_array_equal(column(ranks, "sum").sum(axis=0), column(ranks, "start").sum(axis=0))
    assert column(ranks, "sum averagings")[[0, 2]].tolist() == [6, 6]
    assert column(ranks, "sum averagings")[[1, 3]].sum() == 12


@pytest.mark.slow
def test_averagings_bring_ranks_together(found):
    ranks = found["averaging"]
    start, end = np.ptp(column(ranks, "start"), axis=0), np.ptp(column(ranks, "together"), axis=0)
    assert end.max() < 1e-3 * start.max()


@pytest.mark.slow
def test_the_net_is_the_box_at_the_end(found):
    for name in ("sum", "together"):
        np.testing.assert_array_equal(column(found["averaging"], name), column(found["averaging"], f"{name} parameter"))


@pytest.mark.slow
def test_a_rank_that_is_done_answers_until_all_are(found):
    for name, steps in (("few answer", 40), ("few ask", 3)):
        averagings = column(found["uneven"], name)
        assert averagings[[0, 2]].tolist() == [steps, steps]
        assert averagings[[1, 3]].sum() == 2 * steps


@pytest.mark.slow
def test_a_slow_rank_slows_none(found):
    """All others take 30 steps while it is in its first, or the run would not end well; they asked it, too."""
    asks, answers = column(found["straggler"], "asks"), column(found["straggler"], "answers")
    assert asks[[0, 2]].tolist() == [1, 30]
    assert answers[[0, 2]].tolist() == [30, 30]
    assert answers[1] > 10


@pytest.mark.slow
@pytest.mark.parametrize(("name", "slow"), [("asks", 0), ("answers", 1)])
def test_who_waits_or_answers_sleeps_meanwhile(found, name, slow):
    """The share of a processor that the slow rank takes: its thread answers, and its step only sleeps."""
    assert found["straggler"][slow][f"{name} busy"] < 0.3


@pytest.mark.slow
def test_what_is_loaded_is_what_was_saved(found):
    for rank, one in enumerate(found["training"]):
        assert one["saved"] == one["still"] == one["loaded"], rank
        assert one["saved"]["box"] == one["saved"]["net"]
        assert one["later"]["box"] != one["saved"]["box"]
        if rank % 2 == 0:  # it asks, once a step; the others are asked as it comes
            assert one["later"]["averagings"] > one["saved"]["averagings"] > 0


@pytest.mark.slow
def test_they_learn(found):
    assert min(column(found["training"], "accuracy")) > 0.85
    assert column(found["training"], "spread").max() < 0.2


@pytest.mark.slow
def test_what_does_not_fit_together_is_refused_by_all(found):
    for one in found["refusals"]:
        assert one["seeds"].startswith("ValueError: ranks must gossip alike, got rank 0-1: gossip of 40 weights")
        assert "rank 3: gossip of 5 weights of float32 in 1 parameters" in one["shapes"]
        assert "rank 0-1: " in one["graphs"] and "neighbours={0: [3], 2: [1, 3]}" in one["graphs"]
        assert one["loud"] == "RuntimeError: a checkpoint needs gossip.quiet()"
        assert one["quiet"] == "RuntimeError: a step cannot be in gossip.quiet()"
        assert one["twice"] == "RuntimeError: quiet() cannot be in gossip.quiet()"
        assert one["closed"] == "RuntimeError: a step after close(): make another Pairwise"
    first = found["refusals"][0]
    assert first["nan"] == "FloatingPointError: the step of rank 0 is not finite, and would spread: it was not taken"
    assert first["kept"]


@pytest.mark.slow
def test_the_stores_in_processes_are_the_loop(found):
    ring = lambda x, t: (np.roll(x, 1, axis=0) + x + np.roll(x, -1, axis=0)) / np.float32(3)  # noqa: E731
    for name, mix in {"rounds": lambda x, t: mixed(x, 7, t), "ring": ring}.items():
        np.testing.assert_array_equal(column(found["stores"], name).astype(np.float32), goals.loop(SIZE, mix))


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1], ids=["one that asks", "one that answers"])
def test_a_killed_rank_ends_the_run_and_is_named(tmp_path, victim):
    with pytest.raises(
        launch.LaunchFailed, match=rf"^rank {victim} was killed by SIGKILL \(signal 9\) \(in step 1\d\)"
    ):
        run(tmp_path, "kill", victim)
