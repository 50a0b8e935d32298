"""Which exercises a reader has solved: a small file of their own, which never leaves their machine.

`check` adds to it, `gluonbook progress` prints it. What counts is an answer that somebody has typed: a chapter that is
executed unattended adds nothing, nor does a cell with a solution that the book itself has brought.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import platformdirs
from IPython import get_ipython

from gluonbook import checks
from gluonbook.storage import atomic, locks
from gluonbook.storage.errors import StorageError, told

VARIABLE = "GLUONBOOK_PROGRESS"  # another file for the progress, or `off`
OFF = "off"
_PATIENCE = 10.0  # seconds to wait for others who write


@final
class ProgressError(RuntimeError):
    """The progress cannot be read or kept; the message says why, and what helps."""


def file() -> Path | None:
    """Where the progress is kept: what `GLUONBOOK_PROGRESS` says, else the user's folder for states; None if `off`.

    Raises:
        ProgressError: the variable is neither `off` nor an absolute path, or the user has no home.
    """
    wanted = os.environ.get(VARIABLE, "")
    if wanted == OFF:
        return None
    try:
        path = checks.path(VARIABLE, wanted or platformdirs.user_state_path("gluonbook") / "progress.json")
    except ValueError as error:
        raise ProgressError(str(error)) from None
    if not path.is_absolute():  # chapters and shells have different working directories
        raise ProgressError(f"the file for the progress is {str(path)!r}; set {VARIABLE} to an absolute path or to off")
    return path


def solved() -> dict[str, str]:
    """The solved exercises as "part/chapter/name", each with the day on which it was solved first.

    There are none where nothing is kept.

    Raises:
        ProgressError: the file is damaged or may not be read.
    """
    path = file()
    return {} if path is None else _read(path)


def add(exercise: str) -> None:
    """Keep that an exercise, "part/chapter/name", is solved. Several processes may do so at once.

    Raises:
        ProgressError: the file is damaged, and is left as it is, or it cannot be written.
    """
    path = file()
    if path is None:
        return
    with _alone(path):
        known = _read(path)
        if exercise not in known:
            known[exercise] = datetime.date.today().isoformat()
            atomic.replace(path, (json.dumps({"solved": known}, indent=1) + "\n").encode())


def reset() -> bool:
    """Forget all progress; returns whether there was any.

    What is in the file without being progress is kept beside it, under its name and ".damaged".

    Raises:
        ProgressError: the file cannot be removed, or set aside.
    """
    path = file()
    if path is None or _read_bytes(path) is None:
        return False
    with _alone(path):
        try:
            _read(path)
        except ProgressError:
            path.replace(path.with_name(f"{path.name}.damaged"))
        else:
            path.unlink()
    return True


def note(exercise: str) -> str:
    """Keep a right answer if a reader has typed it; returns why it could not be kept, or nothing."""
    try:
        if _typed_by_a_reader():
            add(exercise)
    except ProgressError as error:
        return f"It could not be noted: {error}."
    return ""


def _read(path: Path) -> dict[str, str]:
    content = _read_bytes(path)
    if content is None:
        return {}
    try:
        names = json.loads(content)["solved"]
        if not all(isinstance(day, str) for day in names.values()):
            raise TypeError("a day is no text")
        return dict(names)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ProgressError(f"{path} is damaged; `gluonbook progress --reset` sets it aside and begins anew") from error


def _read_bytes(path: Path) -> bytes | None:
    with _edge(path, "read"):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One writer at a time. The lock is a file beside, since the file itself is replaced by each writer."""
    with _edge(path, "written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with locks.alone(path.with_name(f"{path.name}.lock"), seconds=_PATIENCE):
            yield


@contextmanager
def _edge(path: Path, done: str) -> Iterator[None]:
    """Something is `done` to the file: where that fails, the error is the reader's, and says what helps."""
    try:
        with told(path, done):
            yield
    except (StorageError, locks.Busy) as error:
        raise ProgressError(f"{error}; {VARIABLE} may name another file, or say off") from error


def _typed_by_a_reader() -> bool:
    """Whether somebody sits before this cell, and the cell is none of the book's solutions."""
    shell = get_ipython()
    if shell is None:  # a script, or a test
        return False
    kernel = getattr(shell, "kernel", None)
    if kernel is None:  # IPython in a terminal
        return True
    asked = kernel.get_parent("shell")["content"]
    # nbclient, and all that executes notebooks with it, says that nobody is there who could be asked for input.
    return bool(asked.get("allow_stdin")) and asked["code"].strip() not in _solutions(shell.user_ns)


def _solutions(names: dict[str, Any]) -> set[str]:
    """The cells of the open notebook that are tagged `solution`; none where its file is not known."""
    # Jupyter's server and Visual Studio Code tell a kernel in these ways whose it is.
    opened = Path(names.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME", ""))
    try:
        cells = _cells(opened) if opened.is_file() else []
        tagged = [cell for cell in cells if "solution" in cell.get("metadata", {}).get("tags", [])]
        return {"".join(cell["source"]).strip() for cell in tagged}
    except Exception as error:  # of whichever reader of notebooks: an answer stays right
        raise ProgressError(f"{opened} cannot be read, so a solution could not be told from an answer") from error


def _cells(notebook: Path) -> list[dict[str, Any]]:
    if notebook.suffix == ".ipynb":
        return json.loads(notebook.read_bytes()).get("cells", [])
    import jupytext  # it is there wherever texts are opened as notebooks

    return jupytext.read(notebook).cells
