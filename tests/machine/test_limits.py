"""Each limit is really set in a process of its own, which runs into it, and asks what was behind."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import pytest

from gluonbook.machine import groups, limits
from repetitions import FULL

SET = "import os, resource, signal, sys; from gluonbook.machine import limits\n"
TELL = "\nexcept BaseException as error: print(limits.behind_error(error))"


@dataclass(frozen=True)
class Case:
    """A limit of `resource`, soft and hard; what runs into it, or the signal that it ends in; what is said."""

    limit: str
    soft: int
    runs: str | int
    said: str
    hard: int = -1


CASES = [
    Case("NOFILE", 30, "[os.dup(0) for _ in range(99)]", "may have 30 files open (`ulimit -n 5000` raises it).", 5000),
    Case(
        "NOFILE",
        30,
        "[os.dup(0) for _ in range(99)]",
        "(ulimit -n, and an administrator or `docker run --ulimit` raises it)",
        30,
    ),
    Case("AS", 2**31, "bytearray(2**32)", "may take 2 GiB of memory", -1),
    Case("AS", 2**31, "import mmap; mmap.mmap(-1, 2**32)", "`ulimit -v unlimited` raises it", -1),
    Case("AS", 2**31, "raise OSError('Could not find/load shared object file')", "may take 2 GiB of memory"),
    Case("DATA", 2**31, signal.SIGSEGV, "may take 2 GiB of memory (`ulimit -d unlimited` raises it)."),
    Case("DATA", 2**31, "bytearray(2**32)", "`ulimit -d unlimited` raises it", -1),
    Case("FSIZE", 4096, "open(sys.argv[1], 'wb').write(bytes(9999))", "A file may have 4 KiB (`ulimit -f unlimited`"),
    Case("FSIZE", 4096, signal.SIGXFSZ, "A file may have 4 KiB"),
    Case("CPU", 2, signal.SIGXCPU, "may compute for 2 s (`ulimit -t unlimited` raises it)"),
    Case(
        "CPU",
        2,
        signal.SIGKILL,
        "may compute for 2 s (ulimit -t, and an administrator or `docker run --ulimit` raises it)",
        2,
    ),
    Case("STACK", 2**19, signal.SIGSEGV, "A stack may have 512 KiB (`ulimit -s 8192` raises it)."),
    Case("STACK", 2**19, signal.SIGSEGV, "A stack may have 512 KiB (ulimit -s, and an administrator", 2**19),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.limit}-{case.runs}-{case.hard}")
def test_a_limit_is_named_with_what_raises_it(tmp_path, case):
    code = f"{SET}resource.setrlimit(resource.RLIMIT_{case.limit}, ({case.soft}, {case.hard}))\n"
    if isinstance(case.runs, int):
        code += f"print(limits.behind_signal({-case.runs}))"
    else:
        code += f"try: {case.runs}{TELL}"
    command = [sys.executable, "-c", code, str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert case.said in done.stdout


@pytest.mark.parametrize("number", sorted(set(signal.Signals)))
def test_of_a_signal_nothing_is_said_that_this_machine_does_not_show(number):
    said = limits.behind_signal(number)
    assert said == "" or number in (signal.SIGKILL, signal.SIGILL, signal.SIGSYS, signal.SIGBUS, signal.SIGSEGV)


NAMES = [
    ("open('/tmp/' + 'x' * 300, 'w')", "has 300 bytes, and a file's may have 255"),
    ("open('/tmp/' + 'x/' * 3000, 'w')", "The path has 60"),
    ("import socket; socket.socket(socket.AF_UNIX).bind('/tmp/' + 'x' * 200)", "TMPDIR is too long"),
    ("open('/proc/absent')", ""),
    ("raise ValueError('/dev')", ""),
    ('raise RuntimeError("can\'t start new thread")', "{threads}"),
]


@pytest.mark.parametrize(("runs", "said"), NAMES)
def test_names_and_what_is_no_limit(tmp_path, runs, said):
    folder = tmp_path / ("t" * 80)
    folder.mkdir()
    command = [sys.executable, "-c", f"{SET}try: {runs}{TELL}"]
    environment = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    threads = "processes and threads" if groups.process_limits() or os.geteuid() else ""
    said = said.format(threads=threads)
    assert said in done.stdout and bool(said) == bool(done.stdout.strip())


HERE, NOBODYS = tempfile.gettempdir(), "a-file-that-nobody-has-made"
WORDS = {
    "MemoryError": "GiB of memory",
    "terminate called after throwing an instance of 'std::bad_alloc'": "GiB of memory",
    f"OSError: [Errno 122] Disk quota exceeded: '{HERE}/{NOBODYS}'": f"Your share of the disk in {HERE} is used up",
    "OSError: [Errno 23] Too many open files in system": "All processes together may have",
    "OSError: [Errno 28] inotify watch limit reached": "sysctl fs.inotify.max_user_watches",
    f"OSError: [Errno 28] No space left on device: '{HERE}/{NOBODYS}'": f"{HERE} has ",
    "OSError: [Errno 28] No space left on device: '/dev/shm/x'": "docker run --shm-size=1g",
    "socket: too many open files": "",
    "KeyError: '/dev'": "",
}


@pytest.mark.parametrize("words", WORDS)
def test_words(words):
    said = limits.behind_words(words)
    assert WORDS[words] in said and bool(said) == bool(WORDS[words])


@pytest.mark.parametrize("code", [0, 1, 2, 127, 128, 255, -64, 64, -34])
def test_exit_statuses_that_are_no_signal_of_a_limit(code):
    assert limits.behind(code, "") == ""


@pytest.mark.parametrize("code", [-signal.SIGKILL, 128 + signal.SIGKILL])
def test_an_exit_status_of_a_shell_is_the_signal(code):
    assert "The kernel, too, sends SIGKILL" in limits.behind(code, "")


def test_what_is_short_of_files_is_still_told():
    """The look at the machine needs a file itself."""
    code = f"{SET}resource.setrlimit(resource.RLIMIT_NOFILE, (20, 99))\ntry:\n while True: os.dup(0){TELL}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "may have 20 files open (`ulimit -n 99`" in done.stdout


WATCH = """
import subprocess, sys
from gluonbook.machine import limits
done = subprocess.run([sys.executable, "-c", sys.argv[1]], capture_output=True, text=True)
print(limits.behind(done.returncode, done.stderr))
"""
GROUP = "g=/sys/fs/cgroup/{0}/gluonbook-test-$$; mkdir $g; echo {2} > $g/{1}; echo $$ > $g/cgroup.procs; "
TMPFS = "mount -t tmpfs -o {1} tmpfs {0}; "
SHM = "mount -t tmpfs -o {1} tmpfs /dev/shm; "
LOCK = "import multiprocessing; multiprocessing.Lock()"

# What root sets up for one process, in a namespace of its own; what that runs into; what is said.
ROOT = {
    "full": (
        TMPFS + "head -c 65536 /dev/zero > {0}/y",
        "size=64k",
        "open('{0}/x', 'wb', 0).write(b'x')",
        "{0} has 64 KiB",
    ),
    "no inodes": (TMPFS, "nr_inodes=1", "open('{0}/x', 'w')", "{0} has "),
    "read-only": (TMPFS, "ro", "open('{0}/x', 'w')", "{0} is mounted read-only: name another folder."),
    "a program": (
        TMPFS + "cp /bin/true {0}/p",
        "noexec",
        "import os; os.execv('{0}/p', ['p'])",
        "",  # Python does not say which program
    ),
    "a library": (
        TMPFS + "cp -L $LIBRARY {0}/p.so",
        "noexec",
        "import ctypes; ctypes.CDLL('{0}/p.so')",
        "{0} is mounted noexec",
    ),
    "mapped": (
        SHM,
        "size=4k",
        "import mmap; f = open('/dev/shm/x', 'w+b'); f.truncate(99999); mmap.mmap(f.fileno(), 99999)[:] = bytes(99999)",
        "/dev/shm has 4 KiB, ",
    ),
    "shm read-only": (SHM, "ro", LOCK, "`mount -o remount,rw /dev/shm`"),
    "shm full": (SHM + "head -c 4096 /dev/zero > /dev/shm/y", "size=4k", LOCK, "--shm-size=1g"),
    "memory": (
        GROUP.format("memory", "memory.limit_in_bytes", "64M"),
        "",
        "bytearray(2**28)",
        "The kernel has killed a process here for want of memory: fewer workers",
    ),
    "pids": (
        GROUP.format("pids", "pids.max", "4"),
        "",
        "import threading\nfor _ in range(9): threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "This container or job may have 4 processes and threads",
    ),
}


@pytest.mark.slow
@pytest.mark.skipif(not FULL or os.geteuid() != 0, reason="root's, and of `make faults`")
@pytest.mark.parametrize("case", ROOT)
def test_what_root_can_set(tmp_path, case):
    prepare, options, runs, said = ROOT[case]
    if "cgroup" in prepare and not pathlib.Path("/sys/fs/cgroup/pids").is_dir():
        pytest.skip("no control groups of version 1")
    clean = "\ncd /sys/fs/cgroup; for g in */gluonbook-test-$$; do echo $$ > ${g%/*}/cgroup.procs; rmdir $g; done"
    script = f'{prepare.format(tmp_path, options)}\n"$@"{clean if "cgroup" in prepare else ""}'
    command = ["unshare", "-m", "sh", "-c", script, "_", sys.executable, "-c", WATCH, runs.format(tmp_path)]
    library = next(path for path in ("/lib/x86_64-linux-gnu/libz.so.1", sys.executable) if pathlib.Path(path).exists())
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LIBRARY": library})
    assert said.format(tmp_path) in done.stdout, (done.stdout, done.stderr)
