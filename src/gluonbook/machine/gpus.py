"""The GPUs of this machine, and what keeps MXNet 1.9.1 from using one: its age, or its driver.

All of it is known without MXNet, whose build for GPUs cannot be imported where no driver is.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import final

_CAPABILITIES = (5.0, 8.9)  # kernels for 5.0 to 8.6, no PTX that a newer GPU could compile; 8.9 runs those for 8.6
_DRIVER = (450, 80)  # the oldest that serves CUDA 11


@final
@dataclass(frozen=True)
class Gpu:
    """One GPU as nvidia-smi lists it; an old driver does not tell the compute capability."""

    name: str
    driver: str
    capability: float | None

    def __str__(self) -> str:
        capability = "unknown" if self.capability is None else self.capability
        return f"{self.name}, compute capability {capability}, driver {self.driver}"

    @property
    def hindrance(self) -> str:
        """Why MXNet 1.9.1 cannot use it, as a clause; nothing where nothing is known to be in the way."""
        oldest, newest = _CAPABILITIES
        if self.capability is not None and not oldest <= self.capability <= newest:
            age = "new" if self.capability > newest else "old"
            return (
                f"{self.name} is too {age} ({_sm(self.capability)}): MXNet 1.9.1 holds kernels for {_sm(oldest)} to "
                f"{_sm(newest)} alone"
            )
        if tuple(map(int, re.findall(r"\d+", self.driver)[:2])) < _DRIVER:
            return f"the driver {self.driver} is too old: CUDA 11 needs {'.'.join(map(str, _DRIVER))} or later"
        return ""


def listed() -> list[Gpu]:
    """The GPUs that nvidia-smi lists; none where it is missing or gets no answer from the driver."""
    rows = _nvidia_smi("name,driver_version,compute_cap") or _nvidia_smi("name,driver_version")
    return [Gpu(row[0], row[1], _number(row[2]) if len(row) > 2 else None) for row in rows if len(row) > 1]


def hindrances() -> list[str]:
    """What is in the way of the listed GPUs, each thing once."""
    return list(dict.fromkeys(reason for gpu in listed() if (reason := gpu.hindrance)))


def _sm(capability: float) -> str:
    return f"sm_{round(capability * 10)}"


def _nvidia_smi(columns: str) -> list[list[str]]:
    command = ["nvidia-smi", f"--query-gpu={columns}", "--format=csv,noheader"]
    try:
        answer = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):  # no driver, one that does not answer, or one that lacks a column
        return []
    return [[field.strip() for field in line.split(",")] for line in answer.splitlines() if line.strip()]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # "[N/A]"
        return None
