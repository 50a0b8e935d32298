"""A flight, tick by tick."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from gluonbook.checks import real, whole_number
from gluonbook.lander.drone import Drone
from gluonbook.lander.reference import Reference

Force = Callable[[float, float, float], float]  # of z, v and u, in N
_GUSTS_LAST = 2.0  # seconds


@final
@dataclass(frozen=True)
class Flight:
    """What was logged, an entry a tick: arrays of one length.

    z, v and s are those at the beginning of the tick; u and `air` act through it.
    """

    t: np.ndarray  # s
    z: np.ndarray  # m
    v: np.ndarray  # m/s
    u: np.ndarray  # N, the thrust
    before: np.ndarray  # N, the thrust with which the controller asked its force about the air
    air: np.ndarray  # N, what the air really does, gusts included
    s: np.ndarray  # m/s, the composite error
    planned: np.ndarray  # m, the height of the reference

    def __len__(self) -> int:
        return len(self.t)


def fly(
    drone: Drone,
    reference: Reference,
    seconds: float,
    force: Force | None = None,
    *,
    start: float = 1.5,
    stiffness: float = 2.0,
    gain: float = 2.0,
    rounds: int = 1,
    gust: float = 0.0,
    tick: float = 0.01,
    random: np.random.RandomState | None = None,
) -> Flight:
    """A flight along `reference` that begins at rest, with thrust m·g, at height `start`, in m.

    At each tick, with Λ the `stiffness` and K = m·`gain`, the controller computes

        s = v − v_r,  v_r = dp/dt − Λ·(z − p)                     the composite error
        wanted = m·dv_r/dt − K·s + m·g                            the force that u and the air should make together
        u ← wanted − force(z, v, u), from 0 to drone.most         `rounds` times, from the u of the tick before

    where p is the height of the reference, and `force` what the controller believes of the air: None for nothing. If
    it were right, and u were found exactly, m·ds/dt = −K·s. Then the drone moves for a tick with constant forces. It
    stops at the ground.

    Args:
        seconds: how long.
        stiffness, gain: in 1/s.
        gust: the standard deviation of a force in N that comes and goes within about two seconds (an
            Ornstein–Uhlenbeck process that begins at 0), drawn from `random`.
        tick: in s.

    Raises:
        ValueError: `gust` is positive and there is no `random`; or a number is out of range: all must be positive,
            gust and start not negative, and `seconds` a tick at least.
    """
    seconds, tick = real("seconds", seconds, "(0, inf)"), real("tick", tick, "(0, inf)")
    stiffness, gain = real("stiffness", stiffness, "(0, inf)"), real("gain", gain, "(0, inf)")
    start, gust = real("start", start, "[0, inf)"), real("gust", gust, "[0, inf)")
    rounds = whole_number("rounds", rounds, 1)
    if gust and random is None:
        raise ValueError(f"gust={gust:g} needs a generator to draw from: random=np.random.RandomState(seed)")
    m, weight = drone.mass, drone.weight
    z, v, u, blown = start, 0.0, weight, 0.0
    lasting = math.exp(-tick / _GUSTS_LAST)  # the share of a gust that is left a tick later
    log = np.empty((round(seconds / tick), 8))
    if not len(log):
        raise ValueError(f"seconds must be a tick at least, {tick:g}, got {seconds:g}")
    for k in range(len(log)):
        p, dp, ddp = reference(k * tick)
        s = v - dp + stiffness * (z - p)
        wanted = m * (ddp - stiffness * (v - dp)) - m * gain * s + weight
        for _ in range(rounds):
            before = u
            believed = 0.0 if force is None else force(z, v, before)
            u = min(max(wanted - believed, 0.0), drone.most)
        if gust and random is not None:
            blown = lasting * blown + gust * math.sqrt(1 - lasting**2) * random.normal()
        air = drone.air(z, v, u) + blown
        log[k] = k * tick, z, v, u, before, air, s, p
        a = (u - weight + air) / m
        z, v = z + tick * v + tick**2 * a / 2, v + tick * a
        if z < 0:
            z, v = 0.0, max(v, 0.0)
    return Flight(*log.T.copy())
