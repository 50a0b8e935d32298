"""What a caller asks of a run, as the run takes it: every mistake is a sentence, before anything has been done.

Each raises ValueError for what can never be, FileNotFoundError for a missing file, and LaunchError for what the machine
refuses.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gluonbook import checks
from gluonbook.checks import whole_number
from gluonbook.launch import room
from gluonbook.launch.setup import LaunchError


def command(script: str | Path | Sequence[Any]) -> list[str]:
    """A script and its arguments, or -m, a module and its arguments, as texts."""
    words = [script] if isinstance(script, (str, bytes, os.PathLike)) else script
    if not isinstance(words, Sequence) or not words or not words[0]:
        raise ValueError(f"script must be a file, or a list of it (or of -m and a module) and words, got {script!r}")
    texts = [_text("a word of the script's", word) for word in words]
    if words[0] != "-m":  # a path of that name is a file
        return [str(file("script", texts[0])), *texts[1:]]
    if len(texts) < 2 or not _is_module(texts[1]):
        raise ValueError("-m must be followed by the name of a module")
    return texts


def _text(what: str, value: Any) -> str:
    """What a process can be handed: `value` as a file system and a command line would have it."""
    text = os.fsdecode(value) if isinstance(value, (str, bytes, os.PathLike)) else str(value)
    try:
        ends_early = b"\0" in os.fsencode(text)
    except UnicodeEncodeError:
        raise ValueError(f"{what} cannot be written in this machine's encoding: {text!r}") from None
    if ends_early:
        raise ValueError(f"{what} must not hold a zero byte, got {text!r}")
    return text


def variables(env: Mapping[str, Any]) -> dict[str, str]:
    """The variables that all parts get besides those of this process."""
    for name, value in env.items():
        if not isinstance(name, str) or not name or "=" in name or value is None:
            raise ValueError(f"env must hold names of variables and their values, got {name!r}: {value!r}")
    return {_text("the name of a variable", name): _text(f"the variable {name}", value) for name, value in env.items()}


def ranks(show: Sequence[int], workers: int) -> list[int]:
    """The ranks to show."""
    try:
        return [whole_number("show", rank, 0, workers - 1) for rank in show]
    except (TypeError, ValueError):
        raise ValueError(f"show must hold ranks from 0 to {workers - 1}, got {show!r}") from None


def file(what: str, path: str | Path) -> Path:
    """A file that can be read, by its whole path."""
    found = checks.path(what, path).absolute()
    if not found.exists():
        raise FileNotFoundError(f"there is no {what} {path}")
    if not found.is_file():
        raise LaunchError(f"the {what} {path} is no file")
    if not os.access(found, os.R_OK):
        raise LaunchError(f"the {what} {path} cannot be read: its permissions forbid it")
    return found


def modules(names: Sequence[str]) -> list[str]:
    """The names of modules that servers may trust."""
    if isinstance(names, str) or not all(isinstance(name, str) and _is_module(name) for name in names):
        raise ValueError(f'trust must be a list of names of modules, such as ["my_optimizers"], got {names!r}')
    if "__main__" in names:
        raise ValueError("trust cannot name __main__: a server does not run the script; name a module of its own")
    return list(names)


def _is_module(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def folder(path: str | Path | None) -> Path:
    """The folder of the logs, which is there when this returns."""
    with room.named("the logs have no folder"):
        if path is None:
            return Path(tempfile.mkdtemp(prefix="gluonbook-run-"))
        made = checks.path("log_dir", path).absolute()
        made.mkdir(parents=True, exist_ok=True)
    return made
