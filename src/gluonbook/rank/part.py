"""The process of one part of a run: a rank, a worker, a server or the scheduler.

    python -m gluonbook.rank.part ORDER

It is two processes. The outer one, the keeper, does nothing but wait for the inner one and note how it ended, with its
signal, which would otherwise be known to its parent alone: mpiexec, perhaps on another machine. The inner one does the
work, and is killed by the kernel when its keeper ends, as the keeper is when mpiexec or the launcher ends.

An exception ends the process at once, with its traceback and exit status 1, and with it the run. To end as Python
does would mean to wait, in MPI_Finalize or in ps-lite's last barrier, for ranks that wait for this one.
"""

from __future__ import annotations

import faulthandler
import os
import runpy
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from gluonbook.rank import lifeline, notes, ports
from gluonbook.rank.ending import fail, leave
from gluonbook.rank.order import Order


def main() -> None:
    order = Order.read(sys.argv[1])
    own = notes.Notes(Path(order.notes), order.name)
    os.environ.update({notes.FOLDER: order.notes, notes.NAME: own.name})
    _redirect(Path(order.logs) / f"{own.name}.log")
    lifeline.tie(_parent)
    keep(own)
    _perform(_task(order))


def keep(own: notes.Notes) -> None:
    """Split this process: return in the inner one; in the outer one wait for it, note how it ended, and end alike."""
    keeper = os.getpid()
    inner = os.fork()
    if inner == 0:
        lifeline.tie(keeper)
        own.write("started", f"{keeper} {os.getpid()}")
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to both, and this one is to tell of the other
    _, status = os.waitpid(inner, 0)
    code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    try:
        own.write("ended", str(code))
    finally:  # where that cannot be noted, the launcher says why
        os._exit(code if code >= 0 else 128 - code)


def _perform(task: Callable[[], None]) -> None:
    faulthandler.enable()
    faulthandler.register(lifeline.DUMP, all_threads=True)
    try:
        task()
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            words = str(end.code)
            leave(f"ended with the message {words!r}", 1, lambda: print(words, file=sys.stderr))
        elif end.code:
            leave(f"ended with exit status {end.code}", end.code)
    except BaseException as error:
        fail(f"raised {''.join(traceback.format_exception_only(type(error), error)).strip()}", error)

    from gluonbook.rank import heartbeat

    heartbeat.pause()
    own = notes.Notes.own()
    if own:
        own.write("finished", "")


def _task(order: Order) -> Callable[[], None]:
    # A server looks for the modules that it is to trust where the script finds them.
    if order.command[0] != "-m" and not getattr(sys.flags, "safe_path", False):
        sys.path[0] = str(Path(order.command[0]).resolve().parent)  # as Python does; so far it is the working directory
    return lambda: _begin(order)


def _begin(order: Order) -> None:
    with ports.held(os.environ["DMLC_NODE_HOST"], order.ports) if order.ports else nullcontext() as port:
        if port:
            os.environ["PORT"] = str(port)  # where ps-lite listens, by which it numbers its parts
        if order.role in ("server", "scheduler"):
            from gluonbook.rank import server

            server.serve(order.role)
        else:
            _run(list(order.command))


def _run(command: list[str]) -> None:
    if command[0] == "-m":
        sys.argv[:] = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv[:] = command
        runpy.run_path(command[0], run_name="__main__")


def _redirect(log: Path) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


_parent = os.getppid()

if __name__ == "__main__":
    main()
