"""The machines of a run: what a host file says, and the addresses at which they reach each other.

Each machine resolves names for itself, and many give their own name a loopback address (Debian's is 127.0.1.1), at
which no other one reaches them. So where there are several machines no address is taken that holds on one alone.
"""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import final

from gluonbook.launch.setup import MOST, LaunchError
from gluonbook.storage.text import read_lines

LOOPBACK = "127.0.0.1"

_NO_NETWORK = IPv4Network("0.0.0.0/8")  # for a program, a bare number is an address in it, too
_LINE = re.compile(r"(?P<name>[^\s:]+)((:| slots=)(?P<count>[0-9]+))?")


@final
@dataclass(frozen=True)
class Host:
    """A machine by its name in the host file, an IPv4 address at which all others reach it, and whether it is ours."""

    name: str
    address: str
    here: bool


def of(file: Path | None) -> list[Host]:
    """The machines of a host file, each as often as it has processes; this one alone where there is no file.

    Raises:
        LaunchError: the file says what is not understood, a machine is not known, or others cannot reach it.
    """
    return _located(read(file)) if file else [Host(LOOPBACK, LOOPBACK, True)]


def read(file: Path) -> list[str]:
    """The names in a host file, one `name`, `name:processes` or `name slots=processes` a line, so often repeated.

    Raises:
        LaunchError: a line is none of these, or the file names no host.
        NotText: the file is not in UTF-8.
    """
    names: list[str] = []
    for line in read_lines(file):
        if words := line.split("#")[0].split():
            said = _LINE.fullmatch(" ".join(words))
            if said is None or int(said["count"] or 1) > MOST:
                raise LaunchError(
                    f"{file}: {line.strip()!r} is none of `host`, `host:processes` and `host slots=processes`, "
                    f"with up to {MOST} processes and names or IPv4 addresses of hosts"
                )
            names += [said["name"]] * int(said["count"] or 1)
    if not names:
        raise LaunchError(f"{file} names no host")
    return names


def _located(names: Sequence[str]) -> list[Host]:
    found = {name: _addresses(name) for name in dict.fromkeys(names)}
    here = {name for name, addresses in found.items() if _is_here(name, addresses)}
    for name in found if len(found) > 1 else ():
        if name in here and not _has_own_name(name) and _is_loopback(found[name][0]):
            raise LaunchError(f"{name} is {found[name][0]} here, which is this machine itself: name an address")
    if len(here) == len(found):
        return [Host(name, LOOPBACK, True) for name in names]
    if shutil.which("ssh") is None:
        raise LaunchError(f"{next(name for name in names if name not in here)} is reached by ssh, which is not here")
    away = {name: _reachable(addresses) for name, addresses in found.items() if name not in here}
    addresses = away | {name: _own(name, found[name], away) for name in here}
    return [Host(name, addresses[name], name in here) for name in names]


def _is_here(name: str, addresses: Sequence[str]) -> bool:
    real = [address for address in addresses if not _is_loopback(address)]
    return name == socket.gethostname() or not real or any(map(is_own, real))


def _has_own_name(name: str) -> bool:
    """Whether a name with a loopback address can mean nothing but this machine, with or without its domain."""
    return _short(name) in ("localhost", _short(socket.gethostname())) or _is_loopback(name)


def _short(name: str) -> str:
    return name.partition(".")[0].lower()


def _is_loopback(text: str) -> bool:
    try:
        return IPv4Address(text).is_loopback
    except ValueError:  # a name
        return False


def _is_narrow(address: str) -> bool:
    """Whether an address holds on this machine alone, or on one cable."""
    return _is_loopback(address) or IPv4Address(address).is_link_local


def own(found: Sequence[Host]) -> str | None:
    """The address at which the other machines reach this one, also where it has no part itself; None without others.

    Raises:
        LaunchError: there is no way from here to them.
    """
    away = next((host for host in found if not host.here), None)
    if away is None:
        return None
    address = next((host.address for host in found if host.here), None) or towards(away.address)
    if address is None:
        raise LaunchError(f"there is no way from here to {away.name}, which is {away.address}")
    return address


def _own(name: str, addresses: Sequence[str], away: dict[str, str]) -> str:
    """The address at which the other machines reach this one: the one its name has, if that will do."""
    other, there = next(iter(away.items()))
    usable = [address for address in addresses if not _is_narrow(address) and is_own(address)]
    source = towards(there)
    if source and (source in usable or not usable):
        return source
    if usable:
        return usable[0]
    raise LaunchError(f"{name} is {addresses[0]} here, where {other} cannot reach it: name an address")


def _reachable(addresses: Sequence[str]) -> str:
    """Of the addresses of another machine, the first that is not only for itself, or if possible for one cable only."""
    return min(addresses, key=lambda address: (_is_loopback(address), _is_narrow(address)))


def _addresses(name: str) -> list[str]:
    try:
        found = resolved(name)
    except (OSError, UnicodeError) as error:  # a name with a part of more than 63 characters is no Unicode for sockets
        if name == socket.gethostname():
            return [LOOPBACK]
        raise LaunchError(f"the host {name!r} is not known: {error}") from None
    fit = [address for address in found if not _is_nobodys(IPv4Address(address))]
    if not fit:
        raise LaunchError(f"the host {name!r} is {found[0]}, which is no machine's address")
    return fit


def _is_nobodys(address: IPv4Address) -> bool:
    return address in _NO_NETWORK or address.is_multicast or address.is_reserved


def resolved(name: str) -> list[str]:
    """The IPv4 addresses of a name; neither ps-lite nor mpiexec knows others.

    Raises:
        OSError: it has none.
    """
    known = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    found = [str(where[0]) for family, *_, where in known if family == socket.AF_INET]
    if not found:
        raise OSError(f"it has no IPv4 address, only {known[0][-1][0]}")
    return list(dict.fromkeys(found))


def is_own(address: str) -> bool:
    """Whether a program on this machine can listen at an address."""
    with socket.socket() as asked:
        try:
            asked.bind((address, 0))
        except OSError:
            return False
    return True


def towards(address: str) -> str | None:
    """This machine's own address on the way to another one; None if there is no way. Nothing is sent."""
    with socket.socket(type=socket.SOCK_DGRAM) as asked:
        try:
            asked.connect((address, 9))
        except OSError:
            return None
        own: str = asked.getsockname()[0]
    return None if _is_loopback(own) else own
