"""What the machine lacked when a process was killed by a signal or a call ended in an errno, and what helps.

One table, for the launcher's reports, for `fit`, whose loader has workers, and for the doctor. A row speaks only where
the machine shows what it says: a signal or an errno alone is no proof, so each row looks at the limit that is behind
it. What is said holds for a process with the limits of this one, such as a child of it.
"""

from __future__ import annotations

import codecs
import errno
import os
import re
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

from gluonbook.machine import groups
from gluonbook.machine.folder import SHARED_MEMORY, Folder, amount
from gluonbook.storage.text import read_output

SOCKET_PATH = 107
"""How many bytes the path of a socket (AF_UNIX) may have on Linux."""

SOCKET_NAME = len("/pymp-12345678/listener-12345678")
"""How many of them `multiprocessing` takes, which workers of a DataLoader talk through, behind TMPDIR."""

LARGER_SHARED_MEMORY = "`docker run --shm-size=1g`, or, as root, `mount -o remount,size=1g /dev/shm`"

_SMALL = 2**28  # bytes of /dev/shm; a container of Docker has 2**26
_ORDINARY_STACK = 2**23  # bytes
_ORDINARY_FILES, _ORDINARY_PROCESSES = 256, 500
_NOT_MAPPED = "failed to map segment from shared object"  # what the dynamic linker says
_FEWER = "fewer workers, and OMP_NUM_THREADS=1, take less"
_killed_before = groups.killed_for_memory()


@final
@dataclass(frozen=True)
class Sign:
    """In what a limit showed: a signal (0: none), or words, such as the text of an error."""

    signal: int = 0
    words: str = ""

    def path(self) -> Path | None:
        """The path that the last OSError in the words names."""
        named = re.findall(r"\[Errno \d+\] [^:\n]+: (['\"])(.+?)\1", self.words)
        return Path(named[-1][1]) if named else None


@final
@dataclass(frozen=True)
class _Row:
    signals: tuple[int, ...]
    errnos: tuple[int, ...]
    words: tuple[str, ...]
    lack: Callable[[Sign], str]

    def fits(self, sign: Sign) -> bool:
        texts = [*self.words, *(f"[Errno {number}]" for number in self.errnos), *map(os.strerror, self.errnos)]
        return sign.signal in self.signals or any(text in sign.words for text in texts)


def behind_signal(number: int) -> str:
    """What may be behind the death of a process by this signal, and what helps, a sentence or more; "" if unknown."""
    return behind(-abs(number), "")


def behind_error(error: BaseException) -> str:
    """What is behind an exception, and what helps, a sentence or more; "" where no limit is known to be."""
    return behind_words("".join(traceback.format_exception_only(type(error), error)))


def behind_words(text: str) -> str:
    """What is behind the last words of a program, and what helps, a sentence or more; "" where no limit is."""
    return behind(0, text)


def behind(code: int, words: str) -> str:
    """What is behind the end of a program by its exit status (negative or from 129: a signal) and its last words."""
    number = -code if code < 0 else code - 128
    return _behind(Sign(number if 0 < number < signal.NSIG else 0, words))


def _behind(sign: Sign) -> str:
    found = [_looked(row, sign) for row in _TABLE if row.fits(sign)]
    return " ".join(dict.fromkeys(filter(None, found)))


def _looked(row: _Row, sign: Sign) -> str:
    try:
        return row.lack(sign)
    except OSError:  # what is short of files or of memory cannot always look at the machine
        return ""


def socket_folder_too_long(folder: str | Path | None = None) -> str:
    """Why sockets in this folder (default: that of temporary files) have too long a path, as a sentence; "" if not."""
    name = os.fsencode(folder or tempfile.gettempdir())
    most = SOCKET_PATH - SOCKET_NAME
    if len(name) <= most:
        return ""
    return f"TMPDIR is too long for the sockets of workers: {len(name)} bytes, at most {most}: `export TMPDIR=/tmp`."


def shared_memory_missing() -> str:
    """Why nothing can be written to /dev/shm, as a sentence; "" where it can be."""
    if not SHARED_MEMORY.is_dir():
        return (
            f"{SHARED_MEMORY} is missing, and MPI and the workers of a DataLoader need it: as root, "
            f"`mkdir -p {SHARED_MEMORY}; mount -t tmpfs -o mode=1777 tmpfs {SHARED_MEMORY}`."
        )
    if Folder.around(SHARED_MEMORY).read_only:
        return f"{SHARED_MEMORY} is mounted read-only: as root, `mount -o remount,rw {SHARED_MEMORY}`."
    if not os.access(SHARED_MEMORY, os.W_OK | os.X_OK):
        return f"{SHARED_MEMORY} cannot be written by this user: as root, `chmod 1777 {SHARED_MEMORY}`."
    return ""


def tight() -> list[str]:
    """The limits of this process that are lower than what the book takes at times, each as a sentence."""
    said = [lack(Sign()) for lack in (_ulimits_of_memory, _stack, _processor_time, _file_size)]
    if _Ulimit(resource.RLIMIT_NOFILE, "n", 1).soft < _ORDINARY_FILES:
        said.append(open_files())
    users = _Ulimit(resource.RLIMIT_NPROC, "u", 1).soft if os.geteuid() else sys.maxsize
    if min([users, *groups.process_limits()]) < _ORDINARY_PROCESSES:
        said.append(_processes(Sign()))
    return [sentence for sentence in said if sentence]


def open_files() -> str:
    """How many files a process may have open, and how that is raised, as a sentence; "" where there is no limit."""
    limit = _Ulimit(resource.RLIMIT_NOFILE, "n", 1)
    return f"A process may have {limit.count('files open')}." if limit.holds else ""


def _without_shared_memory(sign: Sign) -> str:
    return "" if sign.path() else shared_memory_missing()


def _shared_memory(sign: Sign) -> str:
    if missing := shared_memory_missing():
        return missing
    room = Folder.around(SHARED_MEMORY)
    if room.size > _SMALL and not room.full:
        return ""
    return f"{room}, and MPI and the workers of a DataLoader share memory there: {LARGER_SHARED_MEMORY}."


def _stack(sign: Sign) -> str:
    limit = _Ulimit(resource.RLIMIT_STACK, "s", 1024)
    return "" if limit.soft >= _ORDINARY_STACK else f"A stack may have {limit.bytes(wanted=_ORDINARY_STACK)}."


def _ulimits_of_memory(sign: Sign) -> str:
    limits = (_Ulimit(resource.RLIMIT_AS, "v", 1024), _Ulimit(resource.RLIMIT_DATA, "d", 1024))
    return " ".join(f"A process may take {limit.bytes(' of memory')}." for limit in limits if limit.holds)


def _memory(sign: Sign) -> str:
    said = [bound] if (bound := _ulimits_of_memory(sign)) else []
    allowed = min(groups.memory_limits(), default=sys.maxsize)
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    less = "fewer workers or smaller batches take less"
    if killed := groups.killed_for_memory() - _killed_before:
        times = "a process" if killed == 1 else f"{killed} processes"
        said.append(f"The kernel has killed {times} here for want of memory: {less}.")
    if allowed < installed:
        more = "`docker run --memory=...` or the batch scheduler's option allow more"
        said.append(f"All processes of this container or job may take {amount(allowed)} of memory: {more}.")
    if not said:
        said.append(f"This machine has {amount(installed)} of memory: {less}.")
    return " ".join(said)


def _killed(sign: Sign) -> str:
    return f"The kernel, too, sends SIGKILL: to a process that takes more memory than there is. {_memory(sign)}"


def _processor_time(sign: Sign) -> str:
    limit = _Ulimit(resource.RLIMIT_CPU, "t", 1)
    return f"A process may compute for {limit.count('s')}." if limit.holds else ""


def _file_size(sign: Sign) -> str:
    limit = _Ulimit(resource.RLIMIT_FSIZE, "f", 1024)
    return f"A file may have {limit.bytes()}." if limit.holds else ""


def _room(sign: Sign) -> str:
    if "inotify" in sign.words:
        return "No more files can be watched: as root, `sysctl fs.inotify.max_user_watches=524288`."
    path, temporary = sign.path(), Path(tempfile.gettempdir())
    remedies = []
    for folder in [Folder.around(path)] if path else _full():
        if folder.path.is_relative_to(SHARED_MEMORY):
            remedies.append(f"{folder}: {LARGER_SHARED_MEMORY}.")
        else:
            other = ", or set TMPDIR to a folder with more room" if folder.path.is_relative_to(temporary) else ""
            remedies.append(f"{folder}: make room there{other}.")
    return " ".join(remedies) or "A disk that it writes to was full: `df -h` and `df -i` tell which."


def _full() -> Iterator[Folder]:
    """The file systems without room; a program that fails to write does not say where."""
    mounted = [line.split()[1] for line in read_output(Path("/proc/self/mounts")).splitlines()]
    places = [codecs.decode(place, "unicode_escape") for place in mounted]  # a blank is written as \040
    seen = set()
    for place in (SHARED_MEMORY, Path(tempfile.gettempdir()), Path.cwd(), *map(Path, places)):
        try:
            device, folder = place.stat().st_dev, Folder.around(place)
        except OSError:
            continue
        if device not in seen and folder.full and not folder.read_only:
            yield folder
        seen.add(device)


def _no_temporary_folder(sign: Sign) -> str:
    return "Set TMPDIR to a folder that can be written, and that has room."


def _quota(sign: Sign) -> str:
    where = f" in {Folder.around(path).path}" if (path := sign.path()) else ""
    return f"Your share of the disk{where} is used up (`quota -s` tells how much it is): make room there."


def _read_only(sign: Sign) -> str:
    path = sign.path()
    if path is None or not (folder := Folder.around(path)).read_only:
        return ""
    return f"{folder.path} is mounted read-only: name another folder."


def _no_programs(sign: Sign) -> str:
    path = sign.path() or _library(sign)
    if path is None or not (folder := Folder.around(path)).without_programs:
        return ""
    temporary = folder.path.is_relative_to(tempfile.gettempdir())
    other = "set TMPDIR to a folder on another disk" if temporary else "move it to another disk"
    return f"{folder.path} is mounted noexec, so that no program or library in it runs: {other}."


def _library(sign: Sign) -> Path | None:
    """The path with which the dynamic linker begins what it says."""
    found = re.search(rf"(/[^:\n]+): {_NOT_MAPPED}", sign.words)
    return Path(found[1]) if found else None


def _open_files(sign: Sign) -> str:
    return "" if " in system" in sign.words else open_files()


def _open_files_of_all(sign: Sign) -> str:
    limit = Path("/proc/sys/fs/file-max")
    count = read_output(limit).strip() if limit.is_file() else "so many"
    return f"All processes together may have {count} files open: as root, `sysctl fs.file-max=...`."


def _processes(sign: Sign) -> str:
    said = []
    limit = _Ulimit(resource.RLIMIT_NPROC, "u", 1)
    if limit.holds and os.geteuid() != 0:  # root is not bound by it
        said.append(f"A user may have {limit.count('processes and threads')}: {_FEWER}.")
    if allowed := groups.process_limits():
        more = "`docker run --pids-limit` or the batch scheduler allow more"
        said.append(f"This container or job may have {min(allowed)} processes and threads: {_FEWER}; {more}.")
    return " ".join(said)


def _long_name(sign: Sign) -> str:
    if sign.words and "AF_UNIX" in sign.words:
        return socket_folder_too_long()
    path = sign.path()
    if path is None:
        return ""
    longest = max(path.parts, key=lambda part: len(os.fsencode(part)))
    if (length := len(os.fsencode(longest))) > 255:
        return f"The name {longest[:20]}... has {length} bytes, and a file's may have 255: choose a shorter one."
    return f"The path has {len(os.fsencode(path))} bytes, and may have 4095: choose a folder that is less deep."


def _instructions(sign: Sign) -> str:
    return "The processor lacks an instruction that a package was built for: see `processor` in `gluonbook doctor`."


def _system_calls(sign: Sign) -> str:
    return "A filter of this container (seccomp) forbids a system call: ask who runs it which."


@final
class _Ulimit:
    """A limit as the shell's `ulimit` knows it: under a letter, in units of some bytes or of one."""

    def __init__(self, kind: int, letter: str, unit: int) -> None:
        self._letter, self._unit = letter, unit
        self.soft, self._hard = (sys.maxsize if n == resource.RLIM_INFINITY else n for n in resource.getrlimit(kind))

    @property
    def holds(self) -> bool:
        return self.soft != sys.maxsize

    def bytes(self, what: str = "", wanted: int = sys.maxsize) -> str:
        """The limit in words, and how it is raised to what is wanted."""
        return f"{amount(self.soft)}{what} ({self._remedy(wanted)})"

    def count(self, what: str) -> str:
        return f"{self.soft} {what} ({self._remedy(sys.maxsize)})"

    def _remedy(self, wanted: int) -> str:
        most = min(wanted, self._hard)
        if most <= self.soft:
            return f"ulimit -{self._letter}, and an administrator or `docker run --ulimit` raises it"
        return f"`ulimit -{self._letter} {'unlimited' if most == sys.maxsize else most // self._unit}` raises it"


_TABLE = (
    _Row((signal.SIGBUS, signal.SIGSEGV), (), ("shm_open", str(SHARED_MEMORY)), _shared_memory),
    _Row((), (errno.ENOENT, errno.EACCES, errno.EROFS, errno.ENOSYS), (), _without_shared_memory),
    _Row((signal.SIGSEGV,), (), (), _stack),
    _Row(
        (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS),
        (),
        (_NOT_MAPPED, "find/load shared object"),
        _ulimits_of_memory,
    ),
    _Row((signal.SIGKILL,), (), (), _killed),
    _Row((), (errno.ENOMEM,), ("MemoryError", "bad_alloc"), _memory),
    _Row((signal.SIGXCPU, signal.SIGKILL), (), (), _processor_time),
    _Row((signal.SIGXFSZ,), (errno.EFBIG,), (), _file_size),
    _Row((), (errno.ENOSPC,), (), _room),
    _Row((), (errno.EDQUOT,), (), _quota),
    _Row((), (), ("No usable temporary directory",), _no_temporary_folder),
    _Row((), (errno.EROFS,), (), _read_only),
    _Row((), (errno.EACCES,), (_NOT_MAPPED,), _no_programs),
    _Row((), (errno.EMFILE,), (), _open_files),
    _Row((), (errno.ENFILE,), (), _open_files_of_all),
    _Row((), (errno.EAGAIN,), ("can't start new thread", "pthread_create failed"), _processes),
    _Row((), (errno.ENAMETOOLONG,), ("AF_UNIX path too long",), _long_name),
    _Row((signal.SIGILL,), (), (), _instructions),
    _Row((signal.SIGSYS,), (), (), _system_calls),
)
