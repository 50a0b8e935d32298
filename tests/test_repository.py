"""The repository itself: what the README promises exists, and nothing in it belongs to one machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
LOCKS = [ROOT / "requirements" / name for name in ("cpu.txt", "cu112.txt", "uv.txt")]
TEXT = {".cfg", ".css", ".json", ".md", ".py", ".sh", ".svg", ".toml", ".txt", ".yaml", ".yml", ".bib", ""}

# In pieces, so that this file does not find itself.
REGISTRIES = re.compile(
    "|".join(["pypi" + r"\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs", "--index" + "-url"])
)
MACHINES = re.compile("|".join(["/" + "root/", "/" + r"home/\w", "/" + "Users/", "/" + "work/"]))


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and Path(name).suffix in TEXT]


@pytest.mark.parametrize("pattern", [REGISTRIES, MACHINES], ids=["registries", "machines"])
def test_no_file_names_a_registry_or_a_machine(in_git, pattern):
    found = {
        str(file.relative_to(ROOT)): match[0]
        for file in tracked()
        if file.is_file() and (match := pattern.search(file.read_text()))
    }
    assert not found


def test_a_checkout_as_git_makes_it_on_windows_has_no_other_line_ends(in_git, tmp_path):
    settings = ["-c", "core.autocrlf=true", "-c", "core.eol=crlf"]
    subprocess.run(["git", *settings, "clone", "--quiet", "--no-local", ROOT, tmp_path / "book"], check=True)
    files = [file for file in (tmp_path / "book").rglob("*") if file.is_file() and ".git" not in file.parts]
    assert len(files) > 300
    assert [file for file in files if file.suffix in TEXT and b"\r" in file.read_bytes()] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_locks_pin_every_package_by_hash(lock):
    requirements = re.split(r"\n(?=\S)", lock.read_text().strip())
    assert requirements
    for requirement in requirements:
        assert re.match(r"[A-Za-z0-9_.-]+==\S+", requirement), requirement
        assert "--hash=sha256:" in requirement


@pytest.mark.parametrize("kind", ["cpu", "cu112"])
def test_the_environments_hold_what_the_book_stands_on(kind):
    lock = (ROOT / f"requirements/{kind}.txt").read_text()
    mxnet = "mxnet" if kind == "cpu" else "mxnet-cu112"
    for pin in (rf"^{mxnet}==1\.9\.1 ", r"^numpy==1\.23\.5 ", r"^gluoncv==", r"^jupyter==", r"^jupyter-book==1\."):
        assert re.search(pin, lock, re.MULTILINE), pin
    assert re.search(r"^matplotlib==", lock, re.MULTILINE)


def test_what_the_readme_says_to_run_can_be_run():
    said = set(re.findall(r"\bmake ([a-z]+)", (ROOT / "README.md").read_text()))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"book", "test", "lab", "doctor", "help"} <= said <= targets


def test_make_help_names_every_target():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # `make test` calls us
    done = subprocess.run(["make", "help"], cwd=ROOT, env=outside, capture_output=True, text=True, check=True)
    assert {line.split()[1] for line in done.stdout.splitlines()} == targets


def test_continuous_integration_runs_the_readme_s_test_command():
    script = ROOT / ".ci/run"
    assert script.read_text().rstrip().endswith("exec make test")
    assert script.stat().st_mode & 0o111


def test_the_conda_environment_is_well_formed():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    named = " ".join(pip)
    for package in ("mxnet-cu112==1.9.1", "numpy==1.23.5", "gluoncv", "jupyter", "matplotlib", "jupyter-book", "<2"):
        assert package in named


def test_the_licence_names_each_text_that_lies_beside_it_and_no_other():
    named = re.findall(r"LICENSES/([\w.-]+\.txt)", (ROOT / "LICENSE").read_text())
    assert sorted(named) == sorted(file.name for file in (ROOT / "LICENSES").iterdir())


def test_data_sets_under_the_mit_licence_that_may_be_passed_on_have_its_text_here():
    """It asks that its text goes along, and `make bundle` packs the repository with them."""
    described = json.loads((ROOT / "data/manifest.json").read_text()).items()
    mit = [name for name, entry in described if entry["redistributable"] and entry["licence"].startswith("MIT")]
    assert mit == ["fashion_mnist"]
    assert "Zalando" in (ROOT / "LICENSES/Fashion-MNIST-MIT.txt").read_text()


def test_pictures_of_the_readme_exist():
    for picture in re.findall(r"!\[[^]]+\]\(([^)]+)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / picture).is_file(), picture


def test_each_entry_of_the_bibliography_is_closed_and_cited_by_one_name():
    """A merge of two additions loses the brace between them, and then the second is not there."""
    text = (ROOT / "chapters/references.bib").read_text()
    entries = [entry for entry in re.split(r"(?m)^(?=@)", text) if entry.strip()]
    names = [re.match(r"@\w+\{([^,]+),", entry)[1] for entry in entries]
    assert [name for name, entry in zip(names, entries) if not entry.rstrip().endswith("\n}")] == []
    assert sorted(names) == sorted(set(names))
