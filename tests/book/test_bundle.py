"""The archive for a workshop: what is in it, what is not, and that it installs and runs without a network."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gluonbook import datasets
from gluonbook.book import agendas, bundle, pdf, wheelhouse
from gluonbook.book import site as book_site
from gluonbook.book.__main__ import app
from gluonbook.book.chapters import Book

pytestmark = pytest.mark.slow

PYTHON = "{}.{}".format(*sys.version_info)
# A network of one's own has nothing but a loopback device, which is down at first.
ALONE = """
import fcntl, os, socket, struct, sys
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running
os.execvp(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture(scope="session")
def site(in_git, book, bare_site) -> Path:
    """The real site where it is fresh."""
    return book_site.fresh(book) or bare_site


def fill(folder: Path, lock: Path, pythons: object) -> list[Path]:
    """In the place of `wheelhouse.fill`: a single small file."""
    assert lock == Book.here().root / "requirements/cpu.txt"
    folder.mkdir(exist_ok=True)
    wheel = folder / "some-1-py3-none-any.whl"
    wheel.write_bytes(b"a wheel")
    return [wheel]


@pytest.fixture(scope="session")
def archive(book, site, tmp_path_factory) -> Path:
    """A bundle with next to nothing in its wheelhouse, and no data."""
    folder = tmp_path_factory.mktemp("archive")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wheelhouse, "fill", fill)
        patch.setattr(bundle, "given_away", list)
        file = bundle.write(book, folder / "out/bundle.tar.gz", site, folder / "wheels", pythons=["3.10", "3.11"])
    assert [path.name for path in file.parent.iterdir()] == ["bundle.tar.gz"]
    return file


@pytest.fixture
def folder(archive, tmp_path) -> Path:
    """What that bundle unpacks to."""
    return unpack(archive, tmp_path)


def unpack(file: Path, folder: Path) -> Path:
    subprocess.run(["tar", "--extract", "--file", file, "--directory", folder], check=True)
    return folder / bundle.FOLDER


def check(folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"], cwd=folder, text=True, **PIPES)


PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}


def test_everything_is_in_it_and_vouched_for(book, folder):
    assert sorted(path.name for path in folder.iterdir()) == ["SHA256SUMS", "START_HERE.html", "book", "site"]
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file() and not file.is_symlink()}
    listed = [line[66:] for line in (folder / "SHA256SUMS").read_text().splitlines()]
    assert sorted(listed) == sorted(files - {"SHA256SUMS"})
    assert check(folder).returncode == 0
    assert {"book/wheelhouse/some-1-py3-none-any.whl", "book/Makefile", "book/_toc.yml", "site/index.html"} <= files
    assert {f"book/notebooks/{chapter.key}.ipynb" for chapter in book.running} <= files
    assert (folder / "book/src/gluonbook/manifest.json").resolve() == folder / "book/data/manifest.json"
    assert os.access(folder / "book/.ci/run", os.X_OK)


def test_a_damaged_copy_is_noticed(folder):
    with (folder / "book/README.md").open("a") as file:
        file.write("one line more")
    done = check(folder)
    assert done.returncode == 1
    assert "book/README.md: FAILED" in done.stdout


def test_what_git_ignores_stays_at_home(folder):
    assert not {".git", ".venv", "_build", ".coverage", ".setup.lock"} & {path.name for path in folder.rglob("*")}


def test_it_does_not_tell_who_has_made_it(archive):
    with tarfile.open(archive) as opened:
        assert {(member.uname, member.gname, member.uid, member.gid) for member in opened} == {("", "", 0, 0)}


def test_no_data_set_is_passed_on_unasked_unless_its_licence_says_so(book, site, monkeypatch, tmp_path):
    present = datasets.Status("any", "idx", ())
    monkeypatch.setattr(datasets, "status", lambda name: present)
    assert bundle.given_away() == ["fashion_mnist"]
    for name in ("fashion_mnist", "mnist"):
        (tmp_path / name).write_bytes(name.encode())
    monkeypatch.setattr(datasets, "fetch", lambda name: {f"{name}.gz": tmp_path / name})
    monkeypatch.setattr(wheelhouse, "fill", fill)
    folder = unpack(bundle.write(book, tmp_path / "bundle.tar.gz", site, tmp_path / "wheels", data=["mnist"]), tmp_path)
    held = [path for path in (folder / "book/data").iterdir() if path.is_dir()]
    assert sorted(path.name for path in held) == ["fashion_mnist", "mnist"]
    assert (folder / "book/data/mnist/mnist.gz").read_bytes() == b"mnist"
    assert "the digits (inside scikit-learn), fashion_mnist and mnist" in (folder / "START_HERE.html").read_text()


def never(book: Book) -> Path:
    """In the place of `pdf.build`, where nothing is to be built."""
    raise AssertionError("the book is being built")


def test_an_unknown_data_set_is_refused(book, site, tmp_path):
    with pytest.raises(ValueError, match="no data set 'imagenet'; there are digits"):
        bundle.write(book, tmp_path / "bundle.tar.gz", site, tmp_path / "wheels", data=["imagenet"])


def test_the_sheet_says_what_to_do_and_when(book, folder):
    text = (folder / "START_HERE.html").read_text()
    assert "$" not in text
    assert "Python 3.10 or 3.11" in text
    for day in book.agendas:
        assert f"<h3>{day.title}</h3>" in text
        assert f"<time>{day.clock(len(day.steps))}</time>End" in text
    linked = re.findall(r'href="([^"]+)"', text)
    assert {f"site/{name}.html" for day in book.agendas for name in day.chapters} <= set(linked)
    assert all((folder / link).is_file() for link in linked)


def test_a_disk_that_fills_up_leaves_the_former_bundle(book, site, monkeypatch, tmp_path):
    (tmp_path / "out").mkdir()
    former = tmp_path / "out/bundle.tar.gz"
    former.write_bytes(b"the former one")

    def full(path: str) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(wheelhouse, "fill", fill)
    monkeypatch.setattr(bundle.pooch, "file_hash", full)
    with pytest.raises(OSError, match="No space left"):
        bundle.write(book, former, site, tmp_path / "wheels")
    assert [path.name for path in former.parent.iterdir()] == ["bundle.tar.gz"]
    assert former.read_bytes() == b"the former one"


@pytest.mark.parametrize(("missing", "said"), [("git", "in a git checkout alone"), ("agendas", "is for a workshop")])
def test_a_book_that_is_not_to_be_bundled(small_checkout, monkeypatch, tmp_path, missing, said):
    if missing == "git":
        steps = [{"what": "Hello", "teach": 5}]
        small_checkout.write(agendas.FILE, json.dumps({"day": {"title": "A day", "start": "09:00", "steps": steps}}))
    with pytest.raises(bundle.BundleError, match=said):
        bundle.write(small_checkout.book, tmp_path / "bundle.tar.gz", tmp_path, tmp_path / "wheels")
    monkeypatch.setattr(pdf, "build", never)
    assert said in str(CliRunner().invoke(app, ["bundle"]).exception)


def test_an_unknown_data_set_is_refused_before_the_book_is_built(monkeypatch):
    monkeypatch.setattr(pdf, "build", never)
    refused = CliRunner().invoke(app, ["bundle", "--data", "imagenet"]).exception
    assert "no data set 'imagenet'; there are digits" in str(refused)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory) -> Path:
    """A folder with all packages for this Python; skips the test where there is no index to fetch them from."""
    folder = tmp_path_factory.mktemp("wheels")
    probe = [sys.executable, "-m", "pip", "download", "--quiet", "--no-cache-dir", "--no-deps", "--retries", "0"]
    done = subprocess.run([*probe, "--dest", folder / "probe", "iniconfig"], text=True, **PIPES)
    if done.returncode and "(from versions: none)" in done.stdout:
        pytest.skip("no package index can be reached, so there is nothing to make a wheelhouse from")
    assert done.returncode == 0, done.stdout
    return folder / "all"


@pytest.fixture(scope="session")
def alone() -> list[str]:
    """The words before a command that give it a network of its own, with nobody else in it."""
    words = ["unshare", "--map-root-user", "--net"]
    if not shutil.which("unshare") or subprocess.run([*words, "true"], capture_output=True).returncode:
        pytest.skip("this system gives no network namespaces to its users (unshare --map-root-user --net)")
    return [*words, sys.executable, "-c", ALONE]


@pytest.mark.timeout(1800)
def test_it_is_used_from_start_to_end_without_a_network(alone, book, wheels, site, tmp_path):
    file = bundle.write(book, tmp_path / "bundle.tar.gz", site, wheels, pythons=[PYTHON])
    folder = unpack(file, tmp_path)
    file.unlink()
    home = tmp_path / "home"
    home.mkdir()
    clean = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "PYTHON": sys.executable}

    def do(*words: str, within: Path = folder / "book") -> str:
        done = subprocess.run([*alone, *words], cwd=within, env=clean, text=True, timeout=900, **PIPES)
        assert done.returncode == 0, done.stdout
        return done.stdout

    reach = "import socket; print(socket.create_connection(('192.0.2.1', 80), 5))"
    with pytest.raises(AssertionError, match="Network is unreachable"):
        do(sys.executable, "-c", reach)
    do("sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS", within=folder)
    assert "is ready" in do("make", "setup")
    found = do(".venv/bin/gluonbook", "doctor", "--workshop")
    assert "workers agreed" in found and "its page was there" in found
    do("make", "notebooks")
    changed = [line for line in check(folder).stdout.splitlines() if line.endswith("FAILED")]
    assert all(line.startswith("book/notebooks/") for line in changed), "what was handed out stays as it was"
    do(".venv/bin/jupyter", "execute", "--inplace", "notebooks/convnets/lenet.ipynb")
    assert "LeNet" in (folder / "book/notebooks/convnets/lenet.ipynb").read_text()
    shutil.rmtree(folder)
