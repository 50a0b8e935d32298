"""Figures: texts that say what is shown, files that are the same each time, colours that can be told apart."""

from __future__ import annotations

import itertools

import matplotlib
import mxnet as mx
import numpy as np
import pytest

from gluonbook import plots
from gluonbook.measure.timeline import Recording, Span
from gluonbook.plots import curves, figure
from gluonbook.training import Epoch, History


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2, from 0 for black to 1 for white."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


@pytest.mark.parametrize("colour", plots.PALETTE)
def test_colours_stand_out_from_white(colour):
    assert 1.05 / (luminance(colour) + 0.05) >= 3, "WCAG 2.1 asks for 3:1 between graphics and their background"


def test_lines_differ_in_dash_too():
    styles = [(style["color"], str(style["linestyle"])) for style in plots.STYLE["axes.prop_cycle"]]
    for (colour, dash), (other_colour, other_dash) in itertools.combinations(styles, 2):
        assert colour != other_colour
        assert dash != other_dash


def test_a_figure_carries_its_text_and_is_the_same_each_time():
    def bundle():
        fig = plots.bars({"a": 1.0, "b": 25.0}, xlabel="seconds", log=True)
        return fig.bundle()

    data, metadata = bundle()
    assert data["text/plain"] == "2 horizontal bars in seconds: a 1, b 25. The longest is b."
    assert metadata["image/svg+xml"]["alt"] == data["text/plain"]
    assert data["image/svg+xml"].startswith("<?xml")
    assert bundle() == (data, metadata)


def test_a_figure_shows_itself(monkeypatch):
    shown = []
    monkeypatch.setattr(figure, "display", lambda data, metadata: shown.append((data, metadata)))
    fig, ax = plots.axes()
    ax.plot([1, 2])
    fig._ipython_display_()
    ((data, metadata),) = shown
    assert metadata == {}
    assert "<svg" in data["image/svg+xml"]


def history(**changed) -> History:
    first = {"train_loss": 2.0, "train_accuracy": 0.3, "test_loss": 1.9, "test_accuracy": 0.4}
    second = {"train_loss": 0.5, "train_accuracy": 0.9, "test_loss": 0.6, "test_accuracy": 0.85}
    rows = [{**row, **changed} for row in (first, second)]
    return History([Epoch(i, 5 * i, **row, seconds=1.0, samples_per_second=9.0) for i, row in enumerate(rows, 1)])


def test_learning_curves_tell_both_parts():
    fig = plots.learning_curves(history())
    assert fig.alt == (
        "Two line charts over 2 epochs. "
        "The loss on the training set goes from 2 to 0.5. The loss on the test set goes from 1.9 to 0.6. "
        "The accuracy on the training set goes from 0.3 to 0.9. The accuracy on the test set goes from 0.4 to 0.85."
    )
    assert [len(ax.lines) for ax in fig.axes] == [2, 2]


def test_learning_curves_without_a_test_set():
    fig = plots.learning_curves(history(test_loss=None, test_accuracy=None))
    assert "test set" not in fig.alt
    assert [len(ax.lines) for ax in fig.axes] == [1, 1]


@pytest.mark.filterwarnings("error")
def test_learning_curves_of_a_regression_are_those_of_the_loss():
    fig = plots.learning_curves(history(train_accuracy=None, test_accuracy=None))
    assert fig.alt == (
        "A line chart over 2 epochs. "
        "The loss on the training set goes from 2 to 0.5. The loss on the test set goes from 1.9 to 0.6."
    )
    assert [ax.get_ylabel() for ax in fig.axes] == ["loss"]


def test_learning_curves_name_what_was_tested_and_may_have_a_logarithmic_loss():
    fig = plots.learning_curves(history(), tested="validation set", log=True)
    assert "test set" not in fig.alt
    assert fig.alt.endswith("on the validation set goes from 0.4 to 0.85.")
    assert [ax.get_yscale() for ax in fig.axes] == ["log", "linear"]


def test_live_curves_draw_once_and_then_update(monkeypatch):
    class Handle:
        updates = 0

        def update(self, data, metadata, raw):
            self.updates += 1

    handle = Handle()
    monkeypatch.setattr(curves, "display", lambda data, metadata, display_id: handle)
    redraw = plots.live()
    for _ in range(3):
        redraw(history())
    assert handle.updates == 2


def test_live_curves_are_learning_curves(monkeypatch):
    shown = []
    monkeypatch.setattr(curves, "display", lambda data, metadata, display_id: shown.append(data))
    plots.live(tested="validation set", log=True)(history())
    fig = plots.learning_curves(history(), tested="validation set", log=True)
    assert shown == [fig.bundle()[0]]


def test_stages_are_drawn_to_scale_and_told():
    fig = plots.stages({"image": (1, 8, 6), "Conv2D": (20, 4, 4), "Dense": (128,)})
    assert fig.alt == ("A drawing of 3 stages, from left to right: image, 1 × 8 × 6; Conv2D, 20 × 4 × 4; Dense, 128.")
    boxes = [(patch.get_width(), patch.get_height()) for patch in fig.axes[0].patches]
    assert boxes[0] == (0.75, 1)
    assert boxes[1:-1] == [(0.5, 0.5)] * 6  # of twenty channels six are drawn
    assert len(boxes) == 8


def test_stages_with_the_same_name_differ_by_a_number_that_is_not_drawn():
    fig = plots.stages({"Dense (1)": (1000,), "Dense (2)": (10,)})
    assert [text.get_text() for text in fig.axes[0].texts] == ["Dense\n1,000", "Dense\n10"]


def test_confusion_counts_and_names_the_commonest_error():
    fig = plots.confusion(np.array([0, 1, 1, 2, 2]), np.array([0, 1, 2, 1, 1]), ["cat", "dog", "cow"])
    assert fig.alt == (
        "Confusion matrix of 5 images in 3 classes; 3 lie off the diagonal. "
        "The commonest error takes cow for dog, 2 times."
    )
    assert sorted(text.get_text() for text in fig.axes[0].texts) == ["1", "1", "1", "2"]


@pytest.mark.parametrize("label", [-1, 2])
def test_a_label_that_is_none_of_a_class_is_refused(label):
    y, other = np.array([0, 1]), np.array([0, label])
    for name, draw in (
        ("y", lambda: plots.confusion(other, y, ["cat", "dog"])),
        ("predicted", lambda: plots.confusion(y, other, ["cat", "dog"])),
        ("mixed", lambda: plots.batches({"mixed": [y, other]}, ["cat", "dog"])),
    ):
        with pytest.raises(ValueError, match=f"{name} must hold whole numbers from 0 to 1, got {label}"):
            draw()


@pytest.mark.parametrize(
    "labels", [np.array([0.0, 1.0]), np.array([True, False]), np.array([[0, 1]]), np.array(1)], ids=str
)
def test_labels_are_whole_numbers_in_a_row(labels):
    y = np.array([0, 1])
    for name, draw in (
        ("y", lambda: plots.confusion(labels, y, ["cat", "dog"])),
        ("predicted", lambda: plots.confusion(y, labels, ["cat", "dog"])),
    ):
        told = rf"{name} must hold whole numbers, in an array of one axis; got {labels.dtype} of shape"
        with pytest.raises(ValueError, match=told):
            draw()
    with pytest.raises(ValueError, match="must hold whole numbers"):
        plots.batches({"mixed": [np.array([0.5, 1])]}, ["cat", "dog"])


def test_each_image_is_taken_for_one_class():
    with pytest.raises(ValueError, match="predicted must hold a class for each of 3 images, got 1"):
        plots.confusion(np.array([0, 1, 1]), np.array([1]), ["cat", "dog"])


def test_confusion_without_an_error():
    assert plots.confusion(np.array([0, 1]), np.array([0, 1]), ["a", "b"]).alt.endswith("0 lie off the diagonal.")


def test_images_fill_a_grid():
    fig = plots.images(np.zeros((5, 1, 8, 8)), list("abcde"), columns=4)
    assert len(fig.axes) == 8
    assert [ax.get_title() for ax in fig.axes] == ["a", "b", "c", "d", "e", "", "", ""]


def test_images_may_differ_in_size():
    fig = plots.images([np.zeros((1, 8, 8)), np.zeros((1, 1, 1))], ["large", "small"])
    assert [ax.images[0].get_array().shape for ax in fig.axes[:2]] == [(8, 8), (1, 1)]


def test_long_names_of_classes_stand_upright():
    for names, angle in ((["0", "1"], 0), (["cat", "dog"], 90)):
        ax = plots.confusion(np.array([0, 1]), np.array([0, 1]), names).axes[0]
        assert {label.get_rotation() for label in ax.get_xticklabels()} == {angle}


def test_lines_are_named_counted_and_told():
    fig = plots.lines({"a": [3, 1], "b": [2, 4, 1]}, xlabel="step", ylabel="loss (nats)", first=0, log=True)
    assert fig.alt == "2 curves of loss (nats) over step. a: from 3 to 1, at most 3. b: from 2 to 1, at most 4."
    (ax,) = fig.axes
    assert [list(line.get_xdata()) for line in ax.lines] == [[0, 1], [0, 1, 2]]
    assert ax.get_yscale() == "log"
    assert ax.get_legend() is not None


def test_what_is_not_finite_is_neither_at_most_nor_the_longest():
    fig = plots.lines({"a": [np.nan, 5, 3], "b": [np.nan, 2], "c": [np.nan]}, xlabel="step", ylabel="rate")
    assert fig.alt.endswith("a: from 5 to 3, at most 5. b: always 2. c: nowhere a number.")
    assert plots.bars({"a": np.nan, "b": 3, "c": 2}, xlabel="s").alt.endswith("The longest is b.")


def test_many_names_stand_above_the_curves():
    fig = plots.lines({name: [1, 2] for name in "abcd"}, xlabel="step", ylabel="rate")
    (ax,), (legend,) = fig.axes, fig.legends
    assert [text.get_text() for text in legend.get_texts()] == list("abcd")
    fig.draw_without_rendering()
    assert legend.get_window_extent().ymin >= ax.get_window_extent().ymax


def test_one_line_needs_no_legend():
    fig = plots.lines({"rate": [0, 1]}, xlabel="step", ylabel="rate")
    assert fig.alt == "A line chart of rate over step. rate: from 0 to 1, at most 1."
    assert fig.axes[0].get_legend() is None
    assert list(fig.axes[0].lines[0].get_xdata()) == [1, 2]


def test_colour_images_keep_their_channels():
    fig = plots.images(np.zeros((1, 3, 8, 8)), ["rgb"])
    assert fig.axes[0].images[0].get_array().shape == (8, 8, 3)


def test_a_graph_says_what_takes_what():
    a, b = mx.sym.var("a"), mx.sym.var("b")
    alt = plots.graph(a * b + 1).alt
    assert alt == (
        "A graph with 4 boxes joined by arrows: elemwise_mul takes a and b; plus_scalar, scalar = 1 takes elemwise_mul."
    )


def test_a_graph_without_parameters_and_settings():
    x, w = mx.sym.var("x"), mx.sym.var("w")
    alt = plots.graph(mx.sym.tanh(x * w) + 1, hide={"w"}, settings=False).alt
    assert alt == (
        "A graph with 4 boxes joined by arrows: elemwise_mul takes x; tanh takes elemwise_mul; plus_scalar takes tanh."
    )


def test_panels_of_bars_share_their_names():
    panels = {"bytes": {"slow": 100, "fast": 20}, "time": {"slow": 47.31, "fast": 1}}
    fig = plots.bar_panels(panels)
    assert fig.alt == "2 panels of horizontal bars. bytes: slow 100, fast 20. time: slow 47.3, fast 1."
    assert [ax.get_title() for ax in fig.axes] == ["bytes", "time"]
    for ax, values in zip(fig.axes, panels.values()):
        assert [bar.get_width() for bar in ax.patches] == list(values.values())
        assert [text.get_text() for text in ax.texts] == [f"{value:.3g}" for value in values.values()]
    assert [tick.get_text() for tick in fig.axes[0].get_yticklabels()] == ["slow", "fast"]
    assert fig.axes[0].get_ylim()[0] > fig.axes[0].get_ylim()[1]


def test_a_single_panel_of_bars():
    assert plots.bar_panels({"time": {"slow": 2, "fast": 1}}).alt == (
        "1 panel of horizontal bars. time: slow 2, fast 1."
    )


def test_ratios_show_median_and_middle_half():
    fig = plots.ratios({"small": [1, 4, 5, 6, 20], "wide": [0.9, 1, 1.1]}, xlabel="times faster")
    assert fig.alt == (
        "2 dots for times faster, with bars for the spread: "
        "small 5 (middle half 4 to 6); wide 1 (middle half 0.95 to 1.1)."
    )
    (ax,) = fig.axes
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["small", "wide"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "2", "5"]
    assert "far 120 (middle half 112 to 125)" in plots.ratios({"far": [104, 112, 120, 125, 130]}, xlabel="times").alt


def recording(*spans: tuple[str, float, float]) -> Recording:
    return Recording(spans=tuple(Span(kind, kind, start, seconds) for kind, start, seconds in spans), peak_bytes=0)


def test_timelines_share_an_axis_and_count():
    lazy = recording(("call", 0, 1e-5), ("operation", 2e-5, 1e-5), ("call", 4e-5, 1e-5), ("operation", 6e-5, 1e-5))
    once = recording(("call", 0, 1e-5), ("operation", 2e-5, 2e-5), ("wait", 2e-5, 2e-5))
    fig = plots.timeline({"one by one": lazy, "all at once": once})
    assert fig.alt == (
        "2 timelines with a row for Python and one for the engine. "
        "one by one: 2 orders from Python, 2 pieces of work in the engine, done after 70 µs. "
        "all at once: 1 order from Python, 1 piece of work in the engine, done after 40 µs."
    )
    assert fig.axes[0].get_xlim() == fig.axes[1].get_xlim()
    drawn = [[len(bars.get_paths()) for bars in ax.collections] for ax in fig.axes]
    assert drawn == [[2, 0, 2], [1, 1, 1]]


def test_a_timeline_knows_two_units():
    assert "done after 0.07 ms" in plots.timeline({"work": recording(("operation", 0, 7e-5))}, unit="ms").alt
    with pytest.raises(ValueError, match="'s'"):
        plots.timeline({}, unit="s")


def test_batches_tell_how_many_classes_each_holds():
    sorted_, mixed = [np.array([0, 0]), np.array([1, 1])], [np.array([0, 1]), np.array([1, 0])]
    fig = plots.batches({"sorted": sorted_, "mixed": mixed}, ["cat", "dog"])
    assert fig.alt == (
        "2 heat maps of the classes in 2 batches. "
        "sorted: a batch holds 1 of 2 classes. mixed: a batch holds 2 of 2 classes."
    )
    assert fig.axes[0].images[0].get_array().tolist() == [[1, 0], [0, 1]]


def test_raw_bytes_are_named_and_legible():
    fig = plots.raw_bytes(b"\n#\xff\x00more", {"magic": 2, "length": 2}, columns=3)
    assert fig.alt == "The first 4 bytes in hexadecimal, by meaning: magic 0a 23; length ff 00."
    assert [text.get_text() for text in fig.axes[0].texts] == ["0a", "23", "ff", "00"]


@pytest.mark.parametrize("parts", [{"magic": 5}, {"magic": 2, "nothing": 0}])
def test_raw_bytes_refuse_parts_that_do_not_fit(parts):
    with pytest.raises(ValueError, match="together at most 4"):
        plots.raw_bytes(b"1234", parts)


def test_spread_shows_every_seed():
    fig = plots.spread({"sorted": [0.1, 0.3], "shuffled": [0.9, 0.9, 0.6]}, xlabel="accuracy")
    points = [line for line in fig.axes[0].lines if line.get_linestyle() == "None"]
    assert [list(line.get_xdata()) for line in points] == [[0.1, 0.3], [0.9, 0.9, 0.6]]
    assert fig.alt == (
        "Accuracy, every seed a point: sorted 0.2 on average, from 0.1 to 0.3 over 2 seeds; "
        "shuffled 0.8 on average, from 0.6 to 0.9 over 3 seeds."
    )


def test_seed_curves_show_means_and_every_seed():
    fig = plots.seed_curves([1, 10], {"warm": np.array([[0.2, 0.8], [0.4, 1.0]])}, xlabel="epoch", ylabel="accuracy")
    assert [len(line.get_xdata()) for line in fig.axes[0].lines] == [2, 2, 2]
    assert fig.alt == ("Accuracy by epoch, means over 2 seeds: warm goes from 0.3 to 0.9, and is highest, 0.9, at 10.")


def test_bands_show_the_mean_the_extremes_and_what_to_compare_with():
    runs = np.array([[1.0, 4.0], [3.0, 8.0]])
    fig = plots.bands([10, 100], {"vote": runs}, guides={"bound": [9, 9]}, xlabel="calls", ylabel="norm", log="xy")
    (ax,) = fig.axes
    assert [list(line.get_ydata()) for line in ax.lines] == [[2, 6], [9, 9]]
    edges = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert {1, 3, 4, 8} <= set(edges)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert fig.alt == "Norm by calls, from 10 to 100: vote from 2 to 6; bound always 9."


def test_bands_tell_of_peaks_and_valleys_between_the_ends():
    curves = {"trapped": [0, 1, 0.25, 0], "value": [9, 1, 2, 4]}
    fig = plots.bands([0, 45, 60, 90], curves, xlabel="angle", ylabel="share")
    assert "trapped from 0 back to 0, at most 1 at 45; value from 9 to 4, at least 1 at 45." in fig.alt


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"log": "z"}, "'z'"), ({"results": {"a": [1, 2, 3]}}, r"a has shape \(3,\): it needs 2 values")],
)
def test_bands_refuse(changed, told):
    with pytest.raises(ValueError, match=told):
        plots.bands(**{"x": [1, 2], "results": {"a": [1, 2]}, "xlabel": "x", "ylabel": "y", **changed})


def test_bars_made_of_parts_tell_each_and_the_sum():
    fig = plots.stacked({"vote": {"compute": 3.0, "send": 0.5}, "mean": {"compute": 3.0, "copy": 1.0}}, xlabel="s")
    assert fig.alt == (
        "2 horizontal bars in s, made of parts. vote: compute 3, send 0.5, together 3.5; "
        "mean: compute 3, copy 1, together 4."
    )
    starts = {(bar.get_y(), bar.get_x(), bar.get_width()) for bar in fig.axes[0].patches if bar.get_width()}
    assert {(x, width) for _, x, width in starts} == {(0.0, 3.0), (3.0, 0.5), (3.0, 1.0)}


def test_many_parts_of_bars_can_be_told_apart():
    fig = plots.stacked({"step": {f"part {i}": 1.0 for i in range(12)}}, xlabel="s")
    looks = {(bar.get_facecolor(), bar.get_hatch()) for bar in fig.axes[0].patches}
    assert len(looks) == 12


def test_a_network_says_who_talks_to_whom():
    fig = plots.network({"a": (0, 0), "b": (1, 0), "boss": (0, 1)}, [("a", "b")])
    assert fig.alt == "A diagram of 3 boxes: a, b, boss. Arrows join a with b."
    (ax,) = fig.axes
    edges = {text.get_text(): text.get_bbox_patch().get_edgecolor() for text in ax.texts if text.get_text()}
    assert edges["a"] == edges["b"] != edges["boss"]


def test_a_network_without_links_can_be_drawn():
    assert plots.network({"alone": (0, 0)}, []).alt.endswith("Arrows join none.")


def test_fitted_says_how_far_the_model_is_off():
    fig = plots.fitted([1, 10, 100], [1.0, 4.0, 10.0], [1.0, 2.0, 40.0], xlabel="bytes", ylabel="seconds")
    assert "from 1 at 1 to 10 at 100" in fig.alt
    assert "off by a factor of 4 at most" in fig.alt
    (ax,) = fig.axes
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert [line.get_label() for line in ax.lines] == ["model", "measured"]


def test_contours_show_paths_and_leave_out_what_is_not_defined():
    path = np.array([[1.0, 1.0], [0.5, 0.0], [0.25, 0.0]])
    fig = plots.contours(
        lambda p: float("nan") if p[0] < 0 else float(p @ p), {"descent": path}, x=(-1, 2), y=(-1, 1), levels=5
    )
    (ax,) = fig.axes
    drawn = np.concatenate([p.vertices for c in ax.collections for p in c.get_paths()])
    assert drawn[:, 0].min() >= -0.03
    assert ax.lines[0].get_xydata().tolist() == path.tolist()
    assert [line.get_marker() for line in ax.lines[1:]] == ["o", "X"]
    assert {line.get_color() for line in ax.lines} == {plots.BLUE}
    assert (
        fig.alt == "Contour lines of a function of two coordinates, with 1 path: descent goes from (1, 1) to (0.25, 0)."
    )


def test_heat_maps_write_each_value_and_mark_what_broke_down():
    maps = {"a": np.array([[0.1, 0.9], [0.5, np.nan]]), "b": np.full((1, 1), np.nan)}
    fig = plots.heat_maps(
        maps, {"a": [1, 10], "b": [1]}, {"a": [0, 0.9], "b": [0.5]}, xlabel="β", ylabel="lr", value="accuracy"
    )
    assert fig.alt == (
        "2 heat maps of the accuracy, lr upwards, β to the right. "
        "a: smallest 0.1 at lr 1 and β 0, largest 0.9 at lr 1 and β 0.9; 1 of 4 cells broke down. "
        "b: 1 of 1 cell broke down."
    )
    first, second, bar = fig.axes
    assert sorted(text.get_text() for text in first.texts) == ["0.1", "0.5", "0.9", "×"]
    assert [text.get_text() for text in second.texts] == ["×"]
    assert [label.get_text() for label in first.get_yticklabels()] == ["1", "10"]
    assert first.images[0].origin == "lower", "the larger step size is higher up"
    assert "×: broke down" in bar.get_xlabel()


def test_numbers_of_heat_maps_can_be_read_on_a_phone():
    grid = np.full((5, 5), 0.123)
    grids, places = dict.fromkeys("abc", grid), {name: range(5) for name in "abc"}
    fig = plots.heat_maps(grids, places, places, xlabel="x", ylabel="y", value="v")
    *panels, _ = fig.axes
    assert len(panels) == 3, "the fourth place is empty"
    assert len({ax.get_position().x0 for ax in panels}) == 2, "two panels abreast"
    letter = panels[0].texts[0].get_fontsize() / 72  # inches, as the width
    assert 350 * letter / fig.get_figwidth() >= 6.5, "pixels, on a page of 350"


def test_heat_maps_can_be_read_on_dark_and_on_light():
    grid = np.linspace(0, 1, 11)[None]
    fig = plots.heat_maps(
        {"a": grid}, {"a": [1]}, {"a": range(11)}, xlabel="x", ylabel="y", value="v", limits=(0.0, 1.0)
    )
    shown = fig.axes[0].images[0]
    for text, value in zip(fig.axes[0].texts, grid.ravel()):
        behind = luminance(matplotlib.colors.to_hex(shown.cmap(shown.norm(value))))
        ink = luminance({"white": "#ffffff", "black": "#000000"}[text.get_color()])
        light, dark = max(behind, ink), min(behind, ink)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, f"WCAG 2.1 asks for 4.5:1 between letters and ground, at {value}"


def test_heat_maps_of_nothing_but_crosses():
    fig = plots.heat_maps(
        {"a": np.full((1, 2), np.nan)}, {"a": [1]}, {"a": [0, 1]}, xlabel="x", ylabel="y", value="v", broken="lost"
    )
    assert fig.alt.endswith("a: 2 of 2 cells lost.")


def test_panels_have_bands_from_the_lowest_to_the_highest_seed():
    curves = {"a": np.array([[3.0, 1.0], [5.0, 2.0]]), "b": np.array([[4.0, 4.0], [4.0, 4.0]])}
    fig = plots.panels({"loss": curves, "accuracy": curves}, xlabel="epoch", log=["loss"])
    assert [ax.get_yscale() for ax in fig.axes] == ["log", "linear"]
    assert list(fig.axes[0].lines[0].get_xdata()) == [1, 2]
    assert list(fig.axes[0].lines[0].get_ydata()) == [4.0, 1.5]
    edges = fig.axes[0].collections[0].get_paths()[0].vertices
    assert {(1.0, 3.0), (1.0, 5.0), (2.0, 1.0), (2.0, 2.0)} <= {tuple(point) for point in edges}
    assert fig.alt.startswith(
        "Means over 2 seeds by epoch, with bands from the lowest to the highest. "
        "loss, a: 4 to 1.5, at the end from 1 to 2; loss, b: 4 to 4"
    )


def test_three_panels_stand_in_two_rows_and_leave_a_place_for_the_names():
    curves = {"a": np.array([[3.0, 1.0]]), "b": np.array([[4.0, 4.0]])}
    fig = plots.panels(dict.fromkeys(["loss", "accuracy", "time"], curves), xlabel="epoch")
    fig.draw_without_rendering()
    assert len({round(ax.get_position().x0, 2) for ax in fig.axes}) == 2
    assert fig.get_figwidth() == figure.WIDEST
    assert [len(ax.get_legend().get_texts()) for ax in fig.axes if ax.get_legend()] == [2]
    assert fig.axes[-1].get_legend()
    assert fig.alt.startswith("Curves of one seed by epoch. loss, a: 3 to 1; loss, b: 4 to 4;")


def test_bands_tell_only_what_is_drawn():
    curves = {"a": [2.0, 1.0, np.nan], "b": [np.nan] * 3, "c": [1.0, 1.0, 1.0]}
    fig = plots.bands([10, 20, 2048], curves, xlabel="x", ylabel="y")
    assert fig.alt == "Y by x, from 10 to 2048: a from 2 to 1, drawn from 10 to 20; b nowhere a number; c always 1."


def test_one_run_has_no_average():
    fig = plots.spread({"naive": [1.52], "same": [0.1, 0.1]}, xlabel="error", point="worker")
    assert fig.alt == "Error, every worker a point: naive 1.52 over 1 worker; same 0.1 over 2 workers."


def test_a_single_error_is_no_commonest_one():
    fig = plots.confusion(np.array([0, 1, 1]), np.array([0, 1, 0]), ["cat", "dog"])
    assert fig.alt.endswith("1 lies off the diagonal. No error is made twice; one takes dog for cat.")


def test_long_graphs_go_down_the_page():
    out = mx.sym.var("x")
    for _ in range(5):
        out = mx.sym.tanh(out)
    fig = plots.graph(out)
    assert fig.get_figwidth() < figure.WIDEST < fig.get_figheight() + 3
    x, y = zip(*(text.get_position() for text in fig.axes[0].texts if text.get_text()))
    assert len(set(x)) == 1
    assert sorted(y, reverse=True) == list(y)


def test_many_stages_stand_in_rows():
    fig = plots.stages({f"Dense ({i})": (10,) for i in range(7)})
    assert fig.alt.startswith("A drawing of 7 stages, in rows of 4, each from left to right: ")
    assert len({text.get_position()[1] for text in fig.axes[0].texts}) == 2
    assert fig.get_figwidth() <= figure.WIDEST


def test_histograms_are_standardised_and_tell_the_skewness():
    fig = plots.histograms({"even": [-1, 1], "lopsided": [0, 0, 0, 40]}, xlabel="noise/σ")
    assert [ax.get_title() for ax in fig.axes] == ["even", "lopsided"]
    tops = [bar.get_x() + bar.get_width() / 2 for bar in fig.axes[1].patches if bar.get_height() > 0]
    assert tops == pytest.approx([-0.625, 1.625])
    assert fig.alt == "2 histograms beside the normal density: even, skewness 0; lopsided, skewness 1.2."
    with pytest.raises(ValueError, match=r"numbers of flat are all 3\.0"):
        plots.histograms({"flat": [3, 3]}, xlabel="")


def test_layers_are_drawn_as_they_are_on_one_axis():
    small, wide = np.linspace(-0.09, 0.09, 40), np.linspace(-3, 3, 40)
    fig = plots.layers({"a": {"1": small, "2": wide}, "b": {"1": small, "2": small}}, xlabel="output", limits=(-2, 2))
    assert [ax.get_xlim() for ax in fig.axes] == [(-2, 2)] * 4
    reached = [[bar.get_x() for bar in ax.patches if bar.get_height() > 0] for ax in fig.axes]
    assert len(reached[0]) == 3
    heights = [bar.get_height() for bar in fig.axes[1].patches]
    assert sum(heights) == 40, "what lies beyond, too"
    assert heights[0] == heights[-1] == max(heights) >= 7
    assert fig.axes[0].get_ylabel() == "a"
    assert fig.axes[2].get_xlabel() == "output\n1"
    assert fig.alt == (
        "2 rows of 2 histograms of the output, one for each of 1, 2. "
        "Their standard deviations: a 0.053, 1.8; b 0.053, 0.053."
    )


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ({"2": [1.0]}, r"layers of b are \['2'\], and those of the first row are \['1'\]"),
        ({"1": [np.nan]}, "b, 1, has"),
    ],
)
def test_layers_refuse(second, told):
    with pytest.raises(ValueError, match=told):
        plots.layers({"a": {"1": [1.0]}, "b": second}, xlabel="output")
