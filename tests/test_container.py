"""The container does what a fresh machine does, and takes nothing of this one along."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_its_steps_are_those_of_a_fresh_machine():
    (packages,) = re.findall(r"apt-get install --yes --no-install-recommends (.+) \\", DOCKERFILE)
    assert {"make", "python3", "python3-venv", "git", "ca-certificates"} == set(packages.split())
    steps = re.findall(r"^(?:RUN|CMD) (.*)", DOCKERFILE.replace("\\\n", " "), re.MULTILINE)
    assert "make setup" in steps and json.loads(steps[-1]) == ["make", "lab"]


def test_the_development_container_is_the_same_machine():
    told = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    stages = re.findall(r"^FROM (\S+) AS (\S+)", DOCKERFILE, re.MULTILINE)
    assert told["build"]["target"] in [name for _, name in stages]
    assert (ROOT / ".devcontainer" / told["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"
    assert told["postCreateCommand"] == "make setup"
    assert f"useradd --create-home {told['remoteUser']}" in DOCKERFILE
    assert any("--shm-size" in argument for argument in told["runArgs"])


def test_what_git_ignores_stays_outside_but_for_data():
    def patterns(name):
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        return {line.strip("/").removeprefix("**/") for line in lines if line and not line.startswith(("#", "!"))}

    assert patterns(".gitignore") - patterns(".dockerignore") == {"data/*", ".*.jsonl.lock"}


@pytest.mark.parametrize(
    "needed", ["Makefile", "pyproject.toml", "requirements/cpu.txt", "scripts/setup.sh", "chapters"]
)
def test_what_the_set_up_needs_goes_in(needed):
    ignored = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    assert not any(fnmatch.fnmatch(needed, line) for line in ignored)
    assert subprocess.run(["git", "ls-files", "--error-unmatch", needed], cwd=ROOT, capture_output=True).returncode == 0
