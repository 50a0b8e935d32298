"""Each limit is really set in a process of its own, which runs into it, and asks what was behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass

import pytest

from gluonbook.machine import limits

SET = "import os, resource, signal, sys; from gluonbook.machine import limits\n"
TELL = "\nexcept BaseException as error: print(limits.behind_error(error))"


@dataclass(frozen=True)
class Case:
    """A limit of `resource`, soft and hard; what runs into it, or the signal that it ends in; what is said."""

    limit: str
    soft: int
    runs: str | int
    said: str
    hard: int = -1


CASES = [
    Case("NOFILE", 30, "[os.dup(0) for _ in range(99)]", "may have 30 files open (`ulimit -n 5000` raises it).", 5000),
    Case(
        "NOFILE",
        30,
        "[os.dup(0) for _ in range(99)]",
        "(ulimit -n, and an administrator or `docker run --ulimit` raises it)",
        30,
    ),
    Case("AS", 2**31, "bytearray(2**32)", "may take 2 GiB of memory", -1),
    Case("AS", 2**31, "import mmap; mmap.mmap(-1, 2**32)", "`ulimit -v unlimited` raises it", -1),
    Case("DATA", 2**31, "bytearray(2**32)", "`ulimit -d unlimited` raises it", -1),
    Case("FSIZE", 4096, "open(sys.argv[1], 'wb').write(bytes(9999))", "A file may have 4 KiB (`ulimit -f unlimited`"),
    Case("FSIZE", 4096, signal.SIGXFSZ, "A file may have 4 KiB"),
    Case("CPU", 2, signal.SIGXCPU, "may compute for 2 s (`ulimit -t unlimited` raises it)"),
    Case(
        "CPU",
        2,
        signal.SIGKILL,
        "may compute for 2 s (ulimit -t, and an administrator or `docker run --ulimit` raises it)",
        2,
    ),
    Case("STACK", 2**19, signal.SIGSEGV, "A stack may have 512 KiB (`ulimit -s 8192` raises it)."),
    Case("STACK", 2**19, signal.SIGSEGV, "A stack may have 512 KiB (ulimit -s, and an administrator", 2**19),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.limit}-{case.runs}-{case.hard}")
def test_a_limit_is_named_with_what_raises_it(tmp_path, case):
    code = f"{SET}resource.setrlimit(resource.RLIMIT_{case.limit}, ({case.soft}, {case.hard}))\n"
    if isinstance(case.runs, int):
        code += f"print(limits.behind_signal({-case.runs}))"
    else:
        code += f"try: {case.runs}{TELL}"
    command = [sys.executable, "-c", code, str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert case.said in done.stdout


@pytest.mark.parametrize("number", sorted(set(signal.Signals)))
def test_of_a_signal_nothing_is_said_that_this_machine_does_not_show(number):
    said = limits.behind_signal(number)
    assert said == "" or number in (signal.SIGKILL, signal.SIGILL, signal.SIGSYS, signal.SIGBUS, signal.SIGSEGV)
