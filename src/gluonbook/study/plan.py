"""What a study will do: methods with grids of settings, and the trials that follow from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, NamedTuple, final

from gluonbook.checks import whole_number
from gluonbook.study.problem import Problem

TUNING_SEED = 1000
STAGES = ("tuning", "final")


@final
class Setting(NamedTuple):
    """One point of a grid; `beta` is None where the method has no momentum."""

    lr: float
    beta: float | None


@final
@dataclass(frozen=True)
class Method:
    """An optimizer and the grid of its settings: every step size with every beta."""

    name: str  # for readers
    optimizer: str  # for gluon.Trainer
    lrs: tuple[float, ...]
    betas: tuple[float, ...] = ()  # none: the method has no momentum
    option: str = "momentum"  # what the optimizer calls beta

    def settings(self) -> list[Setting]:
        """The grid, step sizes outermost."""
        return [Setting(lr, beta) for lr, beta in product(self.lrs, self.betas or (None,))]

    def options(self, setting: Setting) -> dict[str, float]:
        """What the optimizer gets, besides its schedule."""
        momentum = {} if setting.beta is None else {self.option: setting.beta}
        return {"learning_rate": setting.lr, **momentum}


@final
class Trial(NamedTuple):
    """One training, as a study asks for it."""

    stage: str
    method: str
    setting: Setting
    seed: int

    def __str__(self) -> str:
        beta = "" if self.setting.beta is None else f", β = {self.setting.beta:g}"
        return f"{self.stage}: {self.method}, lr = {self.setting.lr:g}{beta}, seed {self.seed}"


@final
@dataclass(frozen=True)
class Study:
    """A problem, methods with equally large grids, and the seeds of the final runs.

    Tuning trains on the first `tuning_images` of the training set for `tuning_epochs`, with a seed of its own. Final
    runs train on all of it for `epochs`.

    Raises ValueError if a method would get more settings than another, or names or seeds come twice.
    """

    problem: Problem
    methods: tuple[Method, ...]
    tuning_images: int
    tuning_epochs: int
    epochs: int
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        highest = {"tuning_images": self.problem.images}
        for name in ("tuning_images", "tuning_epochs", "epochs"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), 1, highest.get(name)))
        seeds = tuple(whole_number("seed", seed, 0, TUNING_SEED - 1) for seed in self.seeds)
        object.__setattr__(self, "seeds", seeds)
        names = [method.name for method in self.methods]
        if not names or not self.seeds or len(set(names)) < len(names) or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(
                f"a study takes one method or more and one seed or more, none twice, got {names} and {self.seeds}"
            )
        budgets = {method.name: len(method.settings()) for method in self.methods}
        if len(set(budgets.values())) > 1:
            raise ValueError(f"every method must get as many settings to try as every other, got {budgets}")

    @property
    def budget(self) -> int:
        """How many settings each method may try."""
        return len(self.methods[0].settings())

    def method(self, name: str) -> Method:
        """The method of that name; raises ValueError if there is none."""
        for method in self.methods:
            if method.name == name:
                return method
        raise ValueError(f"no method {name!r} in this study; there are {', '.join(m.name for m in self.methods)}")

    def tuning_trials(self) -> Iterator[Trial]:
        """Each setting of each method once."""
        for method in self.methods:
            for setting in method.settings():
                yield Trial("tuning", method.name, setting, TUNING_SEED)

    def final_trials(self, best: Mapping[str, Setting]) -> Iterator[Trial]:
        """Seed by seed all methods with their best settings: a study that is stopped early can still be compared."""
        for seed in self.seeds:
            for method in self.methods:
                yield Trial("final", method.name, best[method.name], seed)

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Study:
        """The study that `to_dict` gave, also after JSON made lists of its tuples; else ValueError or TypeError."""
        if not isinstance(d, Mapping) or not {"problem", "methods", "seeds"} <= set(d):
            raise ValueError("a study has a problem, methods and seeds")
        methods = (Method(**{**m, "lrs": tuple(m["lrs"]), "betas": tuple(m["betas"])}) for m in d["methods"])
        changed = {"problem": Problem(**d["problem"]), "methods": tuple(methods), "seeds": tuple(d["seeds"])}
        return cls(**{**d, **changed})
