from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from files import written
from gluonbook.machine import facts, groups, supported


def test_versions_tells_the_build_of_mxnet(monkeypatch):
    installed = {"mxnet-cu112": "1.9.1", "numpy": "1.23.5"}
    monkeypatch.setattr(supported, "version", installed.get)
    found = facts.versions()
    assert found["mxnet"] == "1.9.1+cu112" and found["numpy"] == "1.23.5" and found["python"][:2] == "3."
    assert set(found) == {"python", "mxnet", "numpy"}


def test_versions_of_this_environment():
    assert facts.versions()["mxnet"].split("+")[0] == "1.9.1"
    assert supported.version("no-such-package-as-this") is None


def test_machine_names_what_it_is_not_whose(monkeypatch):
    found = facts.machine()
    assert set(found) == {"os", "cpu", "cores", "memory", "gpus"}
    assert 1 <= found["cores"] <= os.cpu_count() and 0 < found["memory"] < 1e5
    for secret in (socket.gethostname(), getpass.getuser(), str(Path.home())):
        assert secret not in f"{found['os']} {found['cpu']}".replace(",", " ").split()


def test_gpus_are_named_by_nvidia_smi(tmp_path, monkeypatch):
    fake = tmp_path / "nvidia-smi"
    fake.write_text('#!/bin/sh\nprintf "Tesla T4, 535.1, 7.5\\nTesla V100, 535.1, 7.0\\n"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    facts._gpus.cache_clear()
    assert facts.machine()["gpus"] == ["Tesla T4", "Tesla V100"]
    fake.write_text("#!/bin/sh\necho no driver; exit 9\n")
    facts._gpus.cache_clear()
    assert facts.machine()["gpus"] == []
    facts._gpus.cache_clear()


GROUPS = {
    "version 2": {
        "proc/self/cgroup": "0::/user/app\n",
        "sys/fs/cgroup/user/cpu.max": "150000 100000\n",
        "sys/fs/cgroup/user/app/cpu.max": "max 100000\n",
        "sys/fs/cgroup/user/app/memory.max": "1073741824\n",
        "sys/fs/cgroup/user/memory.max": "max\n",
    },
    "version 1": {
        "proc/self/cgroup": "5:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "150000\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": "1073741824\n",
    },
}


@pytest.mark.parametrize("version", GROUPS)
def test_control_groups_bound_cores_and_memory(tmp_path, version):
    root = written(tmp_path, GROUPS[version])
    assert groups.core_quotas(root) == [1.5]
    assert groups.memory_limits(root) == [2**30]


def test_without_limits_there_are_none(tmp_path):
    unlimited = {
        "proc/self/cgroup": "1:cpu:/\n",
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    }
    assert groups.core_quotas(written(tmp_path, unlimited)) == []
    assert groups.memory_limits(tmp_path / "nothing") == []


def test_cores_are_at_least_one_and_at_most_the_affinity(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3})
    for quotas, cores in (([], 4), ([2.5], 2), ([0.1], 1), ([8.0], 4)):
        monkeypatch.setattr(groups, "core_quotas", lambda quotas=quotas: quotas)
        assert facts.cores() == cores


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")
def test_the_commit_of_a_repository_that_does_not_track_the_package_is_not_its_own(tmp_path, monkeypatch):
    def git(*words: str) -> None:
        own = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
        subprocess.run(["git", *own, *words], cwd=tmp_path, check=True, capture_output=True)

    package = written(tmp_path, {".gitignore": "/.venv\n", ".venv/gluonbook/machine/facts.py": ""}) / ".venv"
    git("init")
    git("add", ".")
    git("commit", "-m", "Somebody's own work")
    monkeypatch.setattr(facts, "__file__", str(package / "gluonbook/machine/facts.py"))
    assert facts.commit() == "unknown"
    git("add", "--force", ".venv")
    git("commit", "-m", "And the package")
    assert re.fullmatch("[0-9a-f]{12}", facts.commit())


def test_the_commit_is_named_and_without_git_it_is_unknown(monkeypatch):
    assert re.fullmatch(r"[0-9a-f]{12}(-dirty)?|unknown", facts.commit())

    def no_git(*_, **__):
        raise FileNotFoundError("git")

    monkeypatch.setattr(facts.subprocess, "run", no_git)
    assert facts.commit() == "unknown"
