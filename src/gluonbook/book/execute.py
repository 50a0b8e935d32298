"""Execute the chapters: in parallel where nothing is timed, each at most once, with progress.

The results go to a jupyter-cache (see `freshness`), where Sphinx finds them; a chapter that raises, or that leaves
something unclean in its outputs, is not stored and fails the run.
"""

from __future__ import annotations

import datetime
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.main import JupyterCacheBase
from myst_nb.core.read import myst_nb_reader_plugin
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from tqdm import tqdm

from gluonbook import environment
from gluonbook.book import freshness
from gluonbook.book.chapters import Chapter, chapters, root
from gluonbook.exercises import checking as exercises
from gluonbook.profiles import profile

STATES_KEPT = 5  # of the code: going back and forth between branches should not execute everything anew

# What keeps MXNet's and the terminal's chatter out of a notebook.
QUIET = {
    "JUPYTER_PREFER_ENV_PATH": "1",
    "MXNET_CUDNN_AUTOTUNE_DEFAULT": "0",
    "MXNET_STORAGE_FALLBACK_LOG_VERBOSE": "0",
    "MXNET_SUBGRAPH_VERBOSE": "0",
}

_RUNNING: set[NotebookClient] = set()
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_ADDRESS = re.compile(r"<[^<>]* at 0x[0-9a-f]+>")
_HOME = re.compile(r"/(?:home|Users|root)/[\w.-]+")


@dataclass(frozen=True)
class Executed:
    """A chapter with its outputs, where and when they were made, and what is wrong with them."""

    chapter: Chapter
    notebook: NotebookNode
    seconds: float
    date: str
    profile: str
    machine: dict
    versions: dict
    problems: tuple[str, ...] = ()

    def provenance(self) -> dict:
        """All but the notebook, for the page's footer and for tables."""
        return {name: getattr(self, name) for name in ("seconds", "date", "profile", "machine", "versions")}


def cache_folder() -> Path:
    """Where the executed chapters of the present state of the code are kept."""
    return root() / "_build/executed" / freshness.key(root())


def execute(wanted: list[Chapter] | None = None, folder: Path | None = None) -> list[Executed]:
    """Execute each of the chapters (all, unless some are `wanted`) that has no fresh result, and return all results.

    `folder` is where results are kept: the present state's `cache_folder()`, unless the caller has fixed it before.

    Chapters that measure time run alone, on all cores; the others run side by side, and share them.
    Problems are returned, not raised: see `Executed.problems`.
    """
    todo = [chapter for chapter in (wanted or chapters()) if chapter.runs]
    folder = folder or cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    cache = get_cache(folder)
    results = {chapter.name: _recall(cache, chapter) for chapter in todo}
    rest = [chapter for chapter in todo if not results[chapter.name]]
    with _Progress(rest) as progress:
        for result in _run_all(rest, progress):
            if not result.problems:
                _store(cache, result)
            results[result.chapter.name] = result
    _forget_old_states(folder.parent)
    return [results[chapter.name] for chapter in todo]


def stored() -> list[Executed]:
    """The chapters that have a fresh result, without executing anything."""
    if not cache_folder().exists():
        return []
    cache = get_cache(cache_folder())
    return [result for chapter in chapters() if chapter.runs for result in [_recall(cache, chapter)] if result]


def unclean(notebook: NotebookNode) -> list[str]:
    """What a reader should not see in the outputs: warnings, terminal codes, memory addresses, folders of a machine."""
    found = []
    for index, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        for output in cell.outputs:
            text = _text(output)
            if output.get("name") == "stderr":
                found.append(f"cell {index + 1} wrote to stderr: {text.strip()[:300]}")
            if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
                found.append(f"cell {index + 1} leaves a widget, such as a progress bar, that a page cannot show")
            for what, pattern in (("a terminal code", _ANSI), ("an address", _ADDRESS), ("a home folder", _HOME)):
                if match := pattern.search(text):
                    found.append(f"cell {index + 1} prints {what}: {match[0]!r}")
        for output in cell.outputs:
            record = output.get("metadata", {}).get(exercises.RECORD)
            if record and record["solved"] is False and "solution" in cell.metadata.get("tags", []):
                found.append(f"cell {index + 1}: the solution of {record['name']!r} fails its check: {_text(output)}")
    return found


def _run_all(todo: list[Chapter], progress: _Progress) -> Iterator[Executed]:
    """Each chapter's result as soon as it is there."""
    cores = environment.cores()
    # Two notebooks at once: a third gains nothing, since a chapter that computes keeps its cores busy by itself.
    jobs = min(2, cores)
    with ThreadPoolExecutor(jobs) as pool:
        together = [pool.submit(_run, chapter, cores // jobs, progress) for chapter in todo if not chapter.timed]
        try:
            yield from (future.result() for future in as_completed(together))
        except BaseException:  # an interrupt, as a rule: nothing may go on behind it
            pool.shutdown(wait=False, cancel_futures=True)
            _end_kernels()
            raise
    yield from (_run(chapter, cores, progress) for chapter in todo if chapter.timed)


def _run(chapter: Chapter, threads: int, progress: _Progress) -> Executed:
    notebook = myst_nb_reader_plugin(str(chapter.path))
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    done = 0

    def before(cell: NotebookNode, cell_index: int) -> None:
        nonlocal done
        done += cell.cell_type == "code"
        progress.at(chapter, done, cells)

    client = NotebookClient(
        notebook,
        extra_arguments=["--log-level=ERROR"],  # the kernel talks to this process alone, over the loopback
        timeout=profile().cell_timeout,
        record_timing=False,  # times would become part of the cells, and of the hash by which the cache knows them
        resources={"metadata": {"path": str(chapter.path.parent)}},
        on_cell_start=before,
    )
    start = time.perf_counter()
    problems: list[str] = []
    _RUNNING.add(client)
    try:
        client.execute(env=_kernel_environment(threads))
        problems += unclean(notebook)
    except (CellControlSignal, CellTimeoutError, DeadKernelError) as error:
        problems.append(_ANSI.sub("", str(error)))
    finally:
        _RUNNING.discard(client)
    seconds = time.perf_counter() - start
    progress.finished(chapter, seconds, failed=bool(problems))
    return Executed(
        chapter=chapter,
        notebook=notebook,
        seconds=seconds,
        date=datetime.date.today().isoformat(),
        profile=profile().name,
        machine=environment.machine(),
        versions=environment.versions(),
        problems=tuple(problems),
    )


def _end_kernels() -> None:
    """Kill the kernels that are at work, each with all that it has started."""
    for client in list(_RUNNING):
        kernel = client.km.provisioner.pid if client.km and client.km.provisioner else None
        if kernel:
            with suppress(ProcessLookupError):
                os.killpg(kernel, signal.SIGKILL)


def _kernel_environment(threads: int) -> dict[str, str]:
    # Under a test, ipykernel would not look at what libraries write to stderr, and the chapter would seem clean.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    return {
        **inherited,
        **QUIET,
        "OMP_NUM_THREADS": str(threads),
        # Two matrix products at once, each on several threads, wait for each other for ever in MXNet 1.9.1's BLAS.
        "MXNET_CPU_WORKER_NTHREADS": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "TQDM_DISABLE": "1",  # a bar that has run its course is noise on a page
    }


def _recall(cache: JupyterCacheBase, chapter: Chapter) -> Executed | None:
    source = myst_nb_reader_plugin(str(chapter.path))
    try:
        record = cache.match_cache_notebook(source)
    except KeyError:
        return None
    _, notebook = cache.merge_match_into_notebook(source)
    data = dict(record.data)
    return Executed(chapter=chapter, notebook=notebook, seconds=data.pop("execution_seconds"), **data)


def _store(cache: JupyterCacheBase, result: Executed) -> None:
    data = result.provenance()
    data["execution_seconds"] = data.pop("seconds")  # the name under which MyST-NB looks for it
    bundle = CacheBundleIn(result.notebook, str(result.chapter.path), data=data)
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def _forget_old_states(folder: Path) -> None:
    """Remove the results of all but the last states of the code."""
    states = sorted(folder.iterdir(), key=lambda folder: folder.stat().st_mtime)
    for state in states[:-STATES_KEPT]:
        shutil.rmtree(state)


def _text(output: NotebookNode) -> str:
    data = output.get("data", {})
    return "".join([output.get("text", ""), "\n".join(output.get("traceback", [])), data.get("text/plain", "")])


class _Progress:
    """Which chapter is being executed, how far it is, how many are to go: a bar on a terminal, lines elsewhere."""

    def __init__(self, todo: list[Chapter]) -> None:
        self.total = len(todo)
        self.done = 0
        self.running: dict[str, str] = {}
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
            if chapter.short not in self.running:
                self._line(f"executing {chapter.short} ({cells} cells)")
            self.running[chapter.short] = f"{chapter.short} {cell}/{cells}"
            self.bar.set_postfix_str(", ".join(self.running.values()))

    def finished(self, chapter: Chapter, seconds: float, failed: bool) -> None:
        with self.lock:
            self.done += 1
            self.running.pop(chapter.short, None)
            outcome = "FAILED after" if failed else "executed in"
            self._line(f"{chapter.short} {outcome} {seconds:.0f} s; {self.total - self.done} to go")
            self.bar.update()

    def _line(self, text: str) -> None:
        tqdm.write(f"[{self.done}/{self.total}] {text}", file=sys.stdout)
        sys.stdout.flush()
