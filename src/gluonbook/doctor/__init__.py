"""Look at this machine: what works, what is missing, what helps, and what each chapter will need."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from gluonbook.doctor import hardware, preflight, report, software
from gluonbook.doctor.chapters import Ahead, Outlook, outlook
from gluonbook.doctor.check import NOTE, OK, PROBLEM, Check
from gluonbook.machine import limits

__all__ = ["NOTE", "OK", "PROBLEM", "Ahead", "Check", "Outlook", "checks", "outlook", "run"]

_LOOKS: dict[str, Callable[[], Check | list[Check]]] = {
    "Python": software.python,
    "packages": software.packages,
    "lock": software.lock,
    "MXNet": software.mxnet,
    "processor": hardware.processor,
    "memory": hardware.memory,
    "disk": hardware.disk,
    "folders": hardware.folders,
    "shared memory": hardware.shared_memory,
    "temporary files": hardware.temporary_files,
    "limits": hardware.process_limits,
    "GPU": hardware.gpu,
    "libraries": hardware.shared_libraries,
    "MPI": software.mpi,
    "Jupyter kernel": software.kernel,
    "data sets": software.data_sets,
}


def checks(workshop: Outlook | None = None) -> list[Check]:
    """Look at everything, in the order in which it is told; takes some seconds, and changes nothing.

    With an outlook on the chapters for a `workshop`, what its agendas do is tried as well.
    """
    found: list[Check] = []
    for name, look in {**_LOOKS, **(_preflight(workshop) if workshop else {})}.items():
        result = _look(name, look)
        found += result if isinstance(result, list) else [result]
    return found


def run(json: bool = False, chapter: str | None = None, workshop: bool = False) -> int:
    """Print what was found, and what the chapters (or one `chapter`) need; the exit status: 1 if there is a problem.

    With `workshop`, the pre-flight of a workshop is made as well.

    Raises:
        ValueError: there is no such chapter.
    """
    everything = outlook()
    ahead = everything.only(chapter)
    found = checks(everything if workshop else None)
    if json:
        print(report.as_json(found, ahead))
    else:
        report.show(found, ahead)
    return int(any(check.status == PROBLEM for check in found))


def _preflight(ahead: Outlook) -> dict[str, Callable[[], Check]]:
    return {
        "workshop: data": partial(preflight.data, ahead),
        "workshop: mpi": partial(preflight.launches, "mpi"),
        "workshop: pslite": partial(preflight.launches, "pslite"),
        "workshop: room": preflight.room,
        "workshop: JupyterLab": preflight.jupyterlab,
        "workshop: port": preflight.port,
    }


def _look(name: str, look: Callable[[], Check | list[Check]]) -> Check | list[Check]:
    try:
        return look()
    except Exception as error:  # whatever it is, it is a finding, and the other findings are wanted still
        finding = f"could not be looked at: {type(error).__name__}: {error}"
        return Check(name, PROBLEM, finding, limits.behind_error(error) or "Look at what else is a problem first.")
