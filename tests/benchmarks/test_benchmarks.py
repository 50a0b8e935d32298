"""The benchmarks: races, ratios, what counts as met, and that every row can be measured."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path

import cuda_on_host
import numpy as np
import pytest
from typer.testing import CliRunner

from gluonbook import paths
from gluonbook.cli import app
from gluonbook.study.results import only_writer

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def measure(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import measure

    return measure


def test_works_take_turns(measure):
    turns = []
    times = measure.race({name: lambda name=name: turns.append(name) for name in "ab"}, 3)
    assert turns == list("abababab")  # one round to warm up
    assert {name: len(seconds) for name, seconds in times.items()} == {"a": 3, "b": 3}


@pytest.mark.parametrize(
    ("ratios", "bound", "met"),
    [
        ([3.0, 4.0, 5.0], {"at_least": 4}, True),
        ([3.0, 3.9, 5.0], {"at_least": 4}, False),
        ([0.1, 0.2, 0.9], {"at_most": 0.2}, True),
        ([0.1, 0.21, 0.3], {"at_most": 0.2}, False),
    ],
)
def test_when_a_bound_is_met(measure, ratios, bound, met):
    row = measure.row("step", "peer", "1 array", np.ones(3), np.array(ratios), **bound)
    assert row.met is met
    assert row.median == ratios[1]


def test_every_row_of_the_kernels_can_be_measured(measure, monkeypatch):
    import kernel_rows

    monkeypatch.setattr(kernel_rows, "resnet50_shapes", lambda: [(3, 50), (70_000,)])
    rows = list(kernel_rows.rows(1))
    assert all(0 < row.lower <= row.median <= row.upper for row in rows)
    compared = [row for row in rows if row.against == "the same in 1 array"]
    alone = [row for row in rows if row not in compared]
    in_one, in_many = ([row.work for row in alone if row.parameters.endswith(end)] for end in ("1 array", "2 arrays"))
    assert in_one == in_many
    assert len(in_one + in_many) == len(alone)
    works = {"Signum step", "pack", "momentum_pack", "vote of 7", "apply_signs"}
    assert works <= set(in_one)
    assert {row.work for row in compared} == works | {"nonfinite"}
    assert {row.bound for row in compared} == {1.05}


def test_workers_race_from_barrier_to_barrier(measure, monkeypatch):
    import links

    happened, passed = [], iter(range(0, 1000, 10))
    monkeypatch.setattr(links, "received", lambda: next(passed))
    works = {name: lambda name=name: happened.append(name) for name in "ab"}
    results = links.raced(works, 2, lambda: happened.append("|"), prepare=lambda name: happened.append(name.upper()))
    assert "".join(happened) == "A|a|B|b|" * 3
    assert [len(found["seconds"]) for found in results.values()] == [2, 2]
    assert {name: found["bytes"] for name, found in results.items()} == {"a": [10, 10], "b": [10, 10]}


def test_resnet50_has_161_arrays(measure):
    import kernel_rows

    shapes = kernel_rows.resnet50_shapes()
    assert len(shapes) == 161
    assert sum(int(np.prod(shape)) for shape in shapes) == 25_557_032


def test_what_links_have_told_is_kept_as_rows(measure, monkeypatch):
    import network_rows

    from gluonbook.theory import costs

    copying = {"ns": 0.0}

    def race(engine, workers, millions, rounds, names, gigabits):
        """Seconds that obey the model, with α = 50 µs, the wire's β and γ = 1 ns, for a mean 0 or 10 ns."""
        d, wire = round(millions * 1e6), costs.AlphaBeta(50e-6, 8e-9 / gigabits, 1e-9)
        vote, mean = (formula(workers, d) for formula in (costs.vote_sharded, costs.mean_by_ring))
        taken = {
            "vote": wire.seconds(vote.messages, vote.total, workers * d),
            "mean": wire.seconds(mean.messages, mean.total, copying["ns"] * workers * d),
        }
        seconds = {name: taken.get(name, 0.1) for name in [*names, *network_rows.PARTS]}
        return network_rows.Race(
            {name: np.full(rounds, s) for name, s in seconds.items()}, {"vote": vote.total, "mean": mean.total}
        )

    monkeypatch.setattr(network_rows, "race", race)
    link = {(row.work, row.against): row for row in network_rows._on_link(4, 25.6, 2, 1)}
    assert link["exchange alone, by itself", "step of a vote"].milliseconds == 100
    # All bytes share the wire: 6/4 of 4 bytes less an eighth for each of 4 workers, whose bits take 1 ns each.
    border = 8e-9 * (4 * 6 / 4 * (4 - 1 / 8)) / 4e-9
    assert link["bandwidth up to which a vote is faster", "1 Gbit/s"].median == pytest.approx(border, abs=1e-3)
    copying["ns"] = 10.0  # now the mean's fixed cost is the larger one as well, and no bandwidth is the border
    assert not any("bandwidth" in row.work for row in network_rows._on_link(4, 25.6, 2, 1))

    rows = list(network_rows._model(2))
    fitted = {row.against: row.median for row in rows if row.work == "α–β model"}
    assert fitted["the point left out"] < 1e-6
    assert fitted["α, in µs a message"] == pytest.approx(50, rel=1e-2)
    assert (fitted["γ, in ns a parameter"], fitted["1/β, in Gbit/s"]) == pytest.approx((1, 1), rel=1e-3)
    paper = {(row.work, row.parameters.split(" workers")[0]): row for row in rows if row.work.startswith("on paper")}
    assert len(paper) == 4 * len(costs.METHODS)
    assert paper["on paper: float32, ring", "25.6 M, 64"].median > 5
    assert {row.median for (work, _), row in paper.items() if work == "on paper: vote, sharded"} == {1.0}
    assert all(np.isfinite(row.median) and row.milliseconds >= 0 for row in rows)


def test_the_command_keeps_what_it_prints(tmp_path):
    code = (
        f"import sys; sys.path.insert(0, {str(BENCHMARKS)!r}); import runpy, measure, step_rows\n"
        "step_rows.rows = lambda repeat: iter([measure.Row('a', 'b', 'c', 1.0, 1.0, 2.0, 3.0, 4, True)])\n"
        f"sys.argv = ['bench', 'steps', '--keep', {str(tmp_path / 'new/folders/kept.json')!r}]\n"
        f"runpy.run_path({str(BENCHMARKS)!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "0 of 1 bounds are met" in done.stdout
    kept = json.loads((tmp_path / "new/folders/kept.json").read_text())
    assert kept["rows"][0]["met"] is False
    assert {"date", "commit", "machine", "versions", "threads", "rounds"} <= set(kept)


# What `--keep` cannot be, and the words for it.
NO_FILES = {
    "": "it must be a path, got ''",
    "/proc/x/kept": "/proc/x cannot be written (",
    ".": ". cannot be written (it is no file)",
    str(Path(__file__) / "kept"): f"{__file__} cannot be written",
}


@pytest.mark.parametrize("words", [["kernels"], ["study", "mnist"]], ids=" ".join)
@pytest.mark.parametrize(("given", "said"), NO_FILES.items(), ids=NO_FILES)
def test_a_file_that_cannot_be_kept_is_named_before_anything_is_measured(
    measure, monkeypatch, capsys, words, given, said
):
    bench = runpy.run_path(str(BENCHMARKS))
    monkeypatch.setattr(sys, "argv", ["bench", *words, "--keep", given])
    with pytest.raises(SystemExit) as end:
        bench["main"]()
    assert end.value.code == 2
    assert f"argument --keep: {said}" in capsys.readouterr().err


def test_what_is_no_study_is_one_message(measure, monkeypatch, tmp_path):
    bench = runpy.run_path(str(BENCHMARKS))
    (tmp_path / "kept.jsonl").write_text("root:x:0:0\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["bench", "study", "mnist", "--keep", str(tmp_path / "kept.jsonl")])
    with pytest.raises(SystemExit, match=r"^gluonbook: .*kept\.jsonl, line 1: "):
        bench["main"]()


def test_an_unknown_part_is_refused():
    done = CliRunner().invoke(app, ["bench", "nonsense"])
    assert done.exit_code == 2


def test_the_command_outside_of_a_checkout(monkeypatch):
    monkeypatch.setattr(paths, "checkout", lambda: None)
    done = CliRunner().invoke(app, ["bench"])
    assert done.exit_code == 1
    assert "in the book's repository" in str(done.exception) + done.output


@pytest.fixture
def gpu_kernels(monkeypatch):
    """The benchmark of the CUDA kernels, which puts packages of its own in the place of ours."""
    with monkeypatch.context() as patch:
        for name in ("gluonbook", "gluonbook.kernels"):
            patch.setitem(sys.modules, name, sys.modules[name])
        patch.syspath_prepend(BENCHMARKS)
        import gpu_kernels

        yield gpu_kernels
    sys.modules.pop("gpu_kernels")


@pytest.mark.skipif(cuda_on_host.COMPILER is None, reason="no compiler for C++ (g++ or clang++) for CUDA sources")
def test_cuda_kernels_are_compared_with_the_reference(gpu_kernels, monkeypatch):
    monkeypatch.setattr(gpu_kernels, "cupy", cuda_on_host.NumpyAsCupy)
    for exact, grad in gpu_kernels.PAIRS:
        gpu_kernels.check(exact, grad, 321)
    for M in (7, 8):
        gpu_kernels.check_vote(M, 33)
    monkeypatch.setattr(gpu_kernels.reference, "unpack", lambda words, n, dtype: np.ones(n, dtype))
    with pytest.raises(RuntimeError, match=r"unpack of float32 with float32, 321 elements: element \d+ of 321 is -1"):
        gpu_kernels.check(gpu_kernels.SINGLE, gpu_kernels.SINGLE, 321)


@pytest.mark.parametrize(("given", "said"), NO_FILES.items(), ids=NO_FILES)
def test_a_file_that_cannot_be_kept_is_named_before_the_gpu_is_asked(gpu_kernels, monkeypatch, capsys, given, said):
    monkeypatch.setattr(sys, "argv", ["gpu_kernels.py", "--keep", given])
    with pytest.raises(SystemExit) as end:
        gpu_kernels.main()
    assert end.value.code == 2
    assert f"argument --keep: {said}" in capsys.readouterr().err


def test_the_kernels_on_a_gpu_need_nothing_but_numpy():
    """Besides CuPy and the standard library."""
    code = (
        f"import sys; sys.path.insert(0, {str(BENCHMARKS)!r}); import gpu_kernels\n"
        "print({name.partition('.')[0] for name in sys.modules} & {'mxnet', 'pooch', 'requests', 'scipy', 'filelock'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


def test_without_cupy_or_a_gpu_a_sentence_says_so(gpu_kernels, monkeypatch):
    monkeypatch.setattr(gpu_kernels, "cupy", None)
    monkeypatch.setattr(sys, "argv", ["gpu_kernels.py"])
    with pytest.raises(SystemExit, match=r"^The CUDA kernels are not measured: CuPy is not installed \(.*\)\.$"):
        gpu_kernels.main()


def test_a_study_is_continued_and_its_verdict_printed(tmp_path):
    code = (
        f"import sys; sys.path.insert(0, {str(BENCHMARKS)!r}); import runpy\n"
        "from gluonbook import study\n"
        "problem = study.Problem('digits', 'lenet', images=64, validation=40, test=50)\n"
        "method = study.Method('signSGD', 'signsgd', (0.001, 0.002))\n"
        "study.PLANS['mnist'] = study.Study(problem, (method,), 64, 1, 1, (0,))\n"
        f"sys.argv = ['bench', 'study', 'mnist', '--keep', {str(tmp_path / 'kept.jsonl')!r}]\n"
        f"runpy.run_path({str(BENCHMARKS)!r}, run_name='__main__')\n"
    )
    first, again = (subprocess.run([sys.executable, "-c", code], capture_output=True, text=True) for _ in range(2))
    assert first.returncode == again.returncode == 0, first.stderr + again.stderr
    assert "final: signSGD" in first.stdout
    assert "0 to do" in first.stdout
    assert "to do" not in again.stdout
    assert "signSGD" in again.stdout
    assert len((tmp_path / "kept.jsonl").read_text().splitlines()) == 1 + 1 + 3


def test_a_study_that_another_process_runs_is_a_sentence(tmp_path):
    words = [sys.executable, str(BENCHMARKS), "study", "mnist", "--keep", str(tmp_path / "kept.jsonl")]
    with only_writer(tmp_path / "kept.jsonl"):
        done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == (
        f"gluonbook: another process is running the study of {tmp_path / 'kept.jsonl'}: wait for it, or stop it\n"
    )


def test_an_unknown_study_is_refused_with_the_legal_ones(capfd):
    assert CliRunner().invoke(app, ["bench", "study", "imagenet"]).exit_code == 2
    said = capfd.readouterr().err
    assert "mnist" in said
    assert "cifar10" in said
