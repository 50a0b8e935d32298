"""Chapters that try several learning rates: a claim says how many of those chosen lie at the edge of their grid."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import jupytext
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from gluonbook.book.chapters import Book, Chapter

BOOK = Book.here()
RATES = {"eta", "lr", "rate"}
JUDGES = {"at_edge", "at_edges"}  # the functions of gluonbook.measure.grids, and what a study says of an outcome
LADDER = "shows a loss at each rate and compares nothing at the best; it claims what is at both ends"
# Chapters that try several rates and have no such claim, each with the reason.
NO_CLAIM = {
    "convnets/not_learning": LADDER,
    "convnets/pytorch": "follows a schedule of rates in two libraries, and chooses none",
}


def cells(chapter: Chapter) -> Iterator[ast.Module]:
    for cell in jupytext.read(chapter.path, fmt="md:myst").cells:
        if cell.cell_type == "code" and not {"exercise", "solution"} & set(cell.metadata.get("tags", [])):
            yield ast.parse(TransformerManager().transform_cell(cell.source))


def tries_rates(cell: ast.AST) -> bool:
    """Whether it goes over rates, by a loop or a comprehension whose variable is one."""
    loops = [node.target for node in ast.walk(cell) if isinstance(node, (ast.For, ast.comprehension))]
    return any(getattr(name, "id", "") in RATES for target in loops for name in ast.walk(target))


def judges(cell: ast.AST) -> bool:
    """Whether it claims that no choice is at an edge: the judge and a claim of `== 0` stand in one cell."""
    nodes = list(ast.walk(cell))
    asked = any(getattr(node, "id", getattr(node, "attr", "")) in JUDGES for node in nodes)
    claims = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "claim"]
    return asked and any(getattr(node.args[3], "value", "") == "== 0" for node in claims)


def trains_at_a_rate(cell: ast.AST) -> Iterator[ast.Call]:
    """The calls of `fit` in functions that are given a rate."""
    for function in ast.walk(cell):
        if isinstance(function, ast.FunctionDef) and RATES & {one.arg for one in function.args.args}:
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "fit":
                    yield node


def expects_divergence(cell: ast.AST, call: ast.Call) -> bool:
    """Whether the call says `may_diverge=True`, or stands in a `try` that catches what `fit` raises else."""
    if any(keyword.arg == "may_diverge" and keyword.value.value is True for keyword in call.keywords):
        return True
    tries = [node for node in ast.walk(cell) if isinstance(node, ast.Try) and call in ast.walk(node)]
    return any(getattr(h.type, "id", "") == "FloatingPointError" for node in tries for h in node.handlers)


@pytest.fixture(scope="module")
def tuning() -> dict[str, bool]:
    """The chapters that try several rates, and whether they judge the edges."""
    found = {}
    for chapter in BOOK.running:
        parsed = list(cells(chapter))
        if any(map(tries_rates, parsed)):
            found[chapter.key] = any(map(judges, parsed))
    return found


def test_who_tries_rates_claims_that_none_is_chosen_at_an_edge_and_the_others_choose_none(tuning):
    assert {name for name, judged in tuning.items() if not judged} == set(NO_CLAIM)


@pytest.mark.parametrize("chapter", BOOK.running, ids=lambda chapter: chapter.key)
def test_a_training_at_a_rate_that_is_tried_may_diverge(chapter):
    """Which of several rates is too large depends on rounding, and with it on the processor."""
    parsed = list(cells(chapter))
    if any(map(tries_rates, parsed)):
        stopped = [
            ast.unparse(call)
            for cell in parsed
            for call in trains_at_a_rate(cell)
            if not expects_divergence(cell, call)
        ]
        assert not stopped


@pytest.mark.parametrize(
    ("code", "expects"),
    {
        "def trained(lr):\n    fit(net, may_diverge=True)": [True],
        "def trained(lr):\n    fit(net, may_diverge=False)": [False],
        "def trained(seed, rate):\n    return fit(net)['train_loss'][-1]": [False],
        "def trained(eta):\n    try:\n        fit(net)\n    except FloatingPointError:\n        return 0": [True],
        "def trained(eta):\n    try:\n        fit(net)\n    except ValueError:\n        return 0": [False],
        "def trained(seed):\n    fit(net)": [],
    }.items(),
)
def test_trainings_that_may_diverge_are_found(code, expects):
    cell = ast.parse(code)
    assert [expects_divergence(cell, call) for call in trains_at_a_rate(cell)] == expects


@pytest.mark.parametrize(
    ("code", "found"),
    {
        "best = max(RATES, key=lambda lr: score(lr))": False,  # the scores come from a loop
        "scores = [trained(lr) for lr in (0.1, 0.3)]": True,
        "for seed, rate in product(seeds, rates):\n    trained(seed, rate)": True,
        "{(name, eta): 1 for name in names for eta in rates}": True,
        "for seed in seeds:\n    trained(seed)": False,
    }.items(),
)
def test_rates_that_are_tried_are_found(code, found):
    assert tries_rates(ast.parse(code)) is found


@pytest.mark.parametrize(
    ("code", "found"),
    {
        'claim("a", "None at the edge", len(at_edges(best, grid)), "== 0")': True,
        'edges = at_edges(best, grid)\nclaim("a", "None at the edge", len(edges), "== 0")': True,
        'claim("a", "None at the edge", sum(o.at_edge for o in outcomes), "== 0")': True,
        'claim("a", "Few at the edge", len(at_edges(best, grid)), "<= 2")': False,
        'claim("a", "No difference", 0, "== 0")': False,
        "edges = at_edges(best, grid)": False,
    }.items(),
)
def test_a_claim_about_edges_is_known(code, found):
    assert judges(ast.parse(code)) is found
