"""What keeps a program from running: found by trying it otherwise, so that no advice is given that does not help."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path

Attempt = Callable[[Mapping[str, str], Sequence[str]], bool]
"""Whether the program runs with these variables, and these options of Python."""

# What changes a program from outside is tried first, then all but what says where things are.
_MEDDLING = (
    "PYTHON",
    "LD_",
    "OMP_",
    "KMP_",
    "MKL_",
    "OPENBLAS_",
    "MXNET_",
    "MPIR_",
    "UCX_",
    "FI_",
    "HYDRA_",
    "PMI_",
    "JUPYTER_",
)
_SYSTEM = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "LANG", "LC_", "TZ", "CUDA_")


def helps(attempt: Attempt) -> str:
    """What to change so that `attempt` succeeds, as a sentence; "" where nothing that was tried helps."""
    meddling = [name for name in os.environ if name.startswith(_MEDDLING)]
    others = [name for name in os.environ if not name.startswith(_SYSTEM)]
    for suspects in (meddling, others):
        if suspects and attempt(_without(suspects), ()):
            names = _guilty(suspects, lambda removed: attempt(_without(removed), ()))
            settings = ", ".join(f"{name}={os.environ[name]!r}" for name in names)
            return f"{settings} is at fault: `unset {' '.join(names)}`, with which it was tried and went well."
    if attempt(os.environ, ("-s",)):
        return "A package in your home folder is at fault: `export PYTHONNOUSERSITE=1`, which was tried and went well."
    if attempt(os.environ, ("-I",)):
        return f"{_shadows()} at fault: from another folder it goes well."
    return ""


def damaged(*packages: str) -> list[str]:
    """The files of installed packages that are gone, or of another size than what was installed."""
    found = []
    for package in packages:
        for name, file, size in _installed(package):
            rewritten = ".." in Path(name).parts  # a script, whose first line names this environment's Python
            if not file.exists() or (file.stat().st_size != size and not rewritten):
                found.append(name)
    return found


def _without(names: Sequence[str]) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in names}


def _guilty(suspects: list[str], well_without: Callable[[list[str]], bool]) -> list[str]:
    """A smallest part of the suspects without which it goes well: delta debugging (Zeller and Hildebrandt, 2002)."""
    parts = 2
    while len(suspects) > 1:
        size = -(-len(suspects) // parts)
        pieces = [suspects[first : first + size] for first in range(0, len(suspects), size)]
        rests = [[name for name in suspects if name not in piece] for piece in pieces]
        smaller = next((part for part in [*pieces, *rests] if part and well_without(part)), None)
        if smaller is not None:
            parts = 2 if smaller in pieces else max(parts - 1, 2)
            suspects = smaller
        elif parts >= len(suspects):
            break
        else:
            parts = min(2 * parts, len(suspects))
    return suspects


def _shadows() -> str:
    here = Path.cwd()
    names = {entry.stem for entry in here.iterdir() if entry.suffix == ".py" or (entry / "__init__.py").is_file()}
    installed = {Path(name).parts[0] for package in ("mxnet", "numpy", "mpi4py") for name, *_ in _installed(package)}
    taken = sorted(names & (set(getattr(sys, "stdlib_module_names", ())) | installed))
    if not taken:
        return f"Something in the working folder {here} is"
    verb = "is" if len(taken) == 1 else "are"
    return f"In the working folder {here}, {', '.join(taken)}, named like a module of Python or a package, {verb}"


def _installed(package: str) -> Iterator[tuple[str, Path, int]]:
    """The files that came with a package: as it names them, where they are, and of how many bytes they were."""
    try:
        found = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return
    for name, _, size in csv.reader((found.read_text("RECORD") or "").splitlines()):
        if size:
            yield name, Path(str(found.locate_file(name))), int(size)
