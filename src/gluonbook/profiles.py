"""Profiles: `quick` for two CPU cores, `full` for the scale of the papers, and `ci` for the book's tests.

A profile decides over sizes and data alone: the chapters run the same cells in all. Each chapter has its own sizes (see
`sizes`), and `digits_or` says which data it takes. `GLUONBOOK_PROFILE` chooses, and `quick` is the default.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any, final

from gluonbook import paths

VARIABLE = "GLUONBOOK_PROFILE"
NAMES = ("quick", "ci", "full")


def profile() -> str:
    """The name of the profile: the one that `GLUONBOOK_PROFILE` names, or "quick".

    Raises:
        ValueError: there is no profile of that name.
    """
    name = os.environ.get(VARIABLE) or "quick"
    if name not in NAMES:
        raise ValueError(f"{VARIABLE} is {name!r}; the profiles are {_listed(NAMES)}")
    return name


def digits_or(name: str) -> str:
    """The data set to take, for `datasets.load`: "digits" in `quick`, which needs no download, else `name`.

    Raises:
        ValueError: there is no such data set, or no such profile.
    """
    paths.manifest_entry(name)
    return "digits" if profile() == "quick" else name


@final
class Sizes(SimpleNamespace):
    """The sizes of a chapter in one profile, each an attribute; an AttributeError names those that there are."""

    def __getattr__(self, name: str) -> Any:  # asked for what is not there alone
        raise AttributeError(f"no size {name!r}; there are {_listed(vars(self))}")


def sizes(*, quick: Mapping[str, Any], full: Mapping[str, Any], ci: Mapping[str, Any] | None = None) -> Sizes:
    """The sizes of a chapter in the present profile.

        size = sizes(
            quick={"images": 1500, "epochs": 20},
            full={"images": 60_000, "epochs": 10},
            ci={"images": 3000})
        size.epochs

    `quick` and `full` name all sizes, so that none is forgotten in either; `ci` names what differs from `quick`.
    All are looked at in every profile: a slip in `full` shows in `quick`.

    Raises:
        ValueError: a profile has a size that `quick` has not, or `full` lacks one; or there is no such profile.
    """
    named = {"quick": quick, "ci": {**quick, **(ci or {})}, "full": full}
    for name, values in named.items():
        for verb, wrong in ("has the unknown", values.keys() - quick.keys()), ("lacks", quick.keys() - values.keys()):
            if wrong:
                raise ValueError(f"{name} {verb} {_listed(sorted(wrong))}; the sizes of quick are {_listed(quick)}")
    return Sizes(**named[profile()])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
