"""Which methods of a study are told apart, which are as good as equal, and how often chance does it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from gluonbook.study.comparison import compare
from gluonbook.study.plan import Setting
from gluonbook.study.results import Outcome


@dataclass
class Made:
    """As much of `Results` as a comparison looks at."""

    ends: dict[str, tuple[float, ...]]

    def outcomes(self):
        return [Outcome(name, Setting(0.1, None), False, 0, 0.5, tuple(test)) for name, test in self.ends.items()]


def test_seeds_make_the_pairs():
    made = Made({"A": (0.70, 0.80, 0.90), "B": (0.72, 0.82, 0.921)})
    (pair,) = compare(made, margin=0.1).pairs
    assert (pair.better, pair.worse) == ("B", "A")
    assert pair.difference == pytest.approx(0.061 / 3)
    assert pair.differ == pytest.approx(stats.ttest_rel(*made.ends.values()).pvalue)
    bounds = [stats.ttest_1samp(np.subtract(made.ends["B"], made.ends["A"]), bound) for bound in (-0.1, 0.1)]
    assert pair.equal == pytest.approx(max(bounds[0].pvalue / 2, bounds[1].pvalue / 2))


def test_a_pair_may_be_apart_alike_both_or_neither():
    made = compare(
        Made({"A": (0.900, 0.910, 0.921), "B": (0.901, 0.911, 0.922), "C": (0.5, 0.9, 0.7), "D": (0.3, 0.31, 0.32)}),
        margin=0.005,
    )
    words = {(pair.better, pair.worse): row[-1] for pair, row in zip(made.pairs, made.verdict().rows)}
    assert words["B", "A"] == "B is better and equal within 0.5 points"
    assert words["B", "D"] == "B is better" and ("B", "D") in made.apart()
    assert words["A", "C"] == "undecided" and ("A", "C") not in made.apart() + made.alike()
    assert made.alike() == [("B", "A")]


def test_more_pairs_need_more_evidence():
    """Holm: the smallest p-value counts as many times as there are pairs, the next one time less, and so on."""
    ends = {"A": (0.70, 0.80, 0.90), "B": (0.72, 0.82, 0.921)}
    (alone,) = compare(Made(ends), margin=0.1).pairs
    crowd = compare(Made({**ends, **{f"C{i}": np.random.RandomState(i).rand(3) for i in range(3)}}), margin=0.1)
    (among,) = (pair for pair in crowd.pairs if {pair.better, pair.worse} == {"A", "B"})
    assert among.differ == pytest.approx(10 * alone.differ)
    assert len(crowd.pairs) == 10 and all(0 <= pair.differ <= 1 for pair in crowd.pairs)


def test_chance_tells_two_of_four_equal_methods_apart_in_one_study_of_twenty():
    luck = np.random.RandomState(0)
    studies = [Made({name: 0.9 + 0.01 * luck.randn(5) for name in "ABCD"}) for _ in range(400)]
    share = np.mean([bool(compare(made, margin=0.001).apart()) for made in studies])
    assert share <= 0.075  # 0.05, and two standard errors


def test_equal_under_every_seed():
    made = compare(Made({"A": (0.7, 0.8), "B": (0.7, 0.8)}), margin=0.01)
    assert made.apart() == [] and made.alike() == [("A", "B")]


def test_a_single_seed_decides_nothing():
    made = compare(Made({"A": (0.7,), "B": (0.8,)}), margin=0.01)
    assert made.apart() == made.alike() == []
    assert made.verdict().rows[0][-1] == "undecided"


def test_a_method_that_broke_down_is_the_worse_one_and_hides_no_other():
    """NaN compares with nothing: in the middle, it left the order of the others as it was."""
    made = compare(Made({"A": (0.80, 0.81, 0.82), "B": (np.nan, 0.86, 0.87), "C": (0.90, 0.911, 0.92)}), margin=0.01)
    assert made.apart() == [("C", "A")] and made.alike() == []
    rows = [(pair.better, pair.worse, row[-1]) for pair, row in zip(made.pairs, made.verdict().rows)]
    broke = "undecided: a run broke down"
    assert rows == [("C", "A", "C is better"), ("C", "B", broke), ("A", "B", broke)]


@pytest.mark.parametrize("options", [{"margin": 0}, {"margin": 1.5}, {"margin": 0.1, "level": 0}])
def test_illegal_numbers(options):
    with pytest.raises(ValueError, match=r"must be a number in \(0, 1\)"):
        compare(Made({"A": (0.7,), "B": (0.8,)}), **options)
