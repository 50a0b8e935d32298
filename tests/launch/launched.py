"""What the tests of the launcher share: scripts that fail on purpose, and a census of the processes of a test."""

from __future__ import annotations

import os
import sys
import textwrap
import time
import uuid
from pathlib import Path

import psutil

import promises

MARK = "LAUNCH_TEST"

MPI = """
    import json, os, signal, sys, time
    from pathlib import Path
    from mpi4py import MPI
    from gluonbook.rank import heartbeat

    fault, at = sys.argv[1], int(sys.argv[2])
    comm = MPI.COMM_WORLD
    here = Path(__file__).parent
    (here / f"pid-{comm.rank}").write_text(str(os.getpid()))

    def is_faulty(step):
        if comm.rank != 2 or step != at:
            return False
        (here / "fault-at").write_text(str(time.monotonic()))
        return True

    for step in range(60):
        heartbeat.step()
        if step == 3 and comm.rank == 0:
            heartbeat.saved(here / "step-3")
        if is_faulty(step):
            if fault == "kill": os.kill(os.getpid(), signal.SIGKILL)
            if fault == "crash": os.kill(os.getpid(), signal.SIGSEGV)
            if fault == "raise": raise ValueError("no such batch")
            if fault == "exit 1": sys.exit(1)
            if fault == "exit with words": sys.exit("the data is missing")
            if fault == "exit 0": sys.exit(0)
            if fault == "leave": os._exit(0)
            if fault == "abort": comm.Abort(7)
            if fault == "stop": os.kill(os.getpid(), signal.SIGSTOP)
            if fault == "skip": continue
            if fault == "hang": time.sleep(60)
        total = comm.allreduce(1)
        time.sleep(0.01)
    print("rank", comm.rank, "of", comm.size, "is done:", total)
"""

WAITING = """
    import os, time
    from pathlib import Path
    from mpi4py import MPI
    import subprocess, sys

    comm = MPI.COMM_WORLD
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    comm.Barrier()
    Path(__file__).with_name(f"ready-{comm.rank}").write_text(str(os.getpid()))
    time.sleep(600)
"""

PS = """
    import json, os, signal, sys, time
    from pathlib import Path
    import mxnet as mx
    from gluonbook.rank import heartbeat

    heartbeat.step()
    here = Path(__file__).parent
    kv = mx.kvstore.create("dist_sync")
    kv.init(3, mx.nd.zeros(4))
    kv._barrier()
"""


def script(folder: Path, text: str, name: str = "train.py") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(text))
    return path


def new_mark() -> str:
    return uuid.uuid4().hex


def marked(mark: str) -> list[psutil.Process]:
    """The living processes that carry a test's mark, whatever they are called; zombies have no environment left."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def wait_until_none_is_left(mark: str, promised: float) -> None:
    def left() -> list:
        return [(p.pid, p.cmdline()[-4:], p.status()) for p in marked(mark)]

    promises.wait_for(lambda: not marked(mark), promised, left)


def wait_for(files: list[Path]) -> None:
    def missing() -> list[str]:
        return [file.name for file in files if not file.is_file()]

    promises.wait_for(lambda: not missing(), 60, missing)


def since_fault(folder: Path, failed: Exception) -> float:
    """The seconds from the fault, which the script noted, until now: all processes of a machine share the clock."""
    at = folder / "fault-at"
    assert at.is_file(), f"the run failed before its fault: {failed}"
    return time.monotonic() - float(at.read_text())


def command_line(*words: str) -> list[str]:
    return [sys.executable, "-c", f"{promises.HEARS}; from gluonbook.cli import main; main()", "run", *words]
