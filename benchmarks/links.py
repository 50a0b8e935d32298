"""Links of a given speed on one machine, and races over them.

A link is the loopback device of a network namespace, shaped by the kernel. It needs neither MXNet nor PyTorch.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

# Without these, MPI's ranks on one machine talk through shared memory, and nothing crosses the device.
TCP = {"MPIR_CVAR_CH4_NETMOD": "ofi", "FI_PROVIDER": "tcp", "MPIR_CVAR_NUM_CLIQUES": "64"}

# An idle link saves up a burst, which then passes at the speed of memory: a few megabytes would hide most of a vote.
BURST_SECONDS = 0.002
LOOPBACK = 1 << 16  # bytes of the loopback device's largest packets; and of those of a network,
ETHERNET = 1500  # which make a slow link even


def why_not() -> str | None:
    """Why links cannot be shaped here, or None if they can."""
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    missing = [program for program in ("ip", "tc") if shutil.which(program) is None]
    return f"{' and '.join(missing)} (package iproute2) is missing" if missing else None


@contextmanager
def shaped(gigabits: float | None, packet: int = LOOPBACK) -> Iterator[list[str]]:
    """The words that run a command in a network of its own, whose one link carries so many Gbit/s; None for no limit.

    All processes in it share that link, in both directions together. A burst is two packets at least.
    """
    name = f"gluonbook-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        inside = ["ip", "netns", "exec", name]
        subprocess.run([*inside, "ip", "link", "set", "lo", "mtu", str(packet), "up"], check=True)
        if gigabits is not None:
            rate = round(gigabits * 1e9)
            burst = max(2 * packet, round(rate / 8 * BURST_SECONDS))
            limit = ["tbf", "rate", f"{rate}bit", "burst", f"{burst}b", "latency", "200ms"]
            subprocess.run([*inside, "tc", "qdisc", "replace", "dev", "lo", "root", *limit], check=True)
        yield inside
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


def received() -> int:
    """The bytes that have crossed the loopback device of this network, as the kernel counts them."""
    lines = Path("/proc/net/dev").read_text(encoding="ascii").splitlines()
    (line,) = (line for line in lines if line.split(":")[0].strip() == "lo")
    return int(line.split(":")[1].split()[0])


def raced(
    works: Mapping[str, Callable[[], object]],
    rounds: int,
    barrier: Callable[[], object],
    prepare: Callable[[str], object] = lambda name: None,
) -> dict[str, dict[str, list]]:
    """Let works of all workers take turns, and say, by work, the seconds of every round and the bytes on the link.

    A round lasts from one `barrier` of the workers to the next; `prepare`, before it, is not counted. Of the first
    round nothing is kept.
    """
    results: dict[str, dict[str, list]] = {name: {"seconds": [], "bytes": []} for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            prepare(name)
            barrier()
            before, start = received(), time.perf_counter()
            work()
            barrier()
            if turn:
                results[name]["seconds"].append(time.perf_counter() - start)
                results[name]["bytes"].append(received() - before)
    return results
