"""Labels by a crowd: beliefs and judgements against what one counts by hand, and a crowd that is what it says."""

from __future__ import annotations

from functools import partial
from itertools import product

import numpy as np
import pytest

from gluonbook import crowd
from gluonbook.crowd import Labels

LABELS = Labels([[0, 1], [1, 2], [2, 0], [0, 2]], [[0, 0], [2, 1], [1, 1], [2, 0]], workers=4, classes=3)


def drawn(seed: int, n: int = 40, r: int = 3) -> tuple[Labels, np.ndarray, np.ndarray]:
    """Labels by workers of all kinds, their matrices, and a belief."""
    random = np.random.RandomState(seed)
    confusion = random.dirichlet(np.ones(4), size=(6, 4))
    labels = crowd.annotate(confusion, random.randint(4, size=n), r, random)
    return labels, confusion, random.dirichlet(np.ones(4), size=n)


class TestLabels:
    def test_they_are_kept_as_arrays_of_whole_numbers(self):
        assert len(LABELS) == 4
        assert LABELS.who.dtype == LABELS.said.dtype == np.intp
        assert (LABELS.workers, LABELS.classes) == (4, 3)

    @pytest.mark.parametrize(
        ("who", "said", "told"),
        [
            ([[0.0]], [[0]], "who must be whole numbers of shape .n, r., got float64"),
            ([0], [[0]], "who must be whole numbers .* shape .1,."),
            ([[0]], [[True]], "said must be whole numbers .* bool"),
            ([[4]], [[0]], "who must be from 0 to 3, got 4"),
            ([[0]], [[-1]], "said must be from 0 to 2, got -1"),
            ([[0, 1]], [[0]], r"one shape .n, r., with labels, got \(1, 2\), \(1, 1\)"),
            (np.zeros((0, 2), int), np.zeros((0, 2), int), "one shape"),
        ],
    )
    def test_what_are_none_is_refused(self, who, said, told):
        with pytest.raises(ValueError, match=told):
            Labels(who, said, workers=4, classes=3)


class TestTheCrowd:
    def test_it_has_exactly_so_many_hammers(self):
        for seed in range(5):
            confusion = crowd.hammers_and_spammers(7, 5, 3, np.random.RandomState(seed), leak=0.1)
            diagonal = confusion[:, range(5), range(5)]
            assert sorted(diagonal[:, 0].round(12)) == [0.2] * 4 + [0.92] * 3
            assert np.allclose(confusion.sum(axis=2), 1)
            assert (diagonal == diagonal[:, :1]).all()

    def test_other_workers_are_hammers_with_another_seed(self):
        crowds = {crowd.hammers_and_spammers(7, 5, 3, np.random.RandomState(seed)).tobytes() for seed in range(9)}
        assert len(crowds) > 5

    def test_it_says_each_class_as_often_as_its_matrices_say(self):
        random = np.random.RandomState(0)
        confusion = random.dirichlet(np.ones(3), size=(4, 3))
        y = random.randint(3, size=40_000)
        labels = crowd.annotate(confusion, y, 2, random)
        found = crowd.matrices(labels, np.eye(3)[y], smooth=0)
        assert np.abs(found - confusion).max() < 0.025

    def test_nobody_labels_an_example_twice_and_all_are_asked_alike(self):
        random = np.random.RandomState(0)
        labels = crowd.annotate(np.full((5, 2, 2), 0.5), np.zeros(20_000, int), 3, random)
        assert (np.diff(np.sort(labels.who, axis=1), axis=1) > 0).all()
        assert np.bincount(labels.who.ravel()) == pytest.approx(12_000, rel=0.03)
        assert np.bincount(labels.who[:, 0]) == pytest.approx(4000, rel=0.06)

    @pytest.mark.parametrize(("drawn", "said"), [(0.0, 1), (1 - 1e-12, 2)])
    def test_the_ends_of_what_a_generator_draws_are_labels_that_there_are(self, drawn, said):
        """0 names no class with the probability 0; and what is above a sum that rounding has left below 1, the last."""

        class Stuck:
            def rand(self, *shape):
                return np.full(shape, drawn)

        confusion = np.array([[[0, 0.3, 0.7 - 5e-7]] * 3])
        assert crowd.annotate(confusion, [0, 1, 2], 1, Stuck()).said.tolist() == [[said]] * 3

    def test_hammers_without_a_leak_are_always_right(self):
        random = np.random.RandomState(0)
        y = random.randint(6, size=500)
        labels = crowd.annotate(crowd.hammers_and_spammers(3, 6, 3, random, leak=0), y, 3, random)
        assert (labels.said == y[:, None]).all()

    @pytest.mark.parametrize(
        ("confusion", "y", "redundancy", "told"),
        [
            (np.ones((2, 3)), [0], 1, r"confusion must have the shape \(workers, classes, classes\)"),
            (np.ones((2, 3, 3)), [0], 1, r"confusion must be distributions: .* got \[1. 1. 1.\]"),
            (np.full((2, 3, 3), 1 / 3), [3], 1, "y must be from 0 to 2"),
            (np.full((2, 3, 3), 1 / 3), [0.0], 1, "y must be whole numbers"),
            (np.full((2, 3, 3), 1 / 3), [0], 3, "redundancy must be a whole number from 1 to 2"),
        ],
    )
    def test_bad_input(self, confusion, y, redundancy, told):
        with pytest.raises(ValueError, match=told):
            crowd.annotate(confusion, y, redundancy, np.random.RandomState(0))


class TestBeliefs:
    def test_votes_are_shares(self):
        assert crowd.votes(LABELS).tolist() == [[1, 0, 0], [0, 0.5, 0.5], [0, 1, 0], [0.5, 0, 0.5]]

    def test_a_majority_is_sure_and_breaks_ties_at_random(self):
        found = [crowd.majority(LABELS, np.random.RandomState(seed)) for seed in range(300)]
        mean = np.mean(found, axis=0)
        assert all((one.max(axis=1) == 1).all() and (one.sum(axis=1) == 1).all() for one in found)
        assert np.abs(mean - crowd.votes(LABELS)).max() < 0.1
        assert (mean[[0, 2]] == crowd.votes(LABELS)[[0, 2]]).all()

    @pytest.mark.parametrize("prior", [None, [0.1, 0.2, 0.3, 0.4]])
    def test_the_posterior_is_bayes_rule_label_by_label(self, prior):
        labels, confusion, _ = drawn(0)
        belief = crowd.posterior(labels, confusion, prior)
        for i in range(len(labels)):
            likely = np.array(prior or [0.25] * 4)
            for a, s in zip(labels.who[i], labels.said[i]):
                likely = likely * confusion[a, :, s]
            assert belief[i] == pytest.approx(likely / likely.sum())

    def test_the_posterior_is_right_as_often_as_it_says(self):
        random = np.random.RandomState(1)
        confusion, y = random.dirichlet(np.ones(3), size=(5, 3)), random.randint(3, size=60_000)
        belief = crowd.posterior(crowd.annotate(confusion, y, 2, random), confusion)
        right = belief.argmax(axis=1) == y
        for low in (0.4, 0.6, 0.8):
            rows = (belief.max(axis=1) >= low) & (belief.max(axis=1) < low + 0.2)
            assert right[rows].mean() == pytest.approx(belief.max(axis=1)[rows].mean(), abs=0.02)

    def test_a_thousand_labels_do_not_underflow(self):
        labels = Labels([range(1000)], [[0] * 500 + [1] * 500], workers=1000, classes=2)
        confusion = np.broadcast_to([[0.9, 0.1], [0.1, 0.9]], (1000, 2, 2))  # and 0.09^500 is 0
        assert crowd.posterior(labels, confusion)[0] == pytest.approx([0.5, 0.5])

    def test_spammers_leave_the_prior_as_it_is(self):
        labels = drawn(2)[0]
        prior = [0.1, 0.2, 0.3, 0.4]
        assert np.allclose(crowd.posterior(labels, np.full((6, 4, 4), 0.25), prior), prior)

    def test_who_always_says_the_next_class_is_worth_as_much_as_a_hammer(self):
        random = np.random.RandomState(3)
        hammer, y = 0.9 * np.eye(5) + 0.02, random.randint(5, size=200)
        confusion = np.stack([hammer] * 3)
        labels = crowd.annotate(confusion, y, 2, random)
        shifted = Labels(labels.who, (labels.said + 1) % 5, 3, 5)
        belief = crowd.posterior(shifted, np.roll(confusion, 1, axis=2))
        assert np.allclose(belief, crowd.posterior(labels, confusion))

    def test_labels_that_no_class_can_have_are_refused(self):
        labels = Labels([[0, 1], [0, 1]], [[0, 0], [0, 1]], workers=2, classes=2)
        with pytest.raises(ValueError, match=r"example 1: .* no class can have its labels"):
            crowd.posterior(labels, [np.eye(2)] * 2)

    @pytest.mark.parametrize(
        ("confusion", "prior", "told"),
        [
            (np.full((3, 4, 4), 0.25), None, r"confusion must have the shape \(6, 4, 4\), got \(3, 4, 4\)"),
            (np.full((6, 4, 4), 0.3), None, "confusion must be distributions"),
            (np.full((6, 4, 4), 0.25 - 1e-6), None, "confusion must be distributions"),
            (np.full((6, 4, 4), 0.25), [0.5, 0.5], "prior must have the shape"),
            (np.full((6, 4, 4), 0.25), [1.5, -0.5, 0, 0], r"prior must be distributions: .* got \[ 1.5 -0.5"),
            (np.full((6, 4, 4), np.nan), None, "confusion must be distributions"),
        ],
    )
    def test_bad_input(self, confusion, prior, told):
        with pytest.raises(ValueError, match=told):
            crowd.posterior(drawn(0)[0], confusion, prior)


class TestJudging:
    @pytest.mark.parametrize("smooth", [0, 0.5, 2])
    def test_matrices_are_counted(self, smooth):
        labels, _, belief = drawn(4, n=30)
        found = crowd.matrices(labels, belief, smooth)
        for a, k, s in product(range(6), range(4), range(4)):
            own = [(i, j) for i in range(30) for j in range(3) if labels.who[i, j] == a]
            part = sum(belief[i, k] for i, j in own if labels.said[i, j] == s) + smooth / 4
            assert found[a, k, s] == pytest.approx(part / (sum(belief[i, k] for i, _ in own) + smooth))

    @pytest.mark.parametrize("smooth", [0, 0.5, 2])
    def test_one_number_is_the_share_that_is_right(self, smooth):
        labels, _, belief = drawn(5, n=30)
        found = crowd.one_number(labels, belief, smooth)
        for a in range(6):
            own = [belief[i, labels.said[i, j]] for i in range(30) for j in range(3) if labels.who[i, j] == a]
            p = (sum(own) + smooth / 4) / (len(own) + smooth)
            assert found[a].diagonal() == pytest.approx([p] * 4)
            assert found[a][~np.eye(4, dtype=bool)] == pytest.approx([(1 - p) / 3] * 12)

    @pytest.mark.parametrize("judge", [crowd.matrices, crowd.one_number])
    def test_of_whom_nothing_is_known_she_is_taken_for_a_spammer(self, judge):
        for smooth in (0, 1):
            assert np.allclose(judge(LABELS, crowd.votes(LABELS), smooth)[3], 1 / 3)

    @pytest.mark.parametrize("judge", [crowd.matrices, crowd.one_number])
    def test_a_belief_that_float32_has_made_too_large_by_a_rounding_is_one(self, judge):
        labels = Labels([[0], [0]], [[1], [2]], workers=1, classes=3)
        belief = crowd.votes(labels).astype(np.float32) * np.float32(1 + 5e-7)
        assert (belief.max(axis=1) > 1).all()
        confusion = judge(labels, belief, smooth=0)
        assert crowd.posterior(labels, confusion).argmax(axis=1).tolist() == [1, 2]

    @pytest.mark.parametrize("judge", [crowd.matrices, crowd.one_number])
    def test_bad_input(self, judge):
        with pytest.raises(ValueError, match=r"belief must have the shape \(4, 3\), got \(4, 2\)"):
            judge(LABELS, np.full((4, 2), 0.5))
        with pytest.raises(ValueError, match="belief must be distributions"):
            judge(LABELS, np.ones((4, 3)))
        with pytest.raises(ValueError, match="smooth must be"):
            judge(LABELS, crowd.votes(LABELS), -1)


class TestDawidSkene:
    @staticmethod
    def of_a_crowd(redundancy, seed=0, n=2000):
        random = np.random.RandomState(seed)
        confusion, y = crowd.hammers_and_spammers(20, 5, 8, random), random.randint(5, size=n)
        return confusion, y, crowd.annotate(confusion, y, redundancy, random)

    @pytest.mark.parametrize("judge", [crowd.matrices, crowd.one_number])
    def test_each_round_makes_the_labels_more_probable(self, judge):
        """Expectation maximization cannot lower the likelihood. With smoothing another quantity rises."""
        _, _, labels = self.of_a_crowd(3, n=300)
        exact, last = partial(judge, smooth=0), -np.inf
        for rounds in range(1, 12):
            confusion = exact(labels, crowd.dawid_skene(labels, exact, rounds))
            joint = confusion[labels.who, :, labels.said].prod(axis=1)
            likelihood = np.log(joint.mean(axis=1)).sum()
            assert likelihood >= last - 1e-9
            assert rounds > 3 or likelihood > last + 1e-3
            last = likelihood

    @pytest.mark.parametrize("judge", [crowd.matrices, crowd.one_number])
    def test_with_three_labels_it_finds_the_workers_and_beats_the_votes(self, judge):
        confusion, y, labels = self.of_a_crowd(3)
        belief = crowd.dawid_skene(labels, judge)
        assert (belief.argmax(axis=1) == y).mean() > (crowd.votes(labels).argmax(axis=1) == y).mean() + 0.05
        quality = judge(labels, belief)[:, range(5), range(5)].mean(axis=1)
        hammers = confusion[:, 0, 0] > 0.5
        assert quality[hammers].min() > quality[~hammers].max() + 0.3

    def test_with_one_label_it_is_blind(self):
        """Each worker's number depends on how many labels she has given, and her labels stay believed."""
        labels = self.of_a_crowd(1)[2]
        belief = crowd.dawid_skene(labels, crowd.one_number)
        assert (belief.argmax(axis=1) == labels.said[:, 0]).all()
        p = crowd.one_number(labels, belief)[:, 0, 0]
        count = np.bincount(labels.who[:, 0], minlength=20)
        assert (np.diff(p[np.argsort(count)]) >= -1e-12).all()
        assert np.array_equal(crowd.dawid_skene(labels, partial(crowd.one_number, smooth=0)), crowd.votes(labels))

    def test_no_round_leaves_the_votes(self):
        assert np.array_equal(crowd.dawid_skene(LABELS, rounds=0), crowd.votes(LABELS))

    def test_the_prior_stays(self):
        labels = self.of_a_crowd(2, n=50)[2]
        prior = [0.4, 0.3, 0.1, 0.1, 0.1]
        by_hand = crowd.posterior(labels, crowd.matrices(labels, crowd.votes(labels)), prior)
        assert np.array_equal(crowd.dawid_skene(labels, rounds=1, prior=prior), by_hand)
