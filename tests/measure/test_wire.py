"""Counting bytes on the wire: what a process's own connections carry, in each direction."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from gluonbook.measure import wire


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a TCP connection on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        with accepted:
            yield client, accepted


def settled(expected: wire.Traffic, before: wire.Traffic) -> bool:
    """Whether the counts since `before` become as expected: the kernel acknowledges when it likes, within a moment."""
    for _ in range(200):
        if wire.counted() - before == expected:
            return True
        time.sleep(0.01)
    return False


def test_both_directions_of_each_connection_count(pair):
    near, far = pair
    before = wire.counted()
    near.sendall(b"x" * 1000)
    far.recv(1000, socket.MSG_WAITALL)
    far.sendall(b"y" * 30)
    near.recv(30, socket.MSG_WAITALL)
    # Both ends are this process's: what one sends the other receives.
    assert settled(wire.Traffic(1030, 1030), before)


def test_a_connection_with_two_descriptors_counts_once(pair):
    near, far = pair
    with near.dup():
        before = wire.counted()
        near.sendall(b"x" * 1000)
        far.recv(1000, socket.MSG_WAITALL)
        assert settled(wire.Traffic(1000, 1000), before)


def test_other_sockets_do_not_count(pair):
    before = wire.counted()
    near, far = socket.socketpair()
    with near, far, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        near.sendall(b"z" * 500)
        datagrams.sendto(b"z" * 500, ("127.0.0.1", 9))
        assert wire.counted() == before


def test_counting_leaves_connections_open(pair):
    near, far = pair
    wire.counted()
    near.sendall(b"still there")
    assert far.recv(100) == b"still there"


def test_a_kernel_that_does_not_count_is_named(pair, monkeypatch):
    monkeypatch.setattr(wire, "_END", 1000)
    with pytest.raises(OSError, match=r"does not count .* this is \w+ \d"):
        wire.counted()
