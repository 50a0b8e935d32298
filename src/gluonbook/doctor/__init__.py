"""Look at this machine: what works, what is missing, what helps, and what each chapter will need."""

from __future__ import annotations

from collections.abc import Callable

from gluonbook.doctor import hardware, report, software
from gluonbook.doctor.chapters import Chapter, Outlook, outlook
from gluonbook.doctor.check import NOTE, OK, PROBLEM, Check

__all__ = ["NOTE", "OK", "PROBLEM", "Chapter", "Check", "Outlook", "checks", "outlook", "run"]

_LOOKS: dict[str, Callable[[], Check | list[Check]]] = {
    "Python": software.python,
    "packages": software.packages,
    "lock": software.lock,
    "MXNet": software.mxnet,
    "processor": hardware.processor,
    "memory": hardware.memory,
    "disk": hardware.disk,
    "folders": hardware.folders,
    "GPU": hardware.gpu,
    "CUDA libraries": hardware.cuda,
    "MPI": software.mpi,
    "Jupyter kernel": software.kernel,
    "data sets": software.data_sets,
}


def checks() -> list[Check]:
    """Look at everything, in the order in which it is told; takes some seconds, and changes nothing."""
    found: list[Check] = []
    for name, look in _LOOKS.items():
        result = _look(name, look)
        found += result if isinstance(result, list) else [result]
    return found


def run(json: bool = False, chapter: str | None = None) -> int:
    """Print what was found, and what the chapters (or one `chapter`) need; the exit status: 1 if there is a problem.

    Raises:
        ValueError: there is no such chapter.
    """
    ahead = outlook().only(chapter)
    found = checks()
    if json:
        print(report.as_json(found, ahead))
    else:
        report.show(found, ahead)
    return int(any(check.status == PROBLEM for check in found))


def _look(name: str, look: Callable[[], Check | list[Check]]) -> Check | list[Check]:
    try:
        return look()
    except Exception as error:  # whatever it is, it is a finding, and the other findings are wanted still
        return Check(name, PROBLEM, f"could not be looked at: {type(error).__name__}: {error}")
