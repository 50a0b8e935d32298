"""Things that move: a picture that plays when it is asked to, a still where nothing can play, a strip on paper."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gluonbook.plots.figure import MARKERS, PALETTE, SMALL, STYLE, WIDEST, Figure, axes
from gluonbook.show import display

_MARK = "moves-"  # how the names of what moves begin, in the drawing
# A drone of one unit: legs, body, masts, rotors. A None lifts the pen.
_GLYPH: Sequence[tuple[float, float] | None] = (
    *((-0.12, 0.0), (-0.12, 0.5), None, (0.12, 0.0), (0.12, 0.5), None, (-0.3, 0.5), (0.3, 0.5), None),
    *((-0.3, 0.5), (-0.3, 1.0), None, (0.3, 0.5), (0.3, 1.0), None, (-0.44, 1.0), (-0.16, 1.0), None),
    *((0.16, 1.0), (0.44, 1.0)),
)
_SECONDS = 6.0  # that a whole film takes

# What a page needs besides the drawing. On paper there is the strip alone; a program moves what the drawing has marked.
# It is light in dark mode, too, as the drawing is. The slider tells its time when it is asked; the clock keeps quiet.
_HTML = """<div class="gb-moving" id="{name}">
<style>
.gb-moving {{ background: #fff; color: #222; color-scheme: light; }}
.gb-moving-scene svg {{ display: block; width: 100%; height: auto; max-width: 44rem; margin: 0 auto; }}
.gb-moving-strip {{ display: none; }}
.gb-moving-controls {{ display: flex; gap: .8em; align-items: center; padding: .4em; }}
.gb-moving-controls[hidden] {{ display: none; }}
.gb-moving-controls input {{ flex: 1; min-width: 6em; }}
.gb-moving-controls output {{ min-width: 4em; text-align: right; }}
@media print {{
.gb-moving-scene, .gb-moving-controls {{ display: none !important; }}
.gb-moving-strip {{ display: block; max-width: 100%; margin: 0 auto; }}
}}
</style>
<div class="gb-moving-scene" role="img" aria-label="{alt}">{drawing}</div>
<div class="gb-moving-controls" hidden><button type="button">Play</button>
<input type="range" aria-label="{axis}" min="0" max="{last}" step="1" value="{last}">
<output aria-live="off"></output></div>
<img class="gb-moving-strip" alt="{alt}" src="data:image/svg+xml;base64,{strip}">
<script type="application/json">{data}</script>
<script>
(() => {{
  const box = document.currentScript && document.currentScript.closest(".gb-moving");
  if (!box) return;
  const find = what => box.querySelector(what);
  const film = JSON.parse(find("script[type='application/json']").textContent);
  const [controls, button, slider, told] = ["div[hidden]", "button", "input", "output"].map(find);
  if (!controls) return;
  const show = frame => {{
    for (const [name, shifts] of Object.entries(film.shifts))
      find(`[data-moves="${{name}}"]`).setAttribute("transform", `translate(${{shifts[frame]}})`);
    slider.value = frame;
    told.textContent = film.times[frame];
    slider.setAttribute("aria-valuetext", film.times[frame]);
  }};
  let stop = null;
  const pause = () => {{ cancelAnimationFrame(stop); stop = null; button.textContent = "Play"; }};
  const play = () => {{
    const last = film.times.length - 1, from = slider.value < last ? Number(slider.value) : 0;
    let begun = null;
    const next = now => {{
      begun = begun === null ? now : begun;
      const frame = Math.min(last, from + Math.floor((now - begun) / 1000 / film.seconds * last));
      show(frame);
      if (frame < last) stop = requestAnimationFrame(next); else pause();
    }};
    button.textContent = "Pause";
    stop = requestAnimationFrame(next);
  }};
  button.addEventListener("click", () => stop === null ? play() : pause());
  slider.addEventListener("input", () => {{ pause(); show(Number(slider.value)); }});
  controls.hidden = false;
  show(film.times.length - 1);
}})();
</script>
</div>"""


@final
class Moving:
    """A picture in which something moves.

    On a page and in a notebook it stands still, as at the end, until a reader plays it or moves the slider; without
    JavaScript it stays so. On paper, and where HTML is not shown, it is a strip of its stations. Nothing is fetched.
    `alt` tells those who do not see it what happens.
    """

    def __init__(
        self, still: Figure, strip: Figure, shifts: Mapping[str, np.ndarray], times: Sequence[str], axis: str
    ) -> None:
        """
        Args:
            still: the picture at the end; each thing in it that moves has a name as its `gid`.
            strip: the stations, for paper; its `alt` is that of all.
            shifts: by these names, how far from its place in the still a thing is in each frame, shape (frames, 2), in
                points, x to the right and y down.
            times: what the clock shows in each frame, a text such as "1.5 s".
            axis: what the slider moves along, such as "time".
        """
        self.alt = strip.alt
        self._still, self._strip, self._shifts, self._times, self._axis = still, strip, shifts, times, axis

    def bundle(self) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """The picture as a MIME bundle, and its metadata, which holds the alternative text."""
        strip = _svg(self._strip)
        data = {"text/html": self._html(strip), "image/svg+xml": strip, "text/plain": self.alt}
        return data, {"image/svg+xml": {"alt": self.alt}}

    def _ipython_display_(self) -> None:
        data, metadata = self.bundle()
        display(data, metadata)

    def _html(self, strip: str) -> str:
        drawing = _svg(self._still)
        drawing = re.sub("<metadata>.*</metadata>", "", drawing[drawing.index("<svg") :], flags=re.DOTALL).strip()
        name = f"moving-{blake2b(drawing.encode(), digest_size=4).hexdigest()}"
        # A page has one room for names: those of the drawing become its own.
        drawing = re.sub(r'(?<= id=")|(?<=href="#)|(?<=url\(#)', f"{name}-", drawing)
        drawing = drawing.replace(f'id="{name}-{_MARK}', 'data-moves="')
        drawing = drawing.replace('<style type="text/css">*', f'<style type="text/css">#{name} svg *')
        shifts = {key: [f"{x:.1f} {y:.1f}" for x, y in shift] for key, shift in self._shifts.items()}
        film = {"seconds": _SECONDS, "times": list(self._times), "shifts": shifts}
        return _HTML.format(
            name=name,
            alt=html.escape(self.alt),
            axis=html.escape(self._axis),
            drawing=drawing,
            last=len(self._times) - 1,
            strip=base64.b64encode(strip.encode()).decode(),
            data=json.dumps(film, separators=(",", ":")).replace("<", "\\u003c"),
        )


def drones(
    t: Sequence[float],
    heights: Mapping[str, Sequence[float]],
    *,
    size: float = 0.25,
    frames: int = 61,
    stations: int = 6,
) -> Moving:
    """Drones that fly up and down side by side, and their heights over time.

    Args:
        t: times in seconds, equally far apart.
        heights: by the name of a drone, the height of its feet in metres at each time.
        size: of a drone from feet to rotors, in metres, to scale.
        frames: of the film, at equally many times.
        stations: of the strip, closer together at the beginning, where most happens.

    Raises:
        ValueError: a drone does not have one height for each time.
    """
    times = np.asarray(t, dtype=float)
    tracks = {name: np.asarray(track, dtype=float) for name, track in heights.items()}
    for name, track in tracks.items():
        if track.shape != times.shape:
            raise ValueError(f"{name} has heights of shape {track.shape}, and the times have shape {times.shape}")
    top = max(track.max() for track in tracks.values()) + 1.3 * size
    shown = np.linspace(0, len(times) - 1, frames).round().astype(int)
    still, shifts = _still(times, tracks, size, top, shown)
    at = np.round((np.linspace(0, 1, stations) ** 1.5) * (len(times) - 1)).astype(int)
    strip, row = axes(1, stations, size=(6.4, 2.3), sharey=True)
    for ax, index in zip(row, at):
        lines = _scene(ax, {name: track[index] for name, track in tracks.items()}, size, top)
        ax.set_title(f"{times[index]:.1f} s", fontsize=SMALL)
    row[0].set_ylabel("height (m)")
    strip.legend_outside("lower center", lines, [*tracks], columns=3)
    told = "; ".join(
        f"{name} " + ", ".join(f"{track[index]:.2f} m after {times[index]:.1f} s" for index in at)
        for name, track in tracks.items()
    )
    strip.alt = f"{len(tracks)} drones fly up and down side by side. Their heights: {told}."
    return Moving(still, strip, shifts, [f"{times[index]:.1f} s" for index in shown], "time")


def _still(
    t: np.ndarray, tracks: Mapping[str, np.ndarray], size: float, top: float, shown: np.ndarray
) -> tuple[Figure, dict[str, np.ndarray]]:
    fig, (left, right) = axes(1, 2, size=(WIDEST, 3.2), sharey=True, width_ratios=(2, 3))
    lines = _scene(left, {name: track[-1] for name, track in tracks.items()}, size, top)
    left.set_ylabel("height (m)")
    for name, track in tracks.items():
        right.plot(t, track, label=name)
    right.set_xlabel("time (s)")
    paths = {}
    for i, (line, track) in enumerate(zip(lines, tracks.values())):
        line.set_gid(f"{_MARK}drone-{i}")
        paths[f"drone-{i}"] = left, np.stack([np.full(len(shown), i), track[shown]], axis=1)
        (mark,) = right.plot(
            t[-1], track[-1], MARKERS[i % len(MARKERS)], color=PALETTE[i % len(PALETTE)], clip_on=False
        )
        mark.set_gid(f"{_MARK}mark-{i}")
        paths[f"mark-{i}"] = right, np.stack([t[shown], track[shown]], axis=1)
    right.legend()
    with mpl.rc_context(STYLE):
        fig.draw_without_rendering()  # now the axes have their places, and keep them
    fig.set_layout_engine("none")
    return fig, {name: _shifts(fig, ax, path) for name, (ax, path) in paths.items()}


def _shifts(fig: Figure, ax: Axes, path: np.ndarray) -> np.ndarray:
    points = ax.transData.transform(path) * 72 / fig.dpi
    return (points - points[-1]) * (1, -1)


def _scene(ax: Axes, heights: Mapping[str, float], size: float, top: float) -> list[Line2D]:
    """The drones at one moment, each in its own column over the ground; returns what is drawn of each."""
    lines = []
    glyph = np.array([(np.nan, np.nan) if point is None else point for point in _GLYPH])
    for i, (name, height) in enumerate(heights.items()):
        colour = PALETTE[i % len(PALETTE)]
        x, y = i + glyph[:, 0], height + size * glyph[:, 1]
        lines += ax.plot(x, y, color=colour, linestyle="-", label=name, clip_on=False)
    ax.axhspan(-0.06 * top, 0, color="0.85")
    ax.set(xlim=(-0.6, len(heights) - 0.4), ylim=(-0.06 * top, top), xticks=[])
    ax.grid(axis="x", visible=False)
    return lines


def _svg(fig: Figure) -> str:
    file = io.StringIO()
    with mpl.rc_context(STYLE):
        fig.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()
