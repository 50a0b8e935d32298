"""Studies: equal budgets, choices that never look at the test set, files from which nothing is lost."""

from __future__ import annotations

import json
import multiprocessing
from dataclasses import replace

import numpy as np
import pytest

from gluonbook import study
from gluonbook.study import Method, Problem, Results, Setting, Study, Trial, results, runner
from gluonbook.study.plan import TUNING_SEED
from gluonbook.study.plans import spaced
from gluonbook.training import Epoch, History

PROBLEM = Problem("digits", "lenet", images=64, validation=40, test=50, batch_size=32)
SGD = Method("SGD", "sgd", (0.01, 0.1), (0.0, 0.9))
SIGN = Method("signSGD", "signsgd", (0.001, 0.002, 0.004, 0.01))
PLAN = Study(PROBLEM, (SGD, SIGN), tuning_images=32, tuning_epochs=1, epochs=2, seeds=(0, 1))


def history(*accuracies: float, loss: float = 0.5) -> History:
    rows = [Epoch(i, i, loss, a, loss, a, 1.0, 1.0) for i, a in enumerate(accuracies, 1)]
    return History(rows)


def filled(plan: Study = PLAN, final: int = 2, **changed: History) -> Results:
    """Results with made-up runs: the tuning, whose later settings are better, and the final runs of the first seeds."""
    made = Results(plan)
    made.open_session("made up")
    for i, trial in enumerate(plan.tuning_trials()):
        made.add(trial, changed.get(f"run{i}", history(0.5 + i / 100)))
    for trial in plan.final_trials({m.name: made.best(m.name) for m in plan.methods}):
        if plan.seeds.index(trial.seed) < final:
            made.add(trial, history(0.6, (0.7, 0.8)[trial.seed]))
    return made


def test_a_grid_is_every_step_size_with_every_beta():
    assert SGD.settings() == [(0.01, 0.0), (0.01, 0.9), (0.1, 0.0), (0.1, 0.9)]
    assert SIGN.settings()[0] == (0.001, None)
    assert SGD.options(Setting(0.1, 0.9)) == {"learning_rate": 0.1, "momentum": 0.9}
    assert SIGN.options(Setting(0.1, None)) == {"learning_rate": 0.1}


def test_nobody_gets_a_larger_budget():
    with pytest.raises(ValueError, match=r"as many settings.*'SGD': 4, 'signSGD': 3"):
        replace(PLAN, methods=(SGD, replace(SIGN, lrs=SIGN.lrs[:3])))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"seeds": ()}, "one seed or more"),
        ({"seeds": (1, 1)}, "none twice"),
        ({"methods": ()}, "one method or more"),
        ({"methods": (SGD, SGD)}, "none twice"),
        ({"seeds": (TUNING_SEED,)}, "from 0 to 999"),
        ({"tuning_images": 65}, "from 1 to 64, got 65"),
        ({"epochs": 0}, "epochs must be a whole number from 1"),
    ],
)
def test_a_study_that_makes_no_sense_is_refused(changed, named):
    with pytest.raises(ValueError, match=named):
        replace(PLAN, **changed)


def test_problems_name_what_there_is():
    with pytest.raises(ValueError, match=r"'mnits'; there are digits, mnist"):
        replace(PROBLEM, data="mnits")
    with pytest.raises(ValueError, match=r"'alexnet'; there are lenet"):
        replace(PROBLEM, net="alexnet")
    with pytest.raises(ValueError, match=r"1,500 images in its train part; 1,540"):
        replace(PROBLEM, images=1500).load()
    with pytest.raises(ValueError, match=r"297 images in its test part; 298"):
        replace(PROBLEM, test=298).load()


def test_the_parts_do_not_overlap_and_are_standardised():
    data = replace(PROBLEM, images=1000, validation=500).load()
    everything = np.concatenate([data.train[:][0], data.validation[:][0]])
    assert len(np.unique(everything.reshape(1500, -1), axis=0)) == 1500
    X, _ = data.train[:]
    assert X.dtype == np.float32
    assert abs(X.mean()) < 1e-3
    assert abs(X.std() - 1) < 1e-3
    assert len(data.training_set(10)) == 10


def test_augmented_images_are_pieces_of_the_framed_image():
    x = np.arange(1.0, 65.0, dtype=np.float32).reshape(1, 8, 8)
    framed = np.pad(x, ((0, 0), (4, 4), (4, 4)))
    pieces = [framed[:, i : i + 8, j : j + 8] for i in range(9) for j in range(9)]
    pieces += [piece[:, :, ::-1] for piece in pieces]
    np.random.seed(0)
    seen = {study.problem.shifted_and_mirrored(x).tobytes() for _ in range(300)}
    assert seen <= {np.ascontiguousarray(piece).tobytes() for piece in pieces}
    assert len(seen) > 80


def test_augmentation_is_for_training_alone():
    data = replace(PROBLEM, augment=True).load()
    train = data.training_set(64)
    drawn = {train[0][0].tobytes() for _ in range(50)}
    assert len(drawn) > 10
    assert np.array_equal(data.test[0][0], data.test[0][0])
    assert data.test[0][0].shape == (1, 8, 8)


def test_final_runs_go_seed_by_seed():
    best = {"SGD": Setting(0.1, 0.9), "signSGD": Setting(0.01, None)}
    assert [(trial.seed, trial.method) for trial in PLAN.final_trials(best)] == [
        *((0, "SGD"), (0, "signSGD"), (1, "SGD"), (1, "signSGD")),
    ]


def test_the_best_setting_is_that_with_the_highest_accuracy_then_the_lowest_loss():
    made = filled(run1=history(0.9, loss=0.4), run2=history(0.9, loss=0.3), run3=History())
    assert made.best("SGD") == (0.1, 0.0)
    assert made.best("signSGD") == (0.01, None)
    grid = made.tuning("SGD")
    assert grid.shape == (2, 2)
    assert np.isnan(grid[1, 1]), "a training that broke down"
    assert made.tuning("signSGD").shape == (4, 1)


def test_worse_than_a_guess_is_broken_down():
    made = filled(run0=history(0.4, loss=np.log(10) + 0.01), run1=history(0.4, loss=np.log(10) - 0.01))
    assert np.isnan(made.tuning("SGD")).tolist() == [[True, False], [False, False]]


def test_a_method_that_breaks_down_everywhere_has_no_best_setting():
    made = Results(PLAN)
    made.open_session("made up")
    for trial in PLAN.tuning_trials():
        made.add(trial, History())
    with pytest.raises(ValueError, match="SGD: no setting of its grid"):
        made.best("SGD")


def test_tuning_that_is_not_complete_chooses_nothing():
    made = Results(PLAN)
    made.open_session("made up")
    made.add(next(PLAN.tuning_trials()), history(0.9))
    with pytest.raises(ValueError, match=r"SGD is not complete: 3 of 4"):
        made.best("SGD")
    with pytest.raises(ValueError, match=r"'Adam' in this study; there are SGD, signSGD"):
        made.tuning("Adam")
    assert made.missing() == 11
    assert made.seeds() == []
    with pytest.raises(ValueError, match="11 runs are missing"):
        made.outcomes()


def test_only_seeds_with_all_methods_are_compared():
    made = filled(final=1)
    assert made.seeds() == [0]
    assert made.curves("SGD", "test_accuracy").tolist() == [[0.6, 0.7]]
    made = filled()
    assert made.curves("SGD", "test_accuracy").tolist() == [[0.6, 0.7], [0.6, 0.8]]
    assert made.missing() == 0


def test_the_verdict_says_where_a_grid_was_too_narrow():
    made = filled()
    sgd, sign = made.outcomes()
    assert sign.at_edge
    assert sgd.mean == pytest.approx(0.75)
    assert sgd.deviation == pytest.approx(np.std([0.7, 0.8], ddof=1))
    row = str(made.verdict()).splitlines()[3].strip("|").split("|")
    assert [cell.strip() for cell in row] == [
        *("signSGD", "0.01 (at the edge)", "none", "0 of 4", "57.00%", "70.00%, 80.00%", "75.00% ± 7.07%")
    ]


def test_a_notebook_shows_the_verdict_as_a_table():
    html = filled().verdict()._repr_html_()
    assert html.count("<tr>") == 3
    assert '<th scope="row">signSGD</th><td>0.01 (at the edge)</td><td>none</td>' in html


def test_a_run_trains_and_is_the_same_again():
    trial = Trial("tuning", "SGD", Setting(0.1, 0.9), TUNING_SEED)
    data = PROBLEM.load()
    first, again = (runner.train(PLAN, trial, data) for _ in range(2))
    assert first == again
    assert len(first) == 1
    final = runner.train(PLAN, trial._replace(stage="final", seed=0), data)
    assert len(final) == 2
    assert final.rows[-1].steps == 4, "final runs take all training images"


def test_tuning_is_judged_by_validation_and_final_runs_by_the_test_set(monkeypatch):
    seen = []
    monkeypatch.setattr(runner, "fit", lambda *_, test, **options: seen.append(len(test)))
    for stage in ("tuning", "final"):
        runner.train(PLAN, Trial(stage, "SGD", Setting(0.1, 0.9), 0), PROBLEM.load())
    assert seen == [40, 50]


def test_methods_start_from_the_same_weights():
    data = PROBLEM.load()
    still = replace(PLAN, methods=(replace(SGD, lrs=(1e-12,), betas=(0.0,)), replace(SIGN, lrs=(1e-12,))))
    losses = [
        runner.train(still, Trial("final", m.name, m.settings()[0], 0), data).rows[0].test_loss for m in still.methods
    ]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_a_loss_that_is_not_finite_is_a_result():
    plan = replace(PLAN, methods=(Method("SGD", "sgd", (1e38,), (0.0,)),))
    assert len(runner.train(plan, Trial("final", "SGD", Setting(1e38, 0.0), 0), PROBLEM.load())) < 2


def test_results_survive_the_file(tmp_path):
    made = filled(run3=History())
    made.save(tmp_path / "made.jsonl")
    loaded = Results.load(tmp_path / "made.jsonl")
    assert loaded == made
    for word in ("8 runs of tuning, 4 final runs (seeds 0, 1)", "commit", "command: made up", "mxnet 1.9.1", "cores"):
        assert word in loaded.provenance()


def lines(made: Results, path) -> list[dict]:
    made.save(path)
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda found: found.pop(0), "line 1: ValueError: the first line"),
        (lambda found: found[0].update(format=2), "line 1: ValueError: the first line"),
        (lambda found: found[0]["study"].pop("seeds"), "line 1: ValueError: a study has"),
        (lambda found: found[0]["study"].update(seeds=[0, 0]), "line 1: ValueError: .*none twice"),
        (lambda found: found[1].pop("commit"), "line 2: ValueError: a session has"),
        (lambda found: found[1].update(session=3), "line 2: ValueError: sessions must be numbered"),
        (lambda found: found[3].update(lr=0.7), "line 4: ValueError: .*not in the study's grid"),
        (lambda found: found[3].update(method="Adam"), "line 4: ValueError: no method 'Adam'"),
        (lambda found: found[3].update(stage="third"), "line 4: ValueError: no stage 'third'"),
        (lambda found: found[3].update(in_session=1), "line 4: ValueError: no session 1"),
        (lambda found: found[3].pop("history"), "line 4: KeyError: 'history'"),
        (lambda found: found[3].update(history=[{"epoch": 1}]), "line 4: ValueError: not a history"),
        (lambda found: found.append(found[-1]), "line 15: ValueError: .*a second time"),
        (lambda found: found.append([]), "line 15: "),
    ],
)
def test_a_file_that_is_not_right_is_refused_by_its_line(tmp_path, spoil, told):
    path = tmp_path / "made.jsonl"
    found = lines(filled(), path)
    spoil(found)
    path.write_text("".join(json.dumps(line) + "\n" for line in found))
    with pytest.raises(ValueError, match=f"made.jsonl, {told}"):
        Results.load(path)


def test_a_cut_or_empty_file_is_refused(tmp_path):
    path = tmp_path / "made.jsonl"
    filled().save(path)
    path.write_text(path.read_text()[:-20])
    with pytest.raises(ValueError, match="line 14: JSONDecodeError"):
        Results.load(path)
    path.write_text("")
    with pytest.raises(ValueError, match="is empty"):
        Results.load(path)


def test_a_study_goes_on_where_it_stopped(tmp_path, monkeypatch):
    path, done = tmp_path / "kept" / "made.jsonl", []

    def train(plan, trial, data):
        if len(done) == 5:
            raise KeyboardInterrupt
        done.append(trial)
        return history(*[0.5] * (1 if trial.stage == "tuning" else 2))

    monkeypatch.setattr(runner, "train", train)
    with pytest.raises(KeyboardInterrupt):
        study.run(PLAN, path)
    assert len(Results.load(path).runs) == 5
    done.insert(0, None)
    told = []
    whole = study.run(PLAN, path, command="again", report=told.append)
    assert whole == Results.load(path)
    assert whole.missing() == 0
    assert len(set(done[1:])) == len(done) - 1 == 12, "no run was done twice"
    assert [len([run for run in whole.runs.values() if run.session == s]) for s in (0, 1)] == [5, 7]
    assert len(told) == 7
    assert "1 to do" in told[-2]
    monkeypatch.setattr(runner, "train", lambda *_: pytest.fail("a complete study has nothing to do"))
    assert study.run(PLAN, path) == whole


def test_a_file_of_another_study_is_refused(tmp_path):
    filled().save(tmp_path / "made.jsonl")
    with pytest.raises(ValueError, match="another study"):
        study.run(replace(PLAN, epochs=3), tmp_path / "made.jsonl")


def _hold(path, ready, go):
    with results.only_writer(path):
        ready.set()
        go.wait(60)


def test_two_processes_do_not_write_to_one_file(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, go = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path / "made.jsonl", ready, go))
    other.start()
    try:
        assert ready.wait(60)
        with pytest.raises(RuntimeError, match="another process"):
            study.run(PLAN, tmp_path / "made.jsonl")
    finally:
        go.set()
        other.join(60)


def test_step_sizes_are_evenly_spaced():
    assert spaced(1e-4, 1e-2, 5) == (0.0001, 0.00032, 0.001, 0.0032, 0.01)
    assert spaced(0.1, 1, 1) == (0.1,)


@pytest.mark.parametrize("name", list(study.PLANS))
def test_stored_results_are_of_the_plan_of_their_name(name):
    kept = study.stored(name)
    assert kept.study == study.PLANS[name]
    assert kept.tuned()
    assert all("dirty" not in session["commit"] for session in kept.sessions)


def test_outside_of_the_repository_there_are_no_stored_results(monkeypatch):
    monkeypatch.setattr(results.paths, "checkout", lambda: None)
    with pytest.raises(FileNotFoundError, match="the book's repository"):
        study.stored("mnist")
