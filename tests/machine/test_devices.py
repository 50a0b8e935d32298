from __future__ import annotations

import mxnet as mx
import pytest

from gluonbook.machine import gpus as known_gpus
from gluonbook.machine import supported
from gluonbook.machine.devices import devices, explain, proves_itself


@pytest.fixture
def gpus(monkeypatch):
    """Let MXNet count some GPUs; `works(ids)` is then a probe that only these pass."""

    def count(number: int) -> None:
        monkeypatch.setattr(mx.context, "num_gpus", lambda: number)

    return count


def works(*ids: int):
    def probe(ctx: mx.Context) -> None:
        if ctx.device_id not in ids:
            raise mx.base.MXNetError(f"Traceback of C++\n  File x.cc\nCUDA: no kernel image for gpu {ctx.device_id}\n")

    return probe


def test_without_gpus(gpus):
    gpus(0)
    assert devices() == [mx.cpu(0)]
    assert devices(3) == [mx.cpu(0), mx.cpu(1), mx.cpu(2)]
    assert explain() == "cpu(0) (the CPU): MXNet finds no GPU here."
    assert explain(5) == "cpu(0) to cpu(4) (virtual CPU devices): MXNet finds no GPU here."


def test_with_gpus_that_work(gpus):
    gpus(2)
    assert devices(probe=works(0, 1)) == [mx.gpu(0), mx.gpu(1)]
    assert devices(1, probe=works(0, 1)) == [mx.gpu(0)]
    assert explain(probe=works(0, 1)) == "gpu(0), gpu(1): tested with a small operation."


def test_a_counted_gpu_that_fails_is_not_used(gpus):
    gpus(1)
    assert devices(probe=works()) == [mx.cpu(0)]
    expected = "cpu(0) (the CPU): gpu(0) failed its test operation (CUDA: no kernel image for gpu 0)."
    assert explain(probe=works()) == expected
    gpus(3)
    assert devices(probe=works(0, 2)) == [mx.gpu(0), mx.gpu(2)]


def test_more_devices_than_usable_gpus(gpus):
    gpus(2)
    assert devices(3, probe=works(0, 1)) == [mx.cpu(0), mx.cpu(1), mx.cpu(2)]
    assert explain(2, probe=works(1)) == (
        "cpu(0), cpu(1) (virtual CPU devices): 2 devices were asked for and only gpu(1) can be used; "
        "gpu(0) failed its test operation (CUDA: no kernel image for gpu 0)."
    )


def test_a_driver_that_does_not_answer(monkeypatch):
    def broken() -> int:
        raise mx.base.MXNetError("CUDA driver version is insufficient")

    monkeypatch.setattr(mx.context, "num_gpus", broken)
    assert devices() == [mx.cpu(0)]


def test_the_operation_runs_and_fails_where_there_is_no_device():
    proves_itself(mx.cpu(0))
    proves_itself(mx.cpu(3))
    if mx.context.num_gpus() == 0:
        with pytest.raises(mx.base.MXNetError):
            proves_itself(mx.gpu(0))


def test_a_device_that_computes_nonsense_fails(monkeypatch):
    monkeypatch.setattr(mx.nd, "dot", lambda a, b: mx.nd.zeros((2, 2)))
    with pytest.raises(mx.base.MXNetError, match=r"cpu\(0\) computed 0\.0 where 48 is right"):
        proves_itself(mx.cpu(0))


def test_nothing_is_printed(gpus, capfd):
    gpus(1)
    devices(2, probe=works())
    explain(2, probe=works())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("n", [0, -1, 1.0, "2", True])
def test_bad_numbers_are_named(n):
    for function in (devices, explain):
        with pytest.raises(ValueError, match=f"n must be a whole number from 1, got {n!r}"):
            function(n)


class TestWhyNoGpuIsUsed:
    """One sentence for a GPU that is there; the list is nvidia-smi's."""

    @pytest.fixture(autouse=True)
    def listed(self, monkeypatch, gpus):
        gpus(0)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

        def there(name: str, driver: str, capability: float | None, build: bool = True) -> None:
            monkeypatch.setattr(known_gpus, "listed", lambda: [known_gpus.Gpu(name, driver, capability)])
            monkeypatch.setattr(supported, "gpu_build", lambda: build)

        return there

    def test_the_build_for_the_cpu(self, listed):
        listed("Tesla T4", "535.104.05", 7.5, build=False)
        assert explain() == (
            "cpu(0) (the CPU): Tesla T4 needs MXNet's build for GPUs (`make setup KIND=cu112`), "
            "and this is that for CPUs."
        )

    def test_too_new(self, listed, gpus):
        listed("NVIDIA H100", "550.54", 9.0)
        why = "NVIDIA H100 is too new (sm_90): MXNet 1.9.1 holds kernels for sm_50 to sm_89 alone"
        assert explain() == f"cpu(0) (the CPU): {why}."
        gpus(1)
        assert explain(probe=works()) == f"cpu(0) (the CPU): gpu(0) failed its test operation ({why})."

    def test_too_old(self, listed):
        listed("Tesla K80", "470.82.01", 3.7)
        assert "Tesla K80 is too old (sm_37)" in explain()

    def test_a_driver_that_is_too_old(self, listed):
        listed("Tesla T4", "418.67", None)
        assert explain() == "cpu(0) (the CPU): the driver 418.67 is too old: CUDA 11 needs 450.80 or later."

    def test_one_that_is_hidden(self, listed, monkeypatch):
        listed("Tesla T4", "535.104.05", 7.5)
        assert explain() == "cpu(0) (the CPU): nvidia-smi lists Tesla T4, but MXNet counts no GPU."
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        assert explain().endswith("MXNet counts no GPU, since CUDA_VISIBLE_DEVICES is ''.")
