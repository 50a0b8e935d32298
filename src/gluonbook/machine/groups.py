"""What the control groups of this process allow it, versions 1 and 2: a container's limits, or a batch scheduler's."""

from __future__ import annotations

from pathlib import Path

from gluonbook.storage.text import read_output

ROOT = Path("/")


def core_quotas(root: Path = ROOT) -> list[float]:
    """How many cores each group with a quota may use."""
    quotas = []
    for folder in _groups(root, "cpu"):
        version_1 = _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
        for words in (version_1, _words(folder / "cpu.max")):
            if len(words) == 2 and all(word.isdigit() for word in words):  # else there is no limit: "max" or "-1"
                quotas.append(int(words[0]) / int(words[1]))
    return quotas


def memory_limits(root: Path = ROOT) -> list[int]:
    """How many bytes of memory each group with a limit may use."""
    return _numbers(root, "memory", "memory.max", "memory.limit_in_bytes")


def process_limits(root: Path = ROOT) -> list[int]:
    """How many processes and threads each group with a limit may hold."""
    return _numbers(root, "pids", "pids.max")


def killed_for_memory(root: Path = ROOT) -> int:
    """How many processes of these groups the kernel has killed so far because their memory was used up."""
    counts = []
    for folder in _groups(root, "memory"):
        words = _words(folder / "memory.events") + _words(folder / "memory.oom_control")
        counts += [int(count) for name, count in zip(words[::2], words[1::2]) if name == "oom_kill"]
    return max(counts, default=0)


def _numbers(root: Path, controller: str, *names: str) -> list[int]:
    files = [folder / name for folder in _groups(root, controller) for name in names]
    return [int(word) for file in files for word in _words(file) if word.isdigit()]


def _groups(root: Path, controller: str) -> list[Path]:
    """The folders of this process's control groups and of the groups around them."""
    table = root / "proc/self/cgroup"
    folders = []
    for line in read_output(table).splitlines() if table.is_file() else []:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / controllers
        inner = mount / path.lstrip("/")
        folders += [inner, *(folder for folder in inner.parents if mount in (folder, *folder.parents))]
    return folders


def _words(file: Path) -> list[str]:
    try:
        return read_output(file).split()
    except OSError:  # the group has no such file, or it lies outside what this container sees
        return []
