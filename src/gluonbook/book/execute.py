"""Execute the chapters: in parallel where nothing is timed, each at most once, with progress.

The results go to a jupyter-cache (see `executions`), where Sphinx finds them; a chapter that raises, or that leaves
something unclean in its outputs, is not stored and fails the run. Where a clock is to blame, a claim on a time or a
time-out, it is executed once more before that, by itself, when the machine is quiet or a minute has passed.
"""

from __future__ import annotations

import atexit
import datetime
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from threading import Event, Lock
from typing import final

from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError
from nbformat import NotebookNode
from tqdm import tqdm

from gluonbook import checks
from gluonbook.book.chapters import Book, Chapter
from gluonbook.book.executions import Executed, Executions
from gluonbook.book.outputs import unclean, without_colours
from gluonbook.book.patience import Watch
from gluonbook.claims import ClockClaimFailed
from gluonbook.launch import LaunchTimedOut
from gluonbook.machine import facts, load
from gluonbook.profiles import profile

# What keeps MXNet's and the terminal's chatter out of a notebook.
QUIET = {
    "JUPYTER_PREFER_ENV_PATH": "1",
    "MXNET_CUDA_LIB_CHECKING": "0",  # `devices` looks, and says what it finds on the page
    "MXNET_CUDNN_AUTOTUNE_DEFAULT": "0",
    "MXNET_STORAGE_FALLBACK_LOG_VERBOSE": "0",
    "MXNET_SUBGRAPH_VERBOSE": "0",
}

# How threads get along on a machine with few cores, in the book's build and in JupyterLab alike.
THREADS = {
    # Threads that spin until the others are done take the cores from those for whom they wait, on a busy machine.
    "OMP_WAIT_POLICY": "PASSIVE",
    # Two matrix products at once, each on several threads, wait for each other for ever in MXNet 1.9.1's BLAS.
    "MXNET_CPU_WORKER_NTHREADS": "1",
}

_CELL_TIMEOUT = {"quick": 300, "ci": 300, "full": 6 * 3600}  # seconds of a quiet machine: then a cell is stuck

# What a busy machine may be to blame for, by the names that a kernel tells.
_LATE = {error.__name__ for error in (ClockClaimFailed, LaunchTimedOut, TimeoutError, subprocess.TimeoutExpired)}
_STARTING = 600  # seconds for a kernel, which is found out at once if it dies
_PATIENCE = 60.0  # seconds to wait for a quiet machine before the second attempt

_RUNNING: set[NotebookClient] = set()
_INTERRUPTED = Event()


def execute(
    book: Book,
    kept: Executions | None = None,
    only: Collection[Chapter] | None = None,
    is_left_out: Callable[[Chapter], bool] = lambda chapter: False,
) -> list[Executed]:
    """Execute each chapter that has no result of now among those `kept` (by default in `_build`); return all.

    With `only`, no others are executed or returned. `is_left_out` is asked of each when its turn to be executed has
    come; one that is left out is not returned.
    Chapters that measure time run alone, on all cores; the others run side by side, and share them.
    Problems are returned, not raised: see `Executed.problems`.
    """
    kept = kept or Executions(book)
    todo = [chapter for chapter in book.running if only is None or chapter in only]
    recalled = {chapter.name: kept.recall(chapter) for chapter in todo}
    found = {name: result for name, result in recalled.items() if result}
    rest = [chapter for chapter in todo if chapter.name not in found]
    with _Progress(rest) as progress:
        for result in _run_all(rest, progress, book.root, is_left_out):
            found[result.chapter.name] = kept.store(result)
    kept.forget_old_states()
    return [found[chapter.name] for chapter in todo if chapter.name in found]


def _run_all(
    todo: list[Chapter], progress: _Progress, root: Path, is_left_out: Callable[[Chapter], bool]
) -> Iterator[Executed]:
    """Each chapter's result as soon as it is there; last come those for which it takes a second attempt."""
    late = []
    for result in _run_each(todo, progress, root, is_left_out):
        if result.late:
            late.append(result)
        else:
            yield result
    yield from (_run_again(result, progress, root) for result in late)


def _run_again(first: Executed, progress: _Progress, root: Path) -> Executed:
    load.wait_until_quiet(_PATIENCE)
    second = _run(first.chapter, facts.cores(), progress, root)
    if not second.problems:
        return second
    (reason,) = first.problems
    told = f"That was the second attempt, by itself; {load.busy()}. The first had ended with: {_last_line(reason)}"
    return replace(second, problems=(*second.problems, told))


def _run_each(
    todo: list[Chapter], progress: _Progress, root: Path, is_left_out: Callable[[Chapter], bool]
) -> Iterator[Executed]:
    def run(chapter: Chapter, threads: int) -> Executed | None:
        if is_left_out(chapter):
            progress.left_out(chapter)
            return None
        return _run(chapter, threads, progress, root)

    cores = facts.cores()
    # Two notebooks at once: a third gains nothing, since a chapter that computes keeps its cores busy by itself.
    jobs = min(2, cores)
    _INTERRUPTED.clear()
    if todo:
        _prepare(root)
    os.environ.update(QUIET)  # which kernel is meant is looked up in this process
    with ThreadPoolExecutor(jobs) as pool:
        together = [pool.submit(run, chapter, cores // jobs) for chapter in todo if not chapter.timed]
        try:
            yield from filter(None, (future.result() for future in as_completed(together)))
        except BaseException:  # an interrupt, as a rule: nothing may go on behind it
            _INTERRUPTED.set()
            pool.shutdown(wait=False, cancel_futures=True)
            _end_kernels()
            raise
    yield from filter(None, (run(chapter, cores) for chapter in todo if chapter.timed))


def _run(chapter: Chapter, threads: int, progress: _Progress, root: Path) -> Executed:
    notebook = chapter.notebook()
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    done = 0

    def before(cell: NotebookNode, cell_index: int) -> None:
        nonlocal done
        if _INTERRUPTED.is_set():  # while the kernel was starting, and could not be ended yet
            raise DeadKernelError("interrupted")
        done += cell.cell_type == "code"
        watch.begin()
        progress.at(chapter, done, cells)

    watch = Watch(_CELL_TIMEOUT[profile()])
    client = NotebookClient(
        notebook,
        extra_arguments=["--log-level=ERROR"],  # the kernel talks to this process alone, over the loopback
        timeout=None,  # see `watch`
        startup_timeout=_STARTING,
        record_timing=False,  # times would become part of the cells, and of the hash by which the cache knows them
        resources={"metadata": {"path": str(chapter.path.parent)}},
        on_cell_start=before,
    )
    start = time.perf_counter()
    problems: list[str] = []
    late = False
    _RUNNING.add(client)
    try:
        with watch.until_stuck(lambda: _end_kernel(client)):
            client.execute(env=_kernel_environment(threads, root))
        problems += unclean(notebook, root)
    except (CellControlSignal, DeadKernelError, NoSuchKernel, RuntimeError) as error:
        stuck = (
            f"cell {done} of {cells} is stuck: it took more than {watch.seconds:g} s of a quiet machine; {load.busy()}"
        )
        problems.append(stuck if watch.stuck else without_colours(str(error)).strip())
        late = watch.stuck or getattr(error, "ename", None) in _LATE
    finally:
        _RUNNING.discard(client)
    seconds = time.perf_counter() - start
    progress.finished(chapter, seconds, problems, late)
    return Executed(
        chapter=chapter,
        notebook=notebook,
        seconds=seconds,
        date=datetime.date.today().isoformat(),
        profile=profile(),
        machine=facts.machine(),
        versions=facts.versions(),
        problems=tuple(problems),
        late=late,
    )


def _last_line(problem: str) -> str:
    return problem.splitlines()[-1]


def _end_kernels() -> None:
    for client in list(_RUNNING):
        _end_kernel(client)


def _end_kernel(client: NotebookClient) -> None:
    """Kill a kernel that is at work, with all that it has started."""
    kernel = getattr(client.km.provisioner, "pid", None) if client.km else None
    if kernel:
        with suppress(ProcessLookupError):
            os.killpg(kernel, signal.SIGKILL)


def _kernel_environment(threads: int, root: Path) -> dict[str, str]:
    # Python's own variables may point at other packages. Under a test, ipykernel would not look at what libraries write
    # to stderr, and the chapter would seem clean.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    settings = {
        **QUIET,
        **THREADS,
        "OMP_NUM_THREADS": str(threads),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "NO_COLOR": "1",
        "PYTHONUTF8": "1",
        "TERM": "dumb",
        "TQDM_DISABLE": "1",  # a bar that has run its course is noise on a page
        # The reader's own settings stay out of the book, and a home that cannot be written does no harm.
        "MPLCONFIGDIR": str(_writable(root / "_build/matplotlib")),
        "IPYTHONDIR": str(_writable(root / "_build/ipython")),
    }
    if os.environ.get("GLUONBOOK_DATA"):  # a chapter runs in its own folder
        settings["GLUONBOOK_DATA"] = str(checks.path("GLUONBOOK_DATA", os.environ["GLUONBOOK_DATA"]).absolute())
    return {**inherited, **settings}


def _prepare(root: Path) -> None:
    """Let matplotlib make its list of fonts, if it has no sound one: it takes seconds, and a chapter would warn."""
    command = [sys.executable, "-c", "import matplotlib.font_manager"]
    subprocess.run(command, env=_kernel_environment(1, root), stderr=subprocess.DEVNULL)


@cache
def _writable(folder: Path) -> Path:
    """The folder, or a temporary one where nothing can be written to it: a library would warn of that on a page."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
    other = Path(tempfile.mkdtemp(prefix="gluonbook-"))
    atexit.register(shutil.rmtree, other, ignore_errors=True)
    return other


@final
class _Progress:
    """Which chapter is being executed, how far it is, how many are to go: a bar on a terminal, lines elsewhere."""

    def __init__(self, todo: list[Chapter]) -> None:
        self.total = len(todo)
        self.done = 0
        self.running: dict[str, str] = {}
        self.postponed: set[Chapter] = set()
        self.lock = Lock()
        self.bar = tqdm(
            total=self.total,
            unit="chapter",
            disable=not (self.total and sys.stderr.isatty()),
            bar_format="{l_bar}{bar:20}{r_bar}",
        )

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def at(self, chapter: Chapter, cell: int, cells: int) -> None:
        with self.lock:
            if chapter.key not in self.running:
                self._line(f"executing {chapter.key} ({cells} cells)")
            self.running[chapter.key] = f"{chapter.key} {cell}/{cells}"
            self.bar.set_postfix_str(", ".join(self.running.values()))

    def finished(self, chapter: Chapter, seconds: float, problems: list[str], late: bool) -> None:
        with self.lock:
            self.running.pop(chapter.key, None)
            if late and chapter not in self.postponed:
                self.postponed.add(chapter)
                self._line(f"{chapter.key} failed on a clock after {seconds:.0f} s: {_last_line(problems[0])}")
                self._line(f"{chapter.key} will be executed once more, by itself")
                return
            self.done += 1
            outcome = "FAILED after" if problems else "executed in"
            self._line(f"{chapter.key} {outcome} {seconds:.0f} s; {self.total - self.done} to go")
            self.bar.update()

    def left_out(self, chapter: Chapter) -> None:
        with self.lock:
            self.done += 1
            self._line(f"{chapter.key} left out; {self.total - self.done} to go")
            self.bar.update()

    def _line(self, text: str) -> None:
        tqdm.write(f"[{self.done}/{self.total}] {text}", file=sys.stdout)
        sys.stdout.flush()
