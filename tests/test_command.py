"""What a command owes a shell: any locale, any output, and an end without a traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from shlex import quote

import pytest

LOCALES = {"de_DE.ISO-8859-1": ("de_DE", "ISO-8859-1"), "ja_JP.eucJP": ("ja_JP", "EUC-JP")}
NAMED = ["C", "POSIX", "C.UTF-8", "xx_YY.UTF-8"]  # the last is no locale at all
TEXT = "x² ≤ 3 → Grüße 形 \U0001f600"
SAYS = f"""
import sys, subprocess
from gluonbook.command import command
with command():
    print({TEXT!r}, sys.argv[1:], open(__file__ if "__file__" in globals() else sys.argv[0]).encoding.lower())
    sys.stdout.flush()
    subprocess.run([sys.executable, "-c", "import sys; print(sys.stdout.encoding.lower())"])
"""


@pytest.fixture(scope="session")
def locales(tmp_path_factory) -> Path:
    """A folder with locales that are not UTF-8."""
    if not shutil.which("localedef"):
        pytest.skip("there is no localedef here to make a locale with")
    folder = tmp_path_factory.mktemp("locales")
    for name, (language, charset) in LOCALES.items():
        made = subprocess.run(["localedef", "-i", language, "-f", charset, folder / name], capture_output=True)
        if made.returncode > 1:  # 1: it has warned
            pytest.skip(f"localedef has not the sources of {name} here")
    return folder


def do(words: list[object], locales: Path, name: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "PYTHON"))}
    environment = {**kept, "LOCPATH": str(locales), "LC_ALL": name, "TQDM_DISABLE": "1", **variables}
    return subprocess.run(words, env=environment, capture_output=True, encoding="utf-8")


@pytest.mark.parametrize("name", [*LOCALES, *NAMED])
def test_whatever_the_locale_texts_are_utf_8_here_and_in_what_is_started(locales, tmp_path, name):
    script = tmp_path / "Prüfung.py"
    script.write_text(SAYS, encoding="utf-8")
    done = do([sys.executable, script, "Grüße", "-X", ""], locales, name)
    assert done.stdout == f"{TEXT} ['Grüße', '-X', ''] utf-8\nutf-8\n", done.stderr


FLAGS = "print(sys.flags.ignore_environment, sys.flags.isolated, sys.stdout.write_through, sys.warnoptions)\n"


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (["-E"], "1 0 False []"),
        (["-I"], "1 1 False []"),
        (["-X", "utf8=0"], "0 0 False []"),
        (["-u", "-W", "error"], "0 0 True ['error']"),
    ],
)
def test_options_of_python_are_kept_and_none_makes_it_begin_for_ever(locales, tmp_path, options, kept):
    script = tmp_path / "says.py"
    script.write_text(f"{SAYS}\n{FLAGS}", encoding="utf-8")
    done = do([sys.executable, *options, script], locales, "de_DE.ISO-8859-1")
    assert done.stdout.startswith(f"{TEXT} [] utf-8\n"), done.stderr
    assert done.stdout.splitlines()[-1] == kept


def test_what_the_output_cannot_hold_is_written_as_an_escape(locales, tmp_path):
    script = tmp_path / "says.py"
    script.write_text(SAYS, encoding="utf-8")
    done = do([sys.executable, script], locales, "C.UTF-8", PYTHONIOENCODING="ascii")
    assert done.stdout.startswith(ascii(TEXT)[1:-1]), done.stderr


OUTPUTS = {">/dev/full": (1, "gluonbook: [Errno 28] No space left on device\n"), ">&-": (0, ""), ">&- 2>&-": (0, "")}


@pytest.mark.parametrize(("output", "end"), OUTPUTS.items(), ids=OUTPUTS)
def test_an_output_that_takes_nothing_is_no_traceback(output, end):
    code = "from gluonbook.command import command\nwith command(): print(6)"
    words = ["sh", "-c", f'exec "$0" -c "$1" {output}', sys.executable, code]
    done = subprocess.run(words, stderr=subprocess.PIPE, encoding="utf-8")
    assert (done.returncode, done.stderr) == end


@pytest.mark.parametrize("lines", [2, 100_000], ids=["all fits into the pipe", "the pipe is full"])
def test_whoever_reads_no_further_ends_it(lines):
    code = f"""
import typer
from gluonbook.command import command
app = typer.Typer()
@app.command()
def talk():
    print("begun", flush=True)
    input()
    for number in range({lines}): print(number)
with command(): app()
"""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe) as talking:
        assert talking.stdout.readline() == b"begun\n"
        talking.stdout.close()
        talking.stdin.write(b"\n")
        talking.stdin.close()
        said = talking.stderr.read()
    assert (talking.returncode, said) == (1, b"")


def test_a_healthy_run_survives_what_its_ranks_print(locales, tmp_path):
    script = tmp_path / "job.py"
    printed = [f"sys.stdout.buffer.write(({TEXT!r} + '\\n').encode())", r"sys.stdout.buffer.write(b'\xff\x00\n')"]
    script.write_text("import sys\n" + "; ".join([*printed, f"print({TEXT!r})"]), encoding="utf-8")
    words = [sys.executable, "-m", "gluonbook", "run", "--workers", "1", "--log-dir", tmp_path / "Bücher", script]
    done = do(words, locales, "de_DE.ISO-8859-1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == TEXT == done.stdout.splitlines()[2]


def test_a_program_that_launches_in_such_a_locale_is_told_what_it_can_show(locales, tmp_path):
    (tmp_path / "job.py").write_text(f"print({TEXT!r})", encoding="utf-8")
    code = "from gluonbook import launch; print(ascii(launch.run('job.py', 1, log_dir='logs').log()))"
    script = tmp_path / "launch.py"
    script.write_text(code, encoding="utf-8")
    words = ["sh", "-c", f"cd {quote(str(tmp_path))} && {quote(sys.executable)} {script.name} | tail -n 1"]
    done = do(words, locales, "ja_JP.eucJP")
    assert done.stdout == ascii(f"{TEXT}\n") + "\n", done.stderr


@pytest.mark.slow
def test_every_chapter_survives_the_way_to_a_notebook_in_such_a_locale(locales):
    done = do([sys.executable, "-m", "gluonbook.book", "roundtrip"], locales, "ja_JP.eucJP")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
