"""Studies: equally fine grids, choices that never look at the test set, files from which nothing is lost."""

from __future__ import annotations

import json
import multiprocessing
import re
from dataclasses import replace

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon

from gluonbook import study
from gluonbook.study import Method, Problem, Results, Setting, Study, Trial, results, runner
from gluonbook.study.plan import REFINING_SEEDS, TUNING_SEED
from gluonbook.study.plans import spaced
from gluonbook.training import Epoch, History

PROBLEM = Problem("digits", "lenet", images=64, validation=40, test=50, batch_size=32)
SGD = Method("SGD", "sgd", (0.01, 0.1), (0.0, 0.9))
SIGN = Method("signSGD", "signsgd", (0.001, 0.01))
PLAN = Study(PROBLEM, (SGD, SIGN), tuning_images=32, tuning_epochs=1, epochs=2, seeds=(0, 1))


def history(*accuracies: float, loss: float = 0.5) -> History:
    rows = [Epoch(i, i, loss, a, loss, a, 1.0, 1.0) for i, a in enumerate(accuracies, 1)]
    return History(rows)


CLOSER = replace(PLAN, closer=2)


def filled(plan: Study = PLAN, final: int = 2, **changed: History) -> Results:
    """Results with made-up runs: the tuning, whose later settings are better, and the final runs of the first seeds."""
    made = Results(plan)
    made.open_session("made up")
    for i, trial in enumerate(plan.tuning_trials()):
        made.add(trial, changed.get(f"run{i}", history(0.5 + i / 100)))
    for method in plan.methods:
        for i, trial in enumerate(made.refining(method.name)):
            made.add(trial, changed.get(f"closer{i}", history(0.8 - i / 100)))
    for trial in plan.final_trials({m.name: made.best(m.name) for m in plan.methods}):
        if plan.seeds.index(trial.seed) < final:
            made.add(trial, history(0.6, (0.7, 0.8)[trial.seed]))
    return made


def test_a_grid_is_every_step_size_with_every_beta():
    assert SGD.settings() == [(0.01, 0.0), (0.01, 0.9), (0.1, 0.0), (0.1, 0.9)]
    assert SIGN.settings()[0] == (0.001, None)
    assert SGD.options(Setting(0.1, 0.9)) == {"learning_rate": 0.1, "momentum": 0.9}
    assert SIGN.options(Setting(0.1, None)) == {"learning_rate": 0.1}


def test_where_an_optimizer_adds_gradients_up_lr_is_that_of_the_whole_push():
    heavy = replace(SGD, sums=True)
    assert heavy.options(Setting(0.1, 0.9)) == {"learning_rate": pytest.approx(0.01), "momentum": 0.9}
    assert heavy.options(Setting(0.1, 0.0))["learning_rate"] == 0.1


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
def test_a_constant_gradient_moves_sgd_equally_far_whatever_its_beta(beta):
    sgd = study.methods()[0]
    x = gluon.Parameter("x", shape=1)
    x.initialize(mx.init.Zero())
    trainer = gluon.Trainer({"x": x}, sgd.optimizer, sgd.options(Setting(0.1, beta)))
    for _ in range(200):
        before = x.data().asscalar()
        with autograd.record():
            pushed = x.data() * 1  # its gradient is 1
        pushed.backward()
        trainer.step(1)
    assert before - x.data().asscalar() == pytest.approx(0.1, rel=1e-3)


def test_nobody_gets_more_step_sizes_or_finer_ones():
    with pytest.raises(ValueError, match=r"as far apart, got .*'signSGD': '1 step sizes from 0.001 to 0.001'"):
        replace(PLAN, methods=(SGD, replace(SIGN, lrs=SIGN.lrs[:1])))
    with pytest.raises(ValueError, match=r"as far apart, got .*'signSGD': '2 step sizes from 0.001 to 0.002'"):
        replace(PLAN, methods=(SGD, replace(SIGN, lrs=(0.001, 0.002))))
    with pytest.raises(ValueError, match=r"has a beta must get as many as every other, got .*'other': 1"):
        replace(PLAN, methods=(SGD, replace(SGD, name="other", betas=(0.5,))))
    for methods in (study.methods(), study.methods(3, (0.9,))):
        assert replace(PLAN, methods=methods).methods == methods


def test_a_closer_look_lies_between_the_neighbours_of_the_best():
    assert SGD.ratio == pytest.approx(10)
    around = SGD.around(Setting(0.1, 0.9), 1)
    assert around == [(0.0316, 0.9), (0.1, 0.9), (0.316, 0.9)]
    trials = CLOSER.refining_trials("signSGD", Setting(0.01, None))
    assert [trial.setting.lr for trial in trials[::2]] == [0.00215, 0.00464, 0.01, 0.0215, 0.0464]
    assert {trial.seed for trial in trials} == set(REFINING_SEEDS)
    assert PLAN.refining_trials("signSGD", Setting(0.01, None)) == []


def test_around_a_single_step_size_there_is_nothing_closer():
    plan = replace(PLAN, methods=study.methods(1, (0.9,)), closer=1)
    made = filled(plan)
    assert len(made.refining("Adam")) == len(set(made.refining("Adam"))) == len(REFINING_SEEDS)
    assert Results(plan).missing() == len(made.runs) == 4 * (1 + 2 + 2)
    assert made.missing() == 0


@pytest.mark.parametrize("changed", [{"lrs": (0.1, 0.01, 0.1)}, {"betas": (0.9, 0.9)}])
def test_a_grid_holds_each_value_once(changed):
    ((name, values),) = changed.items()
    with pytest.raises(ValueError, match=rf"^SGD: {name} must hold each value once, got {re.escape(str(values))}$"):
        replace(SGD, **changed)


def test_the_closer_look_decides_by_the_mean_over_its_seeds():
    """Of accuracies .80 and .79, .78 and .77, … the first two are the best; until one of their runs is bad."""
    made = filled(CLOSER)
    assert made.best_of_grid("SGD") == (0.1, 0.9)
    assert made.best("SGD") == (0.0215, 0.9)
    assert made.outcomes()[0].validation == pytest.approx(0.795)
    made = filled(CLOSER, closer1=history(0.7))
    assert made.best("SGD") == (0.0464, 0.9)
    assert filled(CLOSER, closer1=History()).best("SGD") == (0.0464, 0.9), "broke down under one seed"
    assert made.missing() == 0


def test_final_runs_wait_for_the_closer_look():
    made = Results(CLOSER)
    made.open_session("made up")
    for i, trial in enumerate(CLOSER.tuning_trials()):
        made.add(trial, history(0.5 + i / 100))
    assert not made.tuned()
    assert made.missing() == 2 * 10 + 2 * 2
    with pytest.raises(ValueError, match=r"SGD is not complete: 10 of 10"):
        made.best("SGD")


def test_final_runs_train_on_the_validation_images_as_well():
    data = PROBLEM.load()
    both = data.training_set()
    assert len(both) == PROBLEM.images + PROBLEM.validation
    assert np.array_equal(both[len(both) - 1][0], data.validation[len(data.validation) - 1][0])
    assert len(data.training_set(10)) == 10


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
        ({"closer": -1}, "closer must be a whole number from 0"),
        ({"closer": 300}, r"SGD: closer=300 .* around lr = 0\.01 .* three digits: choose a smaller one"),
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
    plain = PROBLEM.load()
    for part in ("validation", "test"):
        assert np.array_equal([x for x, _ in getattr(data, part)], [x for x, _ in getattr(plain, part)])


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
    assert made.tuning("signSGD").shape == (2, 1)


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
    assert made.missing() == 9
    assert made.seeds() == []
    with pytest.raises(ValueError, match="9 runs are missing"):
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
        *("signSGD", "75.00% ± 7.07%", "0.01 (at the edge)", "none", "0 of 2", "55.00%", "70.00%, 80.00%")
    ]


def test_the_verdict_names_a_final_run_that_broke_down():
    made = filled(final=1)
    made.add(Trial("final", "SGD", made.best("SGD"), 1), history(0.6))
    made.add(Trial("final", "signSGD", made.best("signSGD"), 1), history(0.6, 0.8))
    sgd, sign = made.verdict().rows
    assert sgd[1] == "broke down" and sgd[-1] == "70.00%, broke down"
    assert sign[1] == "75.00% ± 7.07%"
    assert filled(final=1).verdict().rows[0][1] == "70.00%"


def test_a_notebook_shows_the_verdict_as_a_table():
    html = filled().verdict()._repr_html_()
    assert html.count("<tr>") == 3
    assert "<td>0.01 (at the edge)</td><td>none</td>" in html


def test_a_run_trains_and_is_the_same_again():
    trial = Trial("tuning", "SGD", Setting(0.1, 0.9), TUNING_SEED)
    data = PROBLEM.load()
    first, again = (runner.train(PLAN, trial, data) for _ in range(2))
    assert first == again
    assert len(first) == 1
    final = runner.train(PLAN, trial._replace(stage="final", seed=0), data)
    assert len(final) == 2
    assert final.rows[-1].steps == 2 * 4, "final runs take all training images, and those of validation"


def test_tuning_is_judged_by_validation_and_final_runs_by_the_test_set(monkeypatch):
    seen = []
    monkeypatch.setattr(runner, "fit", lambda *_, test, **options: seen.append(len(test)) or History())
    for stage in ("tuning", "refining", "final"):
        runner.train(PLAN, Trial(stage, "SGD", Setting(0.1, 0.9), 0), PROBLEM.load())
    assert seen == [40, 40, 50]


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
    for word in ("6 runs of tuning, 4 final runs (seeds 0, 1)", "commit", "command: made up", "mxnet 1.9.1", "cores"):
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
        (lambda found: found[-1].update(lr=0.7), "line 12: ValueError: .*not in the study's grid"),
        (lambda found: found.append(found[-1]), "line 13: ValueError: .*a second time"),
        (lambda found: found.append([]), "line 13: "),
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
    with pytest.raises(ValueError, match="line 12: JSONDecodeError"):
        Results.load(path)
    path.write_text("")
    with pytest.raises(ValueError, match="is empty"):
        Results.load(path)


def test_a_study_goes_on_where_it_stopped(tmp_path, monkeypatch):
    path, done = tmp_path / "kept" / "made.jsonl", []

    def train(plan, trial, data, checkpoints):
        if len(done) == 5:
            raise KeyboardInterrupt
        done.append(trial)
        return history(*[0.5] * (2 if trial.stage == "final" else 1))

    monkeypatch.setattr(runner, "train", train)
    with pytest.raises(KeyboardInterrupt):
        study.run(CLOSER, path)
    assert len(Results.load(path).runs) == 5
    done.insert(0, None)
    told = []
    whole = study.run(CLOSER, path, command="again", report=told.append)
    assert whole == Results.load(path)
    assert whole.missing() == 0
    assert len(set(done[1:])) == len(done) - 1 == 6 + 20 + 4, "no run was done twice"
    assert [len([run for run in whole.runs.values() if run.session == s]) for s in (0, 1)] == [5, 25]
    assert len(told) == 25
    assert "1 to do" in told[-2]
    monkeypatch.setattr(runner, "train", lambda *_: pytest.fail("a complete study has nothing to do"))
    assert study.run(CLOSER, path) == whole


def test_a_final_run_goes_on_at_its_last_epoch(tmp_path, monkeypatch):
    """Stopped after the first of two epochs; and what was kept of it is gone when it is done."""
    path, kept = tmp_path / "made.jsonl", tmp_path / "made.jsonl.unfinished"
    whole, begun = study.run(PLAN), []

    def stopped(*arguments, on_epoch, epochs, **options):
        def after_one(so_far):
            on_epoch(so_far)
            begun.append(len(so_far))
            if epochs == 2 and begun[-1] == 2 and None not in begun:  # in the second epoch of the first final run
                raise KeyboardInterrupt

        return fit(*arguments, epochs=epochs, on_epoch=after_one, **options)

    fit = runner.fit
    monkeypatch.setattr(runner, "fit", stopped)
    with pytest.raises(KeyboardInterrupt):
        study.run(PLAN, path)
    assert list(kept.glob("*/step-*"))
    begun.append(None)
    again = study.run(PLAN, path)
    assert begun[begun.index(None) + 1] == 2, "the first epoch was not done again"
    assert not list(kept.iterdir())
    assert {t: [r.test_loss for r in run.history.rows] for t, run in again.runs.items()} == {
        t: [r.test_loss for r in run.history.rows] for t, run in whole.runs.items()
    }


ONE = replace(PLAN, methods=(SIGN,))


def test_what_is_left_of_a_finished_run_is_in_the_way_of_no_other(tmp_path, monkeypatch):
    """Each final run is killed when it is in the file, and what was kept of it is not gone yet."""
    save = Results.save

    def killed(made, path):
        save(made, path)
        if len(made.runs) > 2 and made.runs.keys() - seen:
            seen.update(made.runs)
            raise KeyboardInterrupt

    monkeypatch.setattr(Results, "save", killed)
    seen = set()
    for left in (1, 0):
        with pytest.raises(KeyboardInterrupt):
            study.run(ONE, tmp_path / "made.jsonl")
        assert list(tmp_path.rglob("step-*"))
        assert Results.load(tmp_path / "made.jsonl").missing() == left
    assert study.run(ONE, tmp_path / "made.jsonl").missing() == 0
    assert not list(tmp_path.rglob("step-*"))


def test_nor_is_what_is_kept_of_another_study_whose_file_was_moved_away(tmp_path, monkeypatch):
    path, away, fit = tmp_path / "made.jsonl", tmp_path / "away.jsonl", runner.fit

    def stopped(*arguments, checkpoints, epochs, **options):
        history = fit(*arguments, checkpoints=checkpoints, epochs=1, **options)
        if checkpoints:
            raise KeyboardInterrupt
        return history

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(runner, "fit", stopped)
        study.run(ONE, path)
    path.rename(away)
    assert study.run(replace(ONE, epochs=3), path).missing() == 0
    away.replace(path)
    assert list(tmp_path.rglob("step-*")), "the first study goes on where it was"
    assert study.run(ONE, path).missing() == 0
    assert not list(tmp_path.rglob("step-*"))


def test_a_run_that_breaks_down_after_it_was_resumed_is_told_whole(tmp_path):
    problem, data = replace(PLAN, methods=(SGD,)), PROBLEM.load()
    trial, sound = Trial("final", "SGD", Setting(0.1, 0.9), 0), runner.fit

    def breaks(*arguments, on_epoch, **options):
        def then(so_far):
            on_epoch(so_far)
            if len(so_far) == 2:
                raise FloatingPointError

        return sound(*arguments, on_epoch=then, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "fit", lambda *a, **o: sound(*a, **{**o, "on_epoch": None, "epochs": 1}))
        runner.train(problem, trial, data, tmp_path / "kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "fit", breaks)
        assert len(runner.train(problem, trial, data, tmp_path / "kept")) == 2


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


@pytest.mark.parametrize(
    "path", sorted(results.file_of("mnist").parent.glob("study-*.jsonl")), ids=lambda path: path.stem
)
def test_stored_results_are_of_the_plan_of_their_name(path):
    name = path.stem[len("study-") :]
    kept = study.stored(name)
    assert kept.study == study.PLANS[name]
    assert kept.runs  # it may still grow: one that takes days is kept as far as it has come
    assert all("dirty" not in session["commit"] for session in kept.sessions)


def test_the_study_that_the_book_gives_a_verdict_on_is_complete():
    assert study.stored("mnist").missing() == 0


def test_outside_of_the_repository_there_are_no_stored_results(monkeypatch):
    monkeypatch.setattr(results.paths, "checkout", lambda: None)
    with pytest.raises(FileNotFoundError, match="the book's repository"):
        study.stored("mnist")
