"""What a process has sent and received over TCP, as the kernel counts it: no formula, and nobody else's traffic.

before = wire.counted()
...
sent, received = wire.counted() - before
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, final

# Where `struct tcp_info` of Linux (include/uapi/linux/tcp.h, 4.1 and later) has tcpi_bytes_acked, tcpi_bytes_received.
_COUNTERS, _END = 120, 136


@final
class Traffic(NamedTuple):
    """Bytes of content, without the headers of TCP and of the layers below it."""

    sent: int  # of which the receiver has said that they are there
    received: int

    def __sub__(self, other: Traffic) -> Traffic:
        return Traffic(self.sent - other.sent, self.received - other.received)


def counted() -> Traffic:
    """The bytes over all TCP connections that this process has open now; one that is closed takes its count along.

    A connection counts once, however many descriptors the process has for it.

    Source: Linux's socket option TCP_INFO, which needs no privileges.

    Raises:
        OSError: the kernel is no Linux, or older than 4.1, and does not count.
    """
    counts = [_of(connection) for connection in _connections()]
    return Traffic(sum(sent for sent, _ in counts), sum(received for _, received in counts))


def _connections() -> Iterator[socket.socket]:
    seen: set[str] = set()  # one of them may have several descriptors
    for entry in Path("/proc/self/fd").iterdir():
        try:
            if not (socket_id := str(entry.readlink())).startswith("socket:") or socket_id in seen:
                continue
            connection = socket.socket(fileno=os.dup(int(entry.name)))
        except OSError:  # closed since the folder was listed, as is the one that lists it
            continue
        seen.add(socket_id)
        with connection:
            if connection.family in (socket.AF_INET, socket.AF_INET6) and connection.type == socket.SOCK_STREAM:
                yield connection


def _of(connection: socket.socket) -> tuple[int, int]:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _END)
    if len(info) < _END:
        kernel = f"{os.uname().sysname} {os.uname().release}"
        raise OSError(f"this kernel does not count the bytes of a connection: Linux 4.1 does, this is {kernel}")
    return struct.unpack_from("QQ", info, _COUNTERS)
