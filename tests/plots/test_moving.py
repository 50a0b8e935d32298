"""Moving pictures: a still, a strip and a text; what moves goes where the numbers say."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from bs4 import BeautifulSoup

from gluonbook.plots import moving

T = np.linspace(0, 3, 31)
HEIGHTS = {"plain": 1.5 - 0.4 * T, "<true>": 1.5 * np.exp(-T)}


@pytest.fixture(scope="module")
def shown():
    data, metadata = moving.drones(T, HEIGHTS, frames=11, stations=4).bundle()
    return data, metadata, BeautifulSoup(data["text/html"], "html.parser")


def film(page):
    return json.loads(page.find("script", type="application/json").string)


def test_the_text_tells_where_each_is_and_stands_on_all_forms(shown):
    data, metadata, page = shown
    told = data["text/plain"]
    assert told.startswith("2 drones")
    assert "plain 1.50 m after 0.0 s" in told
    assert "0.30 m after 3.0 s" in told
    assert metadata["image/svg+xml"]["alt"] == told
    assert page.find(role="img")["aria-label"] == told
    assert page.find("img")["alt"] == told


def test_it_is_the_same_each_time(shown):
    assert moving.drones(T, HEIGHTS, frames=11, stations=4).bundle() == shown[:2]


def test_nothing_is_fetched(shown):
    page = shown[2]
    assert [tag["src"][:10] for tag in page.find_all(src=True)] == ["data:image"]
    assert not page.find_all("link")
    assert not re.search(r"url\((?!#)", shown[0]["text/html"])


def test_without_a_program_it_is_the_still_and_the_controls_are_hidden(shown):
    page = shown[2]
    assert page.find(class_="gb-moving-controls").has_attr("hidden")
    assert page.find("svg") is not None
    assert not page.find_all(attrs={"transform": re.compile("^translate.*nan", re.IGNORECASE)})


def test_what_moves_is_marked_once_and_ends_in_its_place(shown):
    page = shown[2]
    shifts = film(page)["shifts"]
    assert set(shifts) == {"drone-0", "drone-1", "mark-0", "mark-1"}
    for name, path in shifts.items():
        assert len(page.find_all(attrs={"data-moves": name})) == 1
        assert len(path) == 11
        assert path[-1] in ("0.0 0.0", "0.0 -0.0", "-0.0 -0.0")


def test_what_moves_goes_where_the_numbers_say(shown):
    """All drones move by the same points a metre, and up is up; marks move along time, too."""
    shifts = {name: np.array([one.split() for one in path], float) for name, path in film(shown[2])["shifts"].items()}
    a_metre = []
    for i, track in enumerate(HEIGHTS.values()):
        risen = track[::3] - track[-1]
        for kind in ("drone", "mark"):
            up = -shifts[f"{kind}-{i}"][:, 1]
            a_metre.append(up[0] / risen[0])
            assert up == pytest.approx(risen * a_metre[0], abs=0.11)
        assert abs(shifts[f"drone-{i}"][:, 0]).max() == 0
        assert np.diff(shifts[f"mark-{i}"][:, 0]) == pytest.approx(np.diff(shifts[f"mark-{i}"][:, 0])[0], abs=0.11)
    assert min(a_metre) > 20
    assert np.ptp(a_metre) < 0.5


def test_names_in_the_drawing_are_its_own(shown):
    page = shown[2]
    box = page.find(class_="gb-moving")["id"]
    names = [tag["id"] for tag in page.find("svg").find_all(id=True)]
    assert names
    assert all(name.startswith(f"{box}-") for name in names)
    used = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', str(page.find("svg")))
    assert {name for pair in used for name in pair if name} <= set(names)


def test_styles_of_the_drawing_stay_in_it(shown):
    page = shown[2]
    (style,) = page.find("svg").find_all("style")
    assert style.string.strip().startswith(f"#{page.find(class_='gb-moving')['id']} svg *")
    assert page.find("metadata") is None


def test_names_of_drones_cannot_break_the_page(shown):
    assert "<true>" not in shown[0]["text/html"]


def test_it_is_small():
    t = np.arange(1200) / 100
    data, _ = moving.drones(t, {name: np.exp(-t) for name in "abc"}).bundle()
    assert len(data["text/html"]) < 250_000


def test_it_shows_itself(monkeypatch):
    calls = []
    monkeypatch.setattr(moving, "display", lambda data, metadata: calls.append(data))
    moving.drones(T, HEIGHTS)._ipython_display_()
    assert set(calls[0]) == {"text/html", "image/svg+xml", "text/plain"}


def test_heights_of_another_length_are_refused():
    with pytest.raises(ValueError, match="plain has heights of shape"):
        moving.drones(T, {"plain": T[:-1]})
