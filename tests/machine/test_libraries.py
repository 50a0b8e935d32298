"""Which shared libraries MXNet needs, what is said where one is missing, and the links with which it finds them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from files import written
from gluonbook.machine import libraries, supported


@pytest.fixture
def installed(tmp_path, monkeypatch) -> Path:
    """A site-packages with MXNet for GPUs and two of the nvidia packages."""
    files = [
        "mxnet/libmxnet.so",
        "mxnet/libopenblas.so.0",
        "nvidia/cublas/lib/libcublas.so.11",
        "nvidia/cublas/lib/libcublasLt.so.11",
        "nvidia/cublas/include/cublas.h",
        "nvidia/cudnn/lib/libcudnn.so.8",
        "numpy.libs/libquadmath-96973f99.so.0.0.0",
        "scikit_learn.libs/libgomp-a34b3233.so.1.0.0",
    ]
    written(tmp_path, {name: name for name in files})
    monkeypatch.setattr(libraries, "mxnet_folder", lambda: tmp_path / "mxnet")
    return tmp_path


def test_libraries_are_linked_beside_mxnet(installed, monkeypatch):
    monkeypatch.setattr(libraries, "loads", lambda name: True)
    names = ["libcublas.so.11", "libcublasLt.so.11", "libcudnn.so.8"]
    assert libraries.link() == names == libraries.link()
    assert (installed / "mxnet/libcudnn.so.8").read_text() == "nvidia/cudnn/lib/libcudnn.so.8"
    links = [file for file in (installed / "mxnet").iterdir() if file.is_symlink()]
    assert sorted(link.name for link in links) == names
    assert not any(link.readlink().is_absolute() for link in links)  # so the environment may be moved


def test_links_that_lead_nowhere_are_renewed_and_files_of_mxnet_are_kept(installed, monkeypatch):
    monkeypatch.setattr(libraries, "loads", lambda name: True)
    (installed / "mxnet/libcudnn.so.8").symlink_to("../gone")
    (installed / "mxnet/libcublas.so.11").write_text("MXNet's own")
    libraries.link()
    assert (installed / "mxnet/libcudnn.so.8").exists()
    assert (installed / "mxnet/libcublas.so.11").read_text() == "MXNet's own"


def test_openmp_and_quadmath_are_linked_only_where_the_system_has_none(installed, monkeypatch):
    monkeypatch.setattr(libraries, "loads", lambda name: name != "libquadmath.so.0")
    assert "libgomp.so.1" not in libraries.link()
    assert (installed / "mxnet/libquadmath.so.0").read_text() == "numpy.libs/libquadmath-96973f99.so.0.0.0"


def test_linking_without_mxnet_is_refused(monkeypatch):
    monkeypatch.setattr(libraries, "mxnet_folder", lambda: None)
    with pytest.raises(supported.UnsupportedEnvironment, match="not installed"):
        libraries.link()


def test_loads_asks_the_dynamic_linker():
    assert libraries.loads("libc.so.6") and not libraries.loads("libno-such-library.so.99")
    assert (libraries.mxnet_folder() / "libmxnet.so").is_file()


class TestWhatIsMissing:
    @pytest.fixture
    def gpu_build(self, monkeypatch):
        monkeypatch.setattr(supported, "gpu_build", lambda: True)

    def test_nothing_here(self):
        assert libraries.missing() == []
        libraries.check()

    def test_those_of_cuda_are_named_with_what_brings_them(self, gpu_build, monkeypatch):
        absent = ("libnccl.so.2", "libcuda.so.1")
        monkeypatch.setattr(libraries, "loads", lambda name: name not in absent)
        with pytest.raises(supported.UnsupportedEnvironment) as refused:
            libraries.check()
        sentence = str(refused.value)
        assert sentence.startswith(
            "MXNet's build for GPUs does not find libnccl.so.2, libcuda.so.1: `python -m pip install"
        )
        assert "nvidia-nccl-cu11" in sentence and sentence.endswith("NVIDIA's driver brings libcuda.so.1.")

    def test_what_lies_beside_mxnet_is_not_missing(self, gpu_build, installed, monkeypatch):
        monkeypatch.setattr(libraries, "loads", lambda name: False)
        assert set(libraries.missing()) == {*libraries.CUDA, *libraries.COMMON}
        libraries.link()
        assert set(libraries.missing()) == {*libraries.CUDA, *libraries.COMMON} - {
            *("libcublas.so.11", "libcudnn.so.8", "libgomp.so.1", "libquadmath.so.0")
        }

    @pytest.mark.parametrize(
        "first", ["import mxnet", "from gluonbook import datasets", "import gluonbook.kvstore", "import gluonbook.cli"]
    )
    def test_whoever_imports_mxnet_first_gets_the_sentence(self, first):
        code = f"""
import gluonbook
from gluonbook.machine import libraries
libraries.mxnet_folder = lambda: None
libraries.loads = lambda name: name != "libgomp.so.1"
{first}
import gluonbook.training
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        told = f"MXNet does not find libgomp.so.1: `{libraries.LINK}` links them beside MXNet.\n"
        assert (done.returncode, done.stderr) == (1, told)
