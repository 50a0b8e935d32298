"""What a study will do: methods with grids of settings, a closer look around the best, and the trials that follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, NamedTuple, final

from gluonbook.checks import whole_number
from gluonbook.study.problem import Problem

TUNING_SEED = 1000
REFINING_SEEDS = (1001, 1002)
ALIKE = 1.05  # step sizes are rounded
STAGES = ("tuning", "refining", "final")


@final
class Setting(NamedTuple):
    """One point of a grid; `beta` is None where the method has no momentum."""

    lr: float
    beta: float | None


@final
@dataclass(frozen=True)
class Method:
    """An optimizer and the grid of its settings: every step size with every beta, none of them twice.

    `sums` says that its momentum adds gradients up, Σ β^k g_{t−k}, where that of others averages them: a gradient moves
    a weight by lr/(1 − β) in all. It gets lr·(1 − β), so that lr means the same whatever the beta.
    """

    name: str  # for readers
    optimizer: str  # for gluon.Trainer
    lrs: tuple[float, ...]
    betas: tuple[float, ...] = ()  # none: the method has no momentum
    option: str = "momentum"  # what the optimizer calls beta
    sums: bool = False

    def __post_init__(self) -> None:
        for name, values in (("lrs", self.lrs), ("betas", self.betas)):
            if len(set(values)) < len(values):
                raise ValueError(f"{self.name}: {name} must hold each value once, got {values}")

    def settings(self) -> list[Setting]:
        """The grid, step sizes outermost."""
        return [Setting(lr, beta) for lr, beta in product(self.lrs, self.betas or (None,))]

    @property
    def ratio(self) -> float:
        """How many times larger each step size is than the one before; 1 for a single one."""
        return float((max(self.lrs) / min(self.lrs)) ** (1 / max(len(self.lrs) - 1, 1)))

    def around(self, setting: Setting, count: int) -> list[Setting]:
        """`setting`, and on each side of it `count` step sizes on the way to the next of the grid, evenly spaced.

        `setting` alone where the grid has no next one.
        """
        if len(self.lrs) == 1:
            return [setting]
        shifts = [step / (count + 1) for step in range(-count, count + 1)]
        return [setting._replace(lr=float(f"{setting.lr * self.ratio**shift:.3g}")) for shift in shifts]

    def options(self, setting: Setting) -> dict[str, float]:
        """What the optimizer gets, besides its schedule."""
        if setting.beta is None:
            return {"learning_rate": setting.lr}
        return {"learning_rate": setting.lr * (1 - setting.beta if self.sums else 1), self.option: setting.beta}


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
    """A problem, methods with equally fine grids, and the seeds of the final runs.

    Tuning trains on the first `tuning_images` of the training set for `tuning_epochs`: each setting of the grids with
    one seed, and then, with seeds of their own, the best of each method with `closer` more step sizes on each side, all
    within one step of the grid. Final runs train for `epochs` on all of the training set, those images included that
    settings were chosen by.

    Raises ValueError if a method would get more step sizes than another, or more closely spaced ones, or more betas
    than another that has any; and if names or seeds come twice, or step sizes of the closer look would.
    """

    problem: Problem
    methods: tuple[Method, ...]
    tuning_images: int
    tuning_epochs: int
    epochs: int
    seeds: tuple[int, ...]
    closer: int = 0

    def __post_init__(self) -> None:
        highest = {"tuning_images": self.problem.images}
        for name in ("tuning_images", "tuning_epochs", "epochs"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), 1, highest.get(name)))
        object.__setattr__(self, "closer", whole_number("closer", self.closer, 0))
        seeds = tuple(whole_number("seed", seed, 0, TUNING_SEED - 1) for seed in self.seeds)
        object.__setattr__(self, "seeds", seeds)
        names = [method.name for method in self.methods]
        if not names or not self.seeds or len(set(names)) < len(names) or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(
                f"a study takes one method or more and one seed or more, none twice, got {names} and {self.seeds}"
            )
        self._must_be_fair()
        self._must_stay_apart()

    def _must_be_fair(self) -> None:
        grids = {m.name: f"{len(m.lrs)} step sizes from {min(m.lrs):g} to {max(m.lrs):g}" for m in self.methods}
        counts, ratios = {len(m.lrs) for m in self.methods}, [m.ratio for m in self.methods]
        if len(counts) > 1 or max(ratios) > ALIKE * min(ratios):
            raise ValueError(f"every method must get as many step sizes as every other, as far apart, got {grids}")
        betas = {m.name: len(m.betas) for m in self.methods if m.betas}
        if len(set(betas.values())) > 1:
            raise ValueError(f"every method that has a beta must get as many as every other, got {betas}")

    def _must_stay_apart(self) -> None:
        for method in self.methods:
            for setting in method.settings():
                around = method.around(setting, self.closer)
                if len(set(around)) < len(around):
                    raise ValueError(
                        f"{method.name}: closer={self.closer} puts step sizes around lr = {setting.lr:g} "
                        "so close that some have the same three digits: choose a smaller one"
                    )

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

    def refining_trials(self, name: str, best: Setting) -> list[Trial]:
        """Around the best setting of that method's grid; none if the study does not look closer."""
        around = self.method(name).around(best, self.closer) if self.closer else []
        return [Trial("refining", name, setting, seed) for setting, seed in product(around, REFINING_SEEDS)]

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
