"""Comparing optimizers fairly: the same tuning budget for each, several seeds, and results that are never lost.

A `Study` is a problem, methods with their grids of settings, and seeds. `run` first tunes: every setting of every
method is trained once, for a short time, and judged on a validation set. Then the best setting of each method is
trained in full under each seed, and tested. `Results` holds the runs; with a file they are kept in it one by one, so
that a study can be stopped at any time, and continued by the same command.
"""

from gluonbook.study.comparison import Comparison, Pair, compare
from gluonbook.study.plan import Method, Setting, Study, Trial
from gluonbook.study.plans import PLANS, methods
from gluonbook.study.problem import Data, Problem
from gluonbook.study.results import Outcome, Results, Run, stored
from gluonbook.study.runner import run

__all__ = [
    "PLANS",
    "Comparison",
    "Data",
    "Method",
    "Outcome",
    "Pair",
    "Problem",
    "Results",
    "Run",
    "Setting",
    "Study",
    "Trial",
    "compare",
    "methods",
    "run",
    "stored",
]
