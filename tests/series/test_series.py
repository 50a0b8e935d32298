from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gluonbook import datasets, paths, series
from gluonbook.profiles import digits_or
from gluonbook.series import load, logistic_map, lorenz, windows


def test_the_logistic_map_is_the_map():
    x = logistic_map(500, np.random.RandomState(0), 3.7)
    assert x.shape == (500,) and x.dtype == np.float64
    np.testing.assert_allclose(x[1:], 3.7 * x[:-1] * (1 - x[:-1]), rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_at_four_it_has_the_arcsine_law_and_doubles_what_is_between_neighbours(seed):
    x = logistic_map(20_000, np.random.RandomState(seed))
    assert x.mean() == pytest.approx(1 / 2, abs=0.01)
    assert x.var() == pytest.approx(1 / 8, abs=0.003)
    assert np.log(np.abs(4 * (1 - 2 * x))).mean() == pytest.approx(np.log(2), abs=0.02)


def test_it_does_not_stay_where_rounding_would_leave_it():
    class Half:
        def uniform(self, low, high):
            return 0.5

    x = logistic_map(200, Half(), burn=0)
    assert x.min() > 0 and x.max() < 1 and x[100:].std() > 0.2


@pytest.mark.parametrize("dt", [0.02, 0.05, 0.1])
def test_lorenz_goes_as_a_careful_solver_does(dt):
    states = lorenz(10, np.random.RandomState(0), dt)

    def slope(_, at):
        x, y, z = at
        return [10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z]

    exact = solve_ivp(slope, (0, 9 * dt), states[0], t_eval=dt * np.arange(10), rtol=1e-10, atol=1e-10).y.T
    np.testing.assert_allclose(states, exact, atol=0.02)


def test_lorenz_begins_near_its_own_mean_height():
    starts = [lorenz(1, np.random.RandomState(seed), 1e-6, burn=0)[0] for seed in range(100)]
    np.testing.assert_allclose(np.mean(starts, axis=0), [1, 1, 25], atol=0.4)  # four standard deviations of the mean
    np.testing.assert_allclose(np.std(starts, axis=0), 1, atol=0.3)


def test_lorenz_takes_its_numbers_and_settles_where_they_say():
    """Below ρ = 24.74 both points with x² = y² = β(ρ − 1) and z = ρ − 1 hold what comes near."""
    end = lorenz(1, np.random.RandomState(0), sigma=9.0, rho=10.0, beta=2.0, burn=2000)[0]
    np.testing.assert_allclose(np.abs(end), [18**0.5, 18**0.5, 9], rtol=1e-3)


def test_a_series_belongs_to_its_seed_and_to_what_is_dropped():
    for make in (logistic_map, lorenz):
        whole = make(30, np.random.RandomState(1), burn=0)
        assert np.array_equal(make(20, np.random.RandomState(1), burn=10), whole[10:])
        assert not np.array_equal(make(30, np.random.RandomState(2), burn=0), whole)


def test_windows_are_all_pieces_and_copies():
    x = np.arange(5.0)
    pieces = windows(x, 3)
    assert pieces.tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 4]] and pieces.dtype == np.float32
    pieces[0] = 7
    assert x.tolist() == [0, 1, 2, 3, 4] and pieces[1].tolist() == [1, 2, 3]
    assert windows(x, 5).shape == (1, 5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: logistic_map(0, np.random), "n must be a whole number from 1, got 0"),
        (lambda: logistic_map(5, np.random, 4.1), r"c must be a number in \(0, 4\], got 4.1"),
        (lambda: logistic_map(5, np.random, burn=-1), "burn must be a whole number from 0, got -1"),
        (lambda: lorenz(0, np.random), "n must be a whole number from 1, got 0"),
        (lambda: lorenz(5, np.random, 0.2), r"dt must be a number in \(0, 0.1\], got 0.2"),
        (lambda: lorenz(5, np.random, rho=0), r"rho must be a number in \(0, 100\], got 0"),
        (
            lambda: lorenz(100, np.random, 0.1, sigma=100, rho=100, beta=100),
            "dt must be shorter for sigma=100, rho=100, beta=100: by 0.1 the integration runs away",
        ),
        (lambda: windows(np.zeros((2, 3)), 2), r"a series has the shape \(n,\), got \(2, 3\)"),
        (lambda: windows(np.zeros(3), 4), "length must be a whole number from 1 to 3, got 4"),
        (lambda: load("weather"), "no series 'weather'; there are sunspots, elnino"),
    ],
)
def test_what_is_wrong_is_told(call, told):
    with pytest.raises(ValueError, match=told):
        call()


def test_sunspots_come_a_year_each():
    spots = load("sunspots")
    assert (spots.name, spots.unit, len(spots.values)) == ("sunspots", "sunspot number", 309)
    assert spots.years.tolist() == list(range(1700, 2009))
    assert (spots.values[0], spots.values[-1], spots.values.min()) == (5, 2.9, 0)


def test_el_nino_comes_a_month_each():
    sea = load("elnino")
    assert (sea.name, sea.unit, len(sea.values)) == ("elnino", "°C", 61 * 12)
    np.testing.assert_allclose(sea.years, 1950 + np.arange(732) / 12)
    assert sea.values[:3].tolist() == [23.11, 24.2, 25.37] and 18 < sea.values.min() < sea.values.max() < 30


@pytest.mark.parametrize("name", series.NAMES)
def test_the_files_are_those_of_the_manifest(name):
    about = json.loads(paths.manifest_file().read_text(encoding="utf-8"))[name]
    ((pin,),) = about["forms"].values()
    data = (Path(series.__file__).parent / pin["name"]).read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (pin["size"], pin["sha256"])
    assert about["redistributable"] and "public domain" in about["licence"]


@pytest.mark.parametrize("name", series.NAMES)
@pytest.mark.parametrize("ask", [datasets.fetch, datasets.status, datasets.info, digits_or])
def test_a_series_is_no_data_set_to_fetch(name, ask):
    with pytest.raises(ValueError, match=rf"'{name}' is a series.*: gluonbook\.series\.load\('{name}'\)$"):
        ask(name)
