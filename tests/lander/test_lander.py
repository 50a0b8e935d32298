"""The lander: forces beside formulas, flights beside an independent integrator, the learned force beside its net."""

from __future__ import annotations

import math

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn
from scipy.integrate import solve_ivp

from gluonbook import lander, lipschitz, models
from gluonbook.lander import Drone, LearnedForce, features, fly, landing, set_points
from gluonbook.training import set_seed

DRONE = Drone()
RANDOM = np.random.RandomState(0)
STATES = RANDOM.uniform(0, 1.2, 50), RANDOM.uniform(-1, 1, 50), RANDOM.uniform(5, 20, 50)


def net(seed=1, hidden=(7, 5)):
    set_seed(seed)
    made = models.mlp(hidden, classes=1)
    made.initialize(mx.init.Normal(0.7))
    made(mx.nd.zeros((1, 3)))
    return made


class TestDrone:
    def test_the_ground_adds_a_third_at_touchdown_and_nothing_far_up(self):
        assert DRONE.air(0.0, 0.0, 12.0) == pytest.approx(4)
        assert DRONE.air(100.0, 0.0, 12.0) == pytest.approx(0, abs=1e-4)

    def test_the_cushion_is_cheeseman_and_bennetts(self):
        z, _, u = STATES
        rotor = z + 0.25
        assert DRONE.air(z, 0 * z, u) == pytest.approx(u / (1 - 0.5**2 / (16 * rotor**2)) - u)

    def test_drag_is_against_the_motion(self):
        assert DRONE.air(1e9, np.array([-2.0, 2.0]), 0.0) == pytest.approx([1.2, -1.2])

    def test_below_the_ground_is_the_ground(self):
        assert DRONE.air(-0.1, 0.0, 10.0) == DRONE.air(0.0, 0.0, 10.0)

    def test_it_hovers_with_its_weight(self):
        assert DRONE.weight == pytest.approx(14.4207)
        assert DRONE.most == pytest.approx(1.7 * 14.4207)

    @pytest.mark.parametrize(
        ("options", "told"),
        [({"mass": 0}, "mass"), ({"drag": -1}, "drag"), ({"height": math.inf}, "height"), ({"radius": 1}, "below 4")],
    )
    def test_refuses(self, options, told):
        with pytest.raises(ValueError, match=told):
            Drone(**options)


class TestReferences:
    @pytest.mark.parametrize("reference", [landing(), landing(2.0, 0.5, 0.7)])
    def test_a_landing_is_what_its_derivatives_say(self, reference):
        h, times = 1e-4, np.linspace(0.1, 8, 20)
        heights = np.array([[reference(t + d)[0] for d in (-h, 0, h)] for t in times])
        v, a = np.array([reference(t)[1:] for t in times]).T
        assert (heights[:, 2] - heights[:, 0]) / (2 * h) == pytest.approx(v, abs=1e-6)
        assert (heights[:, 2] - 2 * heights[:, 1] + heights[:, 0]) / h**2 == pytest.approx(a, abs=1e-5)

    def test_a_landing_begins_and_ends_at_rest(self):
        assert landing(1.5, 0.2)(0.0)[:2] == (1.5, 0.0)
        assert landing(1.5, 0.2)(60.0) == pytest.approx((0.2, 0, 0))

    def test_it_is_fastest_where_it_says(self):
        speeds = [abs(landing(1.5, 0.0, 2.0)(t)[1]) for t in np.linspace(0, 5, 5001)]
        assert max(speeds) == pytest.approx(2 * 1.5 / math.e)
        assert np.argmax(speeds) == 500

    def test_set_points_jump_and_the_last_one_stays(self):
        at = set_points([1, 0.5], hold=2)
        assert [at(t)[0] for t in (0, 1.99, 2, 5)] == [1, 1, 0.5, 0.5]
        assert at(2) == (0.5, 0.0, 0.0)

    @pytest.mark.parametrize(
        ("make", "told"),
        [
            (lambda: landing(rate=0), "rate"),
            (lambda: landing(math.nan), "start"),
            (lambda: landing(end=-0.1), "end"),
            (lambda: set_points([]), "one height"),
            (lambda: set_points([1, math.inf]), "heights"),
            (lambda: set_points([1], hold=-1), "hold"),
        ],
    )
    def test_refuse(self, make, told):
        with pytest.raises(ValueError, match=told):
            make()


class TestFlights:
    def test_each_tick_is_newtons_law(self):
        flight = fly(DRONE, landing(), 3)
        a = (flight.u + flight.air) / DRONE.mass - 9.81
        assert np.diff(flight.v) == pytest.approx(0.01 * a[:-1])
        assert np.diff(flight.z) == pytest.approx(0.01 * flight.v[:-1] + 0.5e-4 * a[:-1])
        assert flight.air == pytest.approx(DRONE.air(flight.z, flight.v, flight.u))

    def test_short_ticks_are_the_differential_equation(self):
        """Against scipy's integrator, in which thrust follows the state without a delay."""
        reference, own = landing(1.5, 0.4), {"stiffness": 1.5, "gain": 2.5}

        def motion(t, state):
            z, v = state
            p, dp, ddp = reference(t)
            s = v - dp + 1.5 * (z - p)
            u = DRONE.mass * (ddp - 1.5 * (v - dp) - 2.5 * s) + DRONE.weight
            return v, (u + DRONE.air(z, v, u)) / DRONE.mass - 9.81

        exact = solve_ivp(motion, (0, 4), (1.5, 0), rtol=1e-9, atol=1e-9).y[0, -1]
        ends = [fly(DRONE, reference, 4 + tick, tick=tick, **own).z[-1] for tick in (0.02, 0.01, 0.005)]
        errors = np.abs(np.array(ends) - exact)
        assert errors[2] < 5e-4
        assert errors[:-1] / errors[1:] == pytest.approx([2, 2], rel=0.1)

    def test_without_knowledge_it_hovers_where_the_balance_says(self):
        """K·Λ·z = (g/m-th of) the cushion: (m·g − K·Λ·z)·(1 + gain(z)) = m·g, with K·Λ = 4m/s²."""
        z = fly(DRONE, landing(), 14).z[-1]
        u = DRONE.weight - 4 * DRONE.mass * z
        assert u + DRONE.air(z, 0.0, u) == pytest.approx(DRONE.weight, abs=2e-3)
        assert z == pytest.approx(0.194, abs=2e-3)

    def test_who_knows_the_air_lands(self):
        assert fly(DRONE, landing(), 12, DRONE.air).z[-1] < 1e-3

    def test_the_controller_asks_about_the_thrust_before(self):
        asked = []

        def force(z, v, u):
            asked.append(u)
            return 0.1 * u

        flight = fly(DRONE, landing(), 0.5, force, rounds=3)
        assert len(asked) == 3 * len(flight)
        assert asked[0] == DRONE.weight
        assert asked[3::3] == flight.u[:-1].tolist()
        assert flight.before == pytest.approx(np.array(asked)[2::3], abs=0)

    @pytest.mark.parametrize(("slope", "settles"), [(-0.5, True), (0.9, True), (1.1, False)])
    def test_rounds_settle_where_the_slope_is_below_one(self, slope, settles):
        far = fly(DRONE, lambda t: (1.0, 0.0, 0.0), 0.02, lambda z, v, u: slope * (u - 14), rounds=200, start=1.0)
        assert (abs(far.u - far.before) < 1e-6).all() == settles

    def test_below_minus_one_thrust_runs_away_to_its_limits(self):
        away = fly(DRONE, lambda t: (1.0, 0.0, 0.0), 0.02, lambda z, v, u: -1.1 * (u - 14), rounds=200, start=1.0)
        assert set(away.u) <= {0, DRONE.most}

    def test_thrust_keeps_its_limits_and_nobody_goes_below_the_ground(self):
        flight = fly(DRONE, set_points([50, -50], hold=1), 2)
        assert flight.u.max() == DRONE.most
        assert flight.u.min() == 0
        assert fly(DRONE, lambda t: (-5.0, 0.0, 0.0), 3).z.min() == 0

    def test_on_the_ground_it_neither_sinks_nor_loses_what_lifts_it(self):
        lying = fly(DRONE, lambda t: (-5.0, 0.0, 0.0), 3)
        assert (lying.v[lying.z == 0] == 0).all() and lying.z[-1] == 0
        bounced = fly(DRONE, lambda t: (-9.0 if t < 0.05 else 9.0, 0.0, 0.0), 0.3, start=0.07, tick=0.1)
        a = (bounced.u + bounced.air) / DRONE.mass - 9.81
        assert bounced.z[1] > bounced.z[2] == 0
        assert bounced.v[2] == pytest.approx(bounced.v[1] + 0.1 * a[1]) and bounced.v[2] > 0

    @pytest.mark.parametrize("tick, seconds, accuracy", [(0.01, 2000, 0.1), (1, 40_000, 0.02), (5, 40_000, 0.02)])
    def test_gusts_have_the_standard_deviation_and_the_memory_that_they_say(self, tick, seconds, accuracy):
        flight = fly(DRONE, landing(5, 5), seconds, start=5, gust=1.5, tick=tick, random=np.random.RandomState(0))
        blown = flight.air - DRONE.air(flight.z, flight.v, flight.u)
        later = max(round(2 / tick), 1)
        assert blown.std() == pytest.approx(1.5, rel=accuracy)
        assert np.corrcoef(blown[:-later], blown[later:])[0, 1] == pytest.approx(
            math.exp(-later * tick / 2), abs=0.8 * accuracy
        )

    def test_the_same_generator_gives_the_same_flight(self):
        one, other = (fly(DRONE, landing(), 1, gust=1, random=np.random.RandomState(5)) for _ in "ab")
        assert one.z.tolist() == other.z.tolist()
        assert fly(DRONE, landing(), 1).z.tolist() != one.z.tolist()

    def test_gusts_need_a_generator(self):
        with pytest.raises(ValueError, match="random="):
            fly(DRONE, landing(), 1, gust=1)

    def test_a_flight_has_a_tick_at_least(self):
        assert len(fly(DRONE, landing(), 0.01)) == 1
        with pytest.raises(ValueError, match=r"seconds must be a tick at least, 0.01, got 0.004"):
            fly(DRONE, landing(), 0.004)

    def test_lengths(self):
        flight = fly(DRONE, landing(), 1.5, tick=0.005)
        assert len(flight) == 300
        assert {len(column) for column in vars(flight).values()} == {300}


class TestLearnedForce:
    def test_is_its_net(self):
        made = net()
        force = LearnedForce(made, DRONE)
        out = made(mx.nd.array(features(DRONE, *STATES))).asnumpy()[:, 0]
        assert force(*STATES) == pytest.approx(DRONE.weight * out, rel=1e-4, abs=1e-4)
        assert force(*(column[3] for column in STATES)) == pytest.approx(force(*STATES)[3])

    def test_features_are_scaled(self):
        assert features(DRONE, 0.25, 2.0, 2 * DRONE.weight).tolist() == [1, 1, 1]
        assert features(DRONE, *STATES).shape == (50, 3)

    def test_the_slope_is_that_of_differences_and_within_the_bound(self):
        z, v, u = STATES
        force = LearnedForce(net(), DRONE)
        differences = (force(z, v, u + 1e-6) - force(z, v, u - 1e-6)) / 2e-6
        assert force.slope(z, v, u) == pytest.approx(differences, abs=1e-6)
        assert abs(force.slope(z, v, u)).max() <= force.steepest
        assert force.steepest == pytest.approx(lipschitz.bound(net()) / 2)

    def test_later_training_does_not_change_it(self):
        made = net()
        force = LearnedForce(made, DRONE)
        before = force(*STATES)
        made[0].weight.set_data(mx.nd.zeros((7, 3)))
        assert force(*STATES).tolist() == before.tolist()

    def test_one_layer_is_a_net(self):
        made = nn.Dense(1, in_units=3)
        made.initialize()
        W = made.weight.data().asnumpy()[0]
        assert LearnedForce(made, DRONE).slope(*STATES) == pytest.approx(np.full(50, W[2] / 2))

    def test_layers_without_a_bias_are_layers(self):
        made = nn.HybridSequential()
        made.add(nn.Dense(4, "relu", use_bias=False, in_units=3), nn.Dense(1, use_bias=False, in_units=4))
        made.initialize(mx.init.Normal(0.7))
        out = made(mx.nd.array(features(DRONE, *STATES))).asnumpy()[:, 0]
        assert LearnedForce(made, DRONE)(*STATES) == pytest.approx(DRONE.weight * out, rel=1e-4, abs=1e-4)

    @pytest.mark.parametrize(
        "layers",
        [
            [nn.Dense(4, "tanh", in_units=3), nn.Dense(1, in_units=4)],
            [nn.Dense(4, "relu", in_units=3), nn.Dense(1, "relu", in_units=4)],
            [nn.Dense(4, "relu", in_units=2), nn.Dense(1, in_units=4)],
            [nn.Dense(4, "relu", in_units=3), nn.Dense(2, in_units=4)],
            [nn.Dense(4, in_units=3), nn.Activation("relu"), nn.Dense(1, in_units=4)],
        ],
    )
    def test_refuses_other_nets(self, layers):
        made = nn.HybridSequential()
        made.add(*layers)
        made.initialize()
        with pytest.raises(ValueError, match="net must be dense layers"):
            LearnedForce(made, DRONE)


def test_all_names_are_there():
    assert all(hasattr(lander, name) for name in lander.__all__)
