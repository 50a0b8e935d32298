"""Python, the packages, MXNet itself, MPI, the Jupyter kernel, the data sets."""

from __future__ import annotations

import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from gluonbook import paths
from gluonbook.doctor import tries
from gluonbook.doctor.check import NOTE, OK, PROBLEM, Check
from gluonbook.launch import LaunchError, room
from gluonbook.machine import facts, libraries, limits, load, locked, supported

if TYPE_CHECKING:
    from gluonbook.datasets import Status

STAMP = ".gluonbook-setup"  # what scripts/setup.sh leaves in an environment that it made from the lock
_SHOWN = 5  # packages that are named; a longer list helps nobody
_RANKS = 2
_PATIENCE = 30.0  # seconds for each try to find out what helps


def python() -> Check:
    """Which Python runs, and from where."""
    return Check("Python", OK, f"{platform.python_version()} in {sys.prefix}")


def packages() -> Check:
    """The version of gluonbook, and whether the packages that it declares are here, in versions that it allows."""
    own = f"gluonbook {supported.version('gluonbook')}"
    kind = _kind()
    needed: list[str] = []
    optional: list[str] = []
    for requirement in map(Requirement, metadata.requires("gluonbook") or []):
        extra = _extra(requirement)
        if extra in ("cpu", "cu112") and extra != kind:
            continue
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        found = supported.version(requirement.name)
        if not _fits(requirement, found):
            wrong = f"{requirement.name} {found or 'is missing'} (needs {requirement.specifier or 'any'})"
            (optional if extra not in ("", kind) else needed).append(wrong)
    if needed:
        remedy = f'`python -m pip install "gluonbook[{kind}]"`, or `make setup`.'
        return Check("packages", PROBLEM, f"{own}; {_some(needed)}", remedy)
    if optional:
        remedy = "Only the book's tooling, its tests or MPI use these: `make setup` brings them."
        return Check("packages", NOTE, f"{own}; {_some(optional)}", remedy)
    return Check("packages", OK, f"{own}, and all that it declares")


def lock() -> Check:
    """Whether the packages are those of the lock, from which `make setup` makes environments."""
    root = paths.checkout()
    if root is None:
        return Check("lock", NOTE, "gluonbook is installed without the book, so there is no lock to compare with")
    file = root / "requirements" / f"{_kind()}.txt"
    pins = [entry.requirement for entry in locked.read(file) if entry.applies()]
    found = {pin.name: supported.version(pin.name) for pin in pins}
    differing = [
        f"{pin.name} {found[pin.name] or 'is missing'} (lock: {str(pin.specifier).lstrip('=')})"
        for pin in pins
        if not _fits(pin, found[pin.name])
    ]
    if not differing:
        return Check("lock", OK, f"all {len(pins)} packages are those of {file.name}")
    stamp = Path(sys.prefix) / STAMP
    if stamp.is_file():
        kind = " KIND=cu112" if supported.gpu_build() else ""
        return Check("lock", PROBLEM, _some(differing), f"`rm '{stamp}'; make setup{kind}` installs them again.")
    remedy = "This environment was not made by `make setup`; results may differ from the book's in small ways."
    return Check("lock", NOTE, _some(differing), remedy)


def mxnet() -> Check:
    """Whether MXNet can be imported, and on which device it computes: tried in a process of its own."""
    code = f"import sys; sys.path.append({str(paths.PACKAGE.parent)!r})"
    code += "; from gluonbook.machine.devices import explain; print(explain())"

    def command(options: Sequence[str] = ()) -> list[str]:
        return [sys.executable, *options, "-c", code]

    try:
        answer = _run(command(), timeout=180)
    except subprocess.TimeoutExpired as error:
        return Check("MXNet", PROBLEM, f"no answer within {error.timeout:.0f} s", f"Look here first: {load.busy()}.")
    if answer.returncode == 0:
        return Check("MXNet", OK, f"{facts.versions()['mxnet']}; {_last_line(answer.stdout)}")
    if missing := libraries.missing():
        return Check("MXNet", PROBLEM, f"does not find {', '.join(missing)}", libraries.remedy(missing))

    def attempt(variables: Mapping[str, str], options: Sequence[str]) -> bool:
        return _succeeds(command(options), variables)

    fault = _last_line(answer.stderr) or f"exit status {answer.returncode}"
    look = "`python -c 'import mxnet'` shows all that it says."
    return Check("MXNet", PROBLEM, fault, _advice(answer, attempt, ("mxnet", "mxnet-cu112", "numpy")) or look)


def mpi() -> Check:
    """Whether mpiexec starts two processes that know of each other."""
    if supported.version("mpi4py") is None:
        remedy = '`python -m pip install "gluonbook[dist]"` for the chapters that start processes with MPI.'
        return Check("MPI", NOTE, "mpi4py is not installed", remedy)
    launcher = mpiexec()
    if launcher is None:
        return Check("MPI", PROBLEM, "mpi4py is installed, but no mpiexec is found", "`python -m pip install mpich`.")
    code = "from mpi4py import MPI; print(f'<{MPI.COMM_WORLD.size}>', flush=True)"  # lines of two processes may mingle

    def command(options: Sequence[str] = ()) -> list[str]:
        return [launcher, "-n", str(_RANKS), sys.executable, *options, "-c", code]

    def attempt(variables: Mapping[str, str], options: Sequence[str]) -> bool:
        return _succeeds(command(options), variables, [str(_RANKS)] * _RANKS)

    try:
        variables = room.shared_memory(_RANKS, {})
    except LaunchError as error:
        return Check("MPI", PROBLEM, f"{_RANKS} processes have too little shared memory", str(error))
    try:
        answer = _run(command(), timeout=60, variables={**os.environ, **variables})
    except subprocess.TimeoutExpired as error:
        finding = f"{launcher} did not end within {error.timeout:.0f} s"
        return Check("MPI", PROBLEM, finding, tries.helps(attempt) or f"Look here first: {load.busy()}.")
    sizes = _sizes(answer)
    if answer.returncode == 0 and sizes == [str(_RANKS)] * _RANKS:
        return Check("MPI", OK, f"{launcher} started {_RANKS} processes")
    advice = _advice(answer, attempt, ("mpich", "mpi4py"))
    if answer.returncode == 0 and sizes:
        finding = f"{launcher} started {_RANKS} processes, each of which thinks that there are {sizes[0]}"
        look = (
            f"It belongs to another MPI than mpi4py: `{launcher} --version` and `python -m mpi4py --mpi-lib-version`."
        )
        return Check("MPI", PROBLEM, finding, advice or look)
    fault = _last_line(answer.stderr or answer.stdout) or f"exit status {answer.returncode}"
    look = f"`{launcher} -n {_RANKS} python -m mpi4py.bench helloworld` shows all that it says."
    return Check("MPI", PROBLEM, f"{launcher} failed: {fault}", advice or look)


def _sizes(answer: subprocess.CompletedProcess[str]) -> list[str]:
    return re.findall(r"<(\d+)>", answer.stdout)


def _advice(answer: subprocess.CompletedProcess[str], attempt: tries.Attempt, packages: Sequence[str]) -> str:
    """What helps a program that has failed: a limit that is behind it, or what was tried and went well; else ""."""
    broken = tries.damaged(*packages)
    if broken:
        again = "Make the environment again: remove its folder, then `make setup`."
        return f"Not as they were installed: {_some(broken)}. {again}"
    return limits.behind(answer.returncode, f"{answer.stdout}\n{answer.stderr}") or tries.helps(attempt)


def _succeeds(command: list[str], variables: Mapping[str, str], sizes: Sequence[str] | None = None) -> bool:
    try:
        answer = _run(command, timeout=_PATIENCE, variables=variables)
    except subprocess.TimeoutExpired:
        return False
    return answer.returncode == 0 and (sizes is None or _sizes(answer) == sizes)


def mpiexec() -> str | None:
    """The launcher that belongs to this environment, else the one on the PATH."""
    own = Path(sys.executable).with_name("mpiexec")
    return str(own) if own.is_file() else shutil.which("mpiexec")


def kernel() -> Check:
    """Whether the kernel that the chapters ask for is this very environment."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError:
        remedy = '`python -m pip install "gluonbook[book]"` to open the chapters as notebooks.'
        return Check("Jupyter kernel", NOTE, "Jupyter is not installed", remedy)
    own = "`python -m ipykernel install --sys-prefix` gives this environment one of its own."
    try:
        found = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Check("Jupyter kernel", PROBLEM, "there is no kernel 'python3'", own)
    if _is_own(found.argv[0]):
        return Check("Jupyter kernel", OK, "'python3' is this environment")
    finding = f"'python3' is {found.argv[0]}, another environment, by {found.resource_dir}"
    return Check("Jupyter kernel", PROBLEM, finding, _kernel_advice() or f"{own} `jupyter kernelspec list` shows all.")


def _is_own(program: str) -> bool:
    folder = Path(program).parent
    return folder == Path() or folder.resolve() == Path(sys.executable).parent.resolve()  # a bare name: this Python


def _kernel_advice() -> str:
    """What makes the kernel this environment's, of what was tried; else ""."""
    code = "from jupyter_client.kernelspec import get_kernel_spec; print(get_kernel_spec('python3').argv[0])"

    def attempt(variables: Mapping[str, str], options: Sequence[str]) -> bool:
        answer = _run([sys.executable, *options, "-c", code], timeout=_PATIENCE, variables=variables)
        return answer.returncode == 0 and _is_own(answer.stdout.strip())

    if attempt({**os.environ, "JUPYTER_PREFER_ENV_PATH": "1"}, ()):
        return "`export JUPYTER_PREFER_ENV_PATH=1`, with which it was tried and went well."
    return tries.helps(attempt)


def data_sets() -> list[Check]:
    """Whether the files of each data set are here, and have the hashes that the manifest pins."""
    try:
        from gluonbook import datasets  # it imports MXNet, and the other checks are to run where that fails
    except Exception as error:  # whatever it is, the look at MXNet says what helps
        return [Check("data sets", NOTE, f"not looked at: {_last_line(str(error))}", "What helps MXNet helps here.")]
    return [_data_set(datasets.status(name), datasets.info(name).size) for name in datasets.NAMES]


def _data_set(status: Status, size: int) -> Check:
    name = f"data set {status.name}"
    fetch = f"`gluonbook data {status.name}`"
    if status.state == "damaged":
        damaged = [f"{file.path} ({file.detail})" for file in status.files if file.state == "damaged"]
        return Check(name, PROBLEM, f"damaged: {_some(damaged)}", f"{fetch} says how to fix it, or fetches it again.")
    if status.state == "missing":
        how = "data/README.md tells how to do" if paths.checkout() else "its error says how,"
        remedy = f"{fetch} fetches {size / 1e6:.0f} MB; {how} without a network."
        return Check(name, NOTE, "not here", remedy)
    where = f"{status.size / 1e6:.1f} MB, all hashes right" if status.files else "comes with scikit-learn"
    return Check(name, OK, where)


def _kind() -> str:
    return "cu112" if supported.gpu_build() else "cpu"


def _fits(requirement: Requirement, version: str | None) -> bool:
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def _extra(requirement: Requirement) -> str:
    found = re.search(r"extra == ['\"]([^'\"]+)", str(requirement.marker or ""))
    return found[1] if found else ""


def _some(things: list[str]) -> str:
    rest = len(things) - _SHOWN
    return "; ".join(things[:_SHOWN]) + (f"; and {rest} more" if rest > 0 else "")


def _run(
    command: list[str], timeout: float, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run`, but in a session of its own, so that its children end with it when time is up."""
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
        env=variables,
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""
