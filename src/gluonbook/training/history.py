"""What a training run recorded, one row an epoch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import final

import numpy as np

from gluonbook.tables import Table


@final
@dataclass(frozen=True)
class Epoch:
    """One epoch: means over its samples, None where nothing was measured.

    `epoch` counts from 1, `steps` are the updates since the start of the run. The train columns average over the
    epoch while the weights move (dropout on); the test columns belong to the weights at its end. `seconds` is the time
    spent training, without the test. Two epochs are equal when they agree in everything but time.
    """

    epoch: int
    steps: int
    train_loss: float
    train_accuracy: float | None
    test_loss: float | None
    test_accuracy: float | None
    seconds: float = field(compare=False)
    samples_per_second: float = field(compare=False)


_FORMATS = {"epoch": "d", "steps": "d", "seconds": ".2f", "samples_per_second": ",.0f"}


@final
@dataclass
class History:
    """The epochs of a run in order. `history["test_loss"]` is a column as a numpy array, NaN where not measured."""

    rows: list[Epoch] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, column: str) -> np.ndarray:
        names = [column.name for column in fields(Epoch)]
        if column not in names:
            raise KeyError(f"no column {column!r}; there are {', '.join(names)}")
        values = [getattr(row, column) for row in self.rows]
        return np.array(values, dtype=np.int64 if column in ("epoch", "steps") else np.float64)

    def to_json(self) -> str:
        """The rows as a JSON list of objects; numbers survive exactly."""
        return json.dumps([asdict(row) for row in self.rows])

    @classmethod
    def from_json(cls, text: str) -> History:
        """The history that `to_json` wrote; raises ValueError for anything else."""
        try:
            return cls([Epoch(**row) for row in json.loads(text)])
        except TypeError as error:
            raise ValueError(f"not a history: {error}") from error

    def __repr__(self) -> str:
        """A Markdown table."""
        return str(self._table())

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()

    def _table(self) -> Table:
        names = [
            c.name for c in fields(Epoch) if not self.rows or any(getattr(r, c.name) is not None for r in self.rows)
        ]
        head = [name.replace("_", " ") for name in names]
        rows = [[_shown(name, getattr(row, name)) for name in names] for row in self.rows]
        return Table(head, rows, right=head, caption="Training history, one row an epoch")

    def _measured(self, column: str) -> bool:
        return any(getattr(row, column) is not None for row in self.rows)


def _shown(column: str, value: float | None) -> str:
    return "" if value is None else format(value, _FORMATS.get(column, ".4f"))
