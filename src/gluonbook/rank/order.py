"""What one part of a run is told, in a file: its words never pass through a shell, ssh or mpiexec.

    python -IS order.py FILE

does what the file says: it becomes `gluonbook.rank.part`, in the order's folder, with its variables. Run as a file,
this needs nothing but Python, since where the package is may be said by a variable of the order.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import final


@final
@dataclass(frozen=True)
class Order:
    """One part's `role` (rank, server or scheduler), its number, and what it shares with the other parts of the run.

    `command` is a script and its arguments, or -m, a module and its arguments; `notes` and `logs` are folders; `ports`
    are the first port that a part of ps-lite may take, and the first that it may not.
    """

    role: str
    number: int | None
    command: Sequence[str]
    directory: str
    notes: str
    logs: str
    variables: Mapping[str, str]
    ports: Sequence[int] = ()

    @property
    def name(self) -> str:
        """What the part is called, in this process: `rank-2`, `server-0` or `scheduler`."""
        if self.role == "scheduler":
            return self.role
        return f"{self.role}-{os.environ['PMI_RANK'] if self.number is None else self.number}"

    def handed_over(self) -> list[str]:
        """The words that start the part, on any machine that sees the file, which this writes among the run's notes.

        The file's bytes are those that a command line would have.
        """
        file = Path(self.notes, f"{self.role}{'' if self.number is None else f'-{self.number}'}.order")
        file.write_bytes(os.fsencode(json.dumps(asdict(self), ensure_ascii=False)))
        return [sys.executable, "-IS", __file__, str(file)]

    @classmethod
    def read(cls, file: str) -> Order:
        """What was handed over."""
        return cls(**json.loads(os.fsdecode(Path(file).read_bytes())))


def _become(file: str) -> None:
    order = Order.read(file)
    os.chdir(order.directory)
    os.environ.update(order.variables)
    os.execv(sys.executable, [sys.executable, "-m", "gluonbook.rank.part", file])


if __name__ == "__main__":
    try:
        _become(sys.argv[1])
    except OSError as error:
        sys.exit(f"a part of the run cannot begin here: {error}")
