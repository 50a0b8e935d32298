"""Ports that are held for a program of the same process until it listens on them."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def held(address: str, bounds: Sequence[int]) -> Iterator[int]:
    """A port of an address of this machine, from the first bound up to the second one, that no other takes meanwhile.

    Nothing listens on it: a program that sets SO_REUSEADDR, as ps-lite does, can bind the same port and listen there,
    and whoever asks the kernel for any free port does not get it.

    Raises:
        OSError: none of the ports is free, or the address is none of this machine's.
    """
    ports = range(*bounds)
    start = random.randrange(len(ports))
    with socket.socket() as holder:
        for port in [*ports[start:], *ports[:start]]:
            try:
                holder.bind((address, port))
                break
            except OSError as error:
                why = error
        else:
            raise OSError(f"no port from {ports[0]} to {ports[-1]} of {address} is free: {why}")
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # only now: of two that hold, one would not notice
        yield port
