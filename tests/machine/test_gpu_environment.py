"""The environment for GPUs, on a machine without one: with a driver that has all its functions, and finds no GPU.

It is several GB, so it is tried only where `make setup KIND=cu112` has made it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gluonbook import paths
from gluonbook.machine import libraries

PYTHON = paths.checkout() / ".venv-cu112/bin/python"
NO_DEVICE = 100  # what a driver answers where there is no GPU
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="there is no environment for GPUs: make setup KIND=cu112")


def run(*command: str | Path, **variables: str) -> str:
    settings = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(
        [PYTHON, *command], env={**settings, **variables}, cwd=paths.checkout(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def driver(tmp_path_factory) -> dict[str, str]:
    """The variables with which programs find the driver, or one without GPUs in its place."""
    if libraries.loads("libcuda.so.1"):
        return {}
    if not (shutil.which("gcc") and shutil.which("nm")):
        pytest.skip("no driver, and no gcc and nm to make something in its place")
    folder = tmp_path_factory.mktemp("driver")
    library = run(
        "-c", "from gluonbook.machine.libraries import mxnet_folder; print(mxnet_folder() / 'libmxnet.so')"
    ).strip()
    needed = subprocess.run(["nm", "-D", "--undefined-only", library], capture_output=True, text=True, check=True)
    names = re.findall(r"\bU (cu[A-Z]\w+?)(?:@\S+)?$", needed.stdout, re.MULTILINE)
    own = [name for name in names if not re.match(r"cu(blas|dnn|solver|rand|fft|sparse)", name, re.IGNORECASE)]
    text = "".join(f"int {name}() {{ return {NO_DEVICE}; }}\n" for name in dict.fromkeys([*own, "cuInit"]))
    (folder / "driver.c").write_text(text)
    command = ["gcc", "-w", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", folder / "libcuda.so.1"]
    subprocess.run([*command, folder / "driver.c"], check=True)
    return {"LD_LIBRARY_PATH": str(folder)}


def test_it_is_imported_counts_no_gpu_and_computes(driver):
    code = "from gluonbook.machine.devices import explain; import mxnet as mx; print(mx.context.num_gpus(), explain())"
    count, why = run("-c", code, **driver).split(maxsplit=1)
    assert count != "0" or why == "cpu(0) (the CPU): MXNet finds no GPU here.\n"


def test_without_a_driver_a_sentence_names_it():
    if libraries.loads("libcuda.so.1"):
        pytest.skip("there is a driver")
    code = "from gluonbook.machine.supported import UnsupportedEnvironment as wrong"
    said = run("-c", f"{code}\ntry: import gluonbook.machine.devices\nexcept wrong as error: print(error)")
    assert said == "MXNet's build for GPUs does not find libcuda.so.1: NVIDIA's driver brings libcuda.so.1.\n"


def test_a_chapter_runs_on_the_cpu(driver):
    code = (
        "from gluonbook.book.chapters import Book\n"
        "from gluonbook.book.execute import execute\n"
        "book = Book.here()\n"
        "(lenet,) = [chapter for chapter in book.chapters if chapter.name.endswith('/lenet')]\n"
        "(result,) = execute(book, only=[lenet])\n"
        "assert not result.problems, result.problems\n"
        "print(result.versions['mxnet'])"
    )
    assert run("-c", code, **driver).split()[-1] == "1.9.1+cu112"
