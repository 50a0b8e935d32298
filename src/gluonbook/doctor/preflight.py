"""The pre-flight for a workshop: whether what its agendas will do works here, tried by doing it once, in small."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import psutil
import requests

from gluonbook import paths
from gluonbook.book import agendas
from gluonbook.doctor.chapters import Outlook
from gluonbook.doctor.check import NOTE, OK, PROBLEM, Check
from gluonbook.machine import facts, supported

_TEMPORARY = 1.0  # GiB: logs, checkpoints, and the folders that chapters make for themselves
_WORKERS = 2
_PORT = 8888  # the one that JupyterLab asks for first
_PATIENCE = 120.0  # seconds until JupyterLab must have answered, on a slow disk


def data(outlook: Outlook) -> Check:
    """Whether the data of all chapters in the agendas and modules are here, in the present profile."""
    from gluonbook import datasets  # it imports MXNet

    name = "workshop: data"
    book = paths.checkout()
    taught = {chapter for agenda in (*agendas.read(book), *agendas.modules(book)) for chapter in agenda.chapters}
    ahead = [chapter for chapter in outlook.chapters if chapter.name in taught]
    if {chapter.name for chapter in ahead} != taught:
        missing = ", ".join(sorted(taught - {chapter.name for chapter in ahead}))
        remedy = "`make setup` brings the book's tooling; see also the agendas in chapters/back_matter."
        return Check(name, PROBLEM, f"not known: {missing} {outlook.note}".strip(), remedy)
    needed = sorted({need for chapter in ahead for need in chapter.needs})
    absent = [need for need in needed if datasets.status(need).state != "present"]
    if absent:
        remedy = f"`gluonbook data {' '.join(absent)}`, or the quick profile, which needs no download."
        return Check(name, PROBLEM, f"not here: {', '.join(absent)}", remedy)
    what = ", ".join(needed) or "the digits, which come with scikit-learn"
    return Check(name, OK, f"{len(ahead)} chapters take {what}")


def launches(engine: str) -> Check:
    """Whether two workers start, exchange an array, and end."""
    from gluonbook import launch

    name = f"workshop: {engine}"
    remedy = "Free what it names; else the output of `gluonbook doctor` on MPI and memory may say why."
    try:
        done = launch.run(["-m", "gluonbook.doctor.job", engine], _WORKERS, engine, show=(), quiet=True)
    except launch.LaunchError as error:
        return Check(name, PROBLEM, f"cannot be started: {error}", remedy)
    except launch.LaunchFailed as error:
        return Check(name, PROBLEM, f"failed: {error}", remedy)
    said = [done.log(rank) for rank in range(_WORKERS)]
    mean = sum(range(_WORKERS)) / _WORKERS
    if not all(f"the mean is {mean:g}" in text for text in said):
        return Check(name, PROBLEM, f"the workers disagree: {' '.join(' '.join(said).split())}", remedy)
    shutil.rmtree(done.folder, ignore_errors=True)
    return Check(name, OK, f"{_WORKERS} workers agreed and ended after {done.seconds:.0f} s")


def room() -> Check:
    """Whether there is free memory for what a chapter starts, and room for what it writes."""
    name = "workshop: room"
    memory = min(facts.memory(), psutil.virtual_memory().available / 2**30)
    folder = tempfile.gettempdir()
    disk = shutil.disk_usage(folder).free / 2**30
    finding = f"{memory:.1f} GiB of memory are free, and {disk:.1f} GiB in {folder}"
    remedies = []
    if memory < agendas.MEMORY:
        remedies.append(f"Close other programs, above all browsers, until {agendas.MEMORY:.1f} GiB of memory are free.")
    if disk < _TEMPORARY:
        remedies.append(f"Free {_TEMPORARY:.0f} GiB in {folder}, or set TMPDIR to a folder with more room.")
    return Check(name, PROBLEM if remedies else OK, finding, " ".join(remedies))


def jupyterlab() -> Check:
    """Whether JupyterLab starts and serves its page."""
    name = "workshop: JupyterLab"
    if supported.version("jupyterlab") is None:
        return Check(name, PROBLEM, "not installed", '`make setup`, or `python -m pip install "gluonbook[book]"`.')
    token, port = secrets.token_hex(16), _free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryFile() as log,
    ):
        options = [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"]
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", *options]
        server = subprocess.Popen(
            command, stdout=log, stderr=log, start_new_session=True, env={**os.environ, "JUPYTER_TOKEN": token}
        )
        start = time.monotonic()
        try:
            answered = _answers(server, f"http://127.0.0.1:{port}/lab?token={token}")
            seconds = time.monotonic() - start
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        log.seek(0)
        last = (log.read().decode(errors="replace").strip().splitlines() or ["it printed nothing"])[-1].strip()
    if answered:
        return Check(name, OK, f"its page was there after {seconds:.0f} s")
    remedy = "Start it with `make lab` and read what it prints; settings in ~/.jupyter count as well."
    return Check(name, PROBLEM, f"no page within {seconds:.0f} s: {last[:200]}", remedy)


def port() -> Check:
    """Whether the port that JupyterLab asks for first is free."""
    name = "workshop: port"
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", _PORT))
        except OSError:
            remedy = "JupyterLab takes the next one: open the address that it prints, not a bookmark."
            return Check(name, NOTE, f"{_PORT} is taken", remedy)
    return Check(name, OK, f"{_PORT}, where the browser will find JupyterLab, is free")


def _answers(server: subprocess.Popen, address: str) -> bool:
    """Whether the server gives this page before it ends or patience does."""
    browser = requests.Session()
    browser.trust_env = False  # no proxy is asked for what is on this machine
    end = time.monotonic() + _PATIENCE
    while server.poll() is None and time.monotonic() < end:
        try:
            if browser.get(address, timeout=10).ok:
                return True
        except requests.RequestException:
            pass  # not yet
        time.sleep(0.3)
    return False


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]
