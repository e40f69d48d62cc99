"""Pictures that can be otherwise: similarity, attention beyond its decay, forms, letters, names."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.figures import (
    WindowContext,
    analysis_figures,
    letter_panels,
    plot_raster,
    plot_similarity,
    save_figure,
    window_similarity,
)
from tavrnn_ephys.figures._drawing import fewer_names, short_name, short_names, told_apart
from tavrnn_ephys.figures.decay import beyond_decay
from tavrnn_ephys.figures.matrices import (
    attention_beyond_decay,
    varies_beyond_decay,
    window_ticks,
)
from tavrnn_ephys.figures.page.window_figures import window_marker
from tavrnn_ephys.figures.similarity import Neighbours

N = 12


def connectivity() -> te.ConnectivitySequence:
    rng = np.random.default_rng(0)
    weights = rng.normal(0, 0.1, (N, 6, 6))
    weights[6:, 0, 1:] += 1.0
    return te.ConnectivitySequence.from_array(weights + weights.transpose(0, 2, 1))


def embedding(attention: np.ndarray) -> te.NodeEmbedding:
    windows = te.Windows(start_s=np.arange(N), stop_s=np.arange(N) + 1.0)
    mean = np.random.default_rng(1).normal(size=(N, 3, 2))
    return te.NodeEmbedding(
        mean=mean, std=np.ones_like(mean), windows=windows, nodes=te.Nodes(ids=list("abc")),
        attention=attention,
    )  # fmt: skip


def decay() -> np.ndarray:
    lag = np.subtract.outer(np.arange(N), np.arange(N))
    return np.where(lag >= 0, 0.5 ** (lag + 1.0), 0.0)


def test_windows_of_one_network_resemble_each_other() -> None:
    similarity = window_similarity(connectivity())
    assert np.diag(similarity) == pytest.approx(1.0)
    assert similarity[:6, :6].mean() > 0.5 > similarity[:6, 6:].mean()


def test_similarity_has_the_behaviour_as_a_strip_and_changes_as_lines() -> None:
    ax = Figure().subplots()
    plot_similarity(connectivity(), ax=ax, behavior=np.arange(N), label="skill", changes=[6])
    (strip,) = [child for child in ax.child_axes if child.lines]
    assert strip.lines[0].get_ydata().tolist() == list(range(N))
    assert [line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1] == [5.5]
    with pytest.raises(InputError, match="for 12 windows"):
        plot_similarity(connectivity(), ax=Figure().subplots(), behavior=[1.0])


def test_each_further_behaviour_has_its_strip_below_the_first() -> None:
    ax, labels = Figure().subplots(), np.repeat(["rest", "run"], 6)
    plot_similarity(
        connectivity(), ax=ax, behavior=np.arange(N), label="skill",
        further=[("gait", labels), ("speed", np.arange(N)[::-1])],
    )  # fmt: skip
    top = {
        child.texts[-1].get_text(): child.get_position().y0
        for child in ax.child_axes
        if child.texts
    }
    assert sorted(top, key=top.__getitem__) == ["gait", "speed", "skill"]
    with pytest.raises(InputError, match="for 12 windows"):
        plot_similarity(connectivity(), ax=Figure().subplots(), further=[("speed", [1.0])])


def switching(n: int = 160, noise: float = 1.0) -> tuple[te.ConnectivitySequence, np.ndarray]:
    """A network of two states behind noise, 16 windows each, and its state in every window."""
    rng = np.random.default_rng(2)
    state = (np.arange(n) // 16) % 2
    raw = rng.normal(0, noise, (n, 20, 20))
    raw[state == 1, :4, 4:8] += 1.2 * noise
    return te.ConnectivitySequence.from_array(raw + raw.transpose(0, 2, 1)), state


def test_a_change_behind_noise_is_seen_in_the_picture() -> None:
    sequence, state = switching()
    ax = plot_similarity(sequence, ax=Figure().subplots())
    shown = ax.images[0].get_array().filled(np.nan)
    alike = state[:, None] == state
    apart = np.isfinite(shown)
    gap = shown[alike & apart].mean() - shown[~alike & apart].mean()
    single = window_similarity(sequence)
    before = single[alike & apart].mean() - single[~alike & apart].mean()
    low, high = ax.images[0].get_clim()
    assert gap > 2.5 * before
    # The colours are those of what is compared, not of windows with themselves.
    assert gap > 0.2 * (high - low)
    assert "running means of 4" in ax.get_title(loc="left")


def test_what_shares_time_is_left_out_and_means_stay_in_their_segment() -> None:
    start = np.tile(np.arange(40.0), 2)
    windows = te.Windows(start_s=start, stop_s=start + 2.0, segment_index=np.repeat([0, 1], 40))
    near = Neighbours.of(windows)
    assert near.n_averaged == 2
    assert (near.last[:40] <= 40).all()
    assert (near.first[40:] >= 40).all()
    assert near.shared.diagonal().all()
    assert not near.shared[:40, 40:].any()


def test_states_are_a_strip_with_their_names_below() -> None:
    ax = Figure().subplots()
    plot_similarity(connectivity(), ax=ax, states=np.repeat([0, 1], 6), changes=[6])
    widths = [
        [getattr(bar, "get_width", float)() for bar in child.patches] for child in ax.child_axes
    ]
    assert [6, 6] in [[round(width, 6) for width in item if width] for item in widths]
    told = [text.get_text() for text in ax.get_legend().get_texts()]
    assert told == ["share time", "change point", "state 0", "state 1"]


def test_labels_colour_strip_and_embedding_and_are_never_averaged() -> None:
    sequence = connectivity()
    labels = np.array(["rest", "run"] * 6)
    activity = te.BinnedActivity(
        values=np.ones((6, 24), dtype=int), bin_size_s=0.5, nodes=sequence.nodes
    )
    mean = np.random.default_rng(1).normal(size=(N, 6, 2))
    made = te.NodeEmbedding(
        mean=mean, std=np.ones_like(mean), windows=sequence.windows, nodes=sequence.nodes
    )
    drawn = analysis_figures(
        activity, sequence.windows, sequence, made, score=np.arange(N) % 2, score_label="task",
        context=WindowContext(labels=labels),
    )  # fmt: skip
    legend = drawn["embedding"].axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["rest", "run"]
    halves = plot_similarity(
        sequence, ax=Figure().subplots(), behavior=np.repeat(["rest", "a long name"], 6)
    )
    told = [text.get_text() for ax in halves.child_axes for text in ax.texts]
    assert told[:2] == ["rest", "a long name"]
    strips = drawn["similarity"].axes[0].child_axes
    assert N in [len(strip.patches) for strip in strips]


def test_many_labels_leave_the_rare_ones_together() -> None:
    shown, names = fewer_names(np.array([f"clip {index}" for index in range(90)]), 7)
    assert len(names) == 7
    assert shown.count("other") == 83


def test_raster_draws_epochs_of_the_excerpt_and_names_them() -> None:
    rng = np.random.default_rng(0)
    activity = te.BinnedActivity(
        values=rng.poisson(0.2, (5, 100)), bin_size_s=0.1, nodes=te.Nodes(ids=list("abcde"))
    )
    windows = te.Windows(start_s=np.arange(9.0), stop_s=np.arange(9.0) + 1.0)
    ax = Figure(dpi=100).subplots()
    epochs = [("stimulus", [1.0, 4.0], [2.0, 5.0]), ("far away", [99.0], [100.0])]
    plot_raster(activity, windows, ax=ax, epochs=epochs)
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert "stimulus" in names
    assert "far away" not in names
    bars = [path.get_extents() for item in ax.collections[-1:] for path in item.get_paths()]
    assert [(bar.x0, bar.x1) for bar in bars] == [(1.0, 2.0), (4.0, 5.0)]


def test_gaps_of_traces_are_left_out_of_the_raster() -> None:
    values = np.random.default_rng(0).normal(size=(4, 60))
    values[:, 20:30] = values[:, [19]]
    activity = te.BinnedActivity(
        values=values, bin_size_s=0.5, nodes=te.Nodes(ids=list("abcd"), kind="roi"),
        quantity="trace",
    )  # fmt: skip
    windows = te.Windows(start_s=[0.0, 15.0], stop_s=[10.0, 30.0])
    ax = Figure(dpi=100).subplots()
    plot_raster(activity, windows, ax=ax, t_start_s=0.0, t_stop_s=30.0)
    blank = np.ma.getmaskarray(np.ma.masked_invalid(ax.images[0].get_array())).all(axis=0)
    assert np.flatnonzero(blank).tolist() == list(range(20, 30))


def test_rows_that_would_be_black_bars_become_levels_of_grey() -> None:
    rng = np.random.default_rng(0)
    rates = np.array([0.05, 3.0])[:, None]
    activity = te.BinnedActivity(
        values=rng.poisson(rates, (2, 600)), bin_size_s=0.1, nodes=te.Nodes(ids=list("ab"))
    )
    windows = te.Windows(start_s=np.arange(0, 50, 2.0), stop_s=np.arange(0, 50, 2.0) + 4.0)
    ax = Figure(dpi=100).subplots()
    plot_raster(activity, windows, ax=ax)
    shown = ax.images[0].norm(ax.images[0].get_array())
    assert shown[1].std() > 0.1
    assert shown[0].max() > 0.5
    assert shown[1].mean() < 0.5


def test_attention_that_is_one_decay_is_no_picture() -> None:
    assert not varies_beyond_decay(embedding(decay()))
    rest = beyond_decay(np.where(decay() > 0, 0.25, np.nan))
    assert np.nanmax(np.abs(rest)) == 0.0


def test_attention_beyond_its_decay_is_what_one_window_attends_to() -> None:
    attention = decay()
    attention[8, 3] += 0.2
    rest = attention_beyond_decay(embedding(attention))
    assert varies_beyond_decay(embedding(attention))
    assert np.unravel_index(rest.argmax(), rest.shape) == (8, 3)
    assert np.delete(rest, 8, axis=0) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("form", "head"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_figure_is_written_in_the_form_of_its_ending(
    tmp_path: Path, form: str, head: bytes
) -> None:
    figure = Figure()
    figure.subplots().set_title("Title that stays text")
    save_figure(figure, tmp_path / f"x.{form}")
    data = (tmp_path / f"x.{form}").read_bytes()
    assert data.startswith(head)
    assert form != "svg" or b"Title that stays text" in data


def test_unknown_form_of_a_figure_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="png"):
        save_figure(Figure(), tmp_path / "x.bmp")


def test_panels_get_letters_and_a_single_one_gets_none() -> None:
    one, three = Figure(), Figure()
    one.subplots()
    three.subplots(1, 3)
    for figure in (one, three):
        letter_panels(figure)
    assert [text.get_text() for ax in three.axes for text in ax.texts] == ["a", "b", "c"]
    assert [text for ax in one.axes for text in ax.texts] == []


def test_long_names_are_cut_in_their_middle() -> None:
    name = "Primary visual area, layer 5, posterior to the bregma, left hemisphere " * 2
    assert len(short_name(name)) <= 22
    assert short_name(name).startswith("Primary")


def test_shortened_names_stay_apart() -> None:
    place = "Primary visual area, left hemisphere, layer {}, relative to bregma, by histology"
    names = short_names([place.format(layer) for layer in ("2/3", "5", "6b")])
    assert len(set(names)) == 3
    assert all(len(name) <= 22 for name in names)
    assert ["2/3" in names[0], "5" in names[1], "6b" in names[2]] == [True] * 3
    twins = short_names([f"{'x' * 40}{index}{'y' * 40}" for index in range(3)])
    assert len(set(twins)) == 3


def test_first_windows_depart_from_no_decay() -> None:
    attention = decay()
    attention[1, 0] += 0.3
    assert not varies_beyond_decay(embedding(attention))


def test_nominal_codes_are_told_apart_and_never_averaged() -> None:
    marker, shown = window_marker("state", np.array(["rest", "run", "rest"]))
    assert shown == ["rest", "run", "rest"]
    assert marker["colorbar"]["ticktext"] == ["rest", "run"]
    assert [color for _, color in marker["colorscale"]][:2] == [marker["colorscale"][0][1]] * 2


def test_report_takes_own_text_and_figure(tmp_path: Path) -> None:
    import datetime

    import quantities as pq

    block = te.block_from_arrays(counts=[[1, 0, 2, 1], [0, 1, 0, 1]], bin_size=1 * pq.s)
    block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    units = te.bin_activity(block.segments[0], bin_size=1 * pq.s).nodes
    windows = te.Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0])
    made = te.NodeEmbedding(
        mean=np.ones((2, 2, 1)), std=np.ones((2, 2, 1)), windows=windows, nodes=units
    )
    recording = te.write_nwb(block, tmp_path / "culture.nwb")
    stored = te.write_results(recording, made, out=tmp_path / "results.nwb")
    figure = Figure(figsize=(2, 2))
    figure.subplots()
    page = te.Report(stored).add("Stimulus", text="Light <at> 60 s.\n\nTwice.", figure=figure)
    text = page.write(tmp_path / "report.html").read_text()
    assert "Light &lt;at&gt; 60 s." in text
    assert text.index("Stimulus") < text.index('id="provenance"')
    assert "data:image/png;base64," in text
    with pytest.raises(InputError, match="neither text nor figure"):
        te.Report(stored).add("Nothing")


def test_ticks_across_a_pause_keep_their_distance() -> None:
    start_s = np.append(np.arange(0.0, 200.0, 10.0), [400.0, 410.0])
    windows = te.Windows(start_s=start_s, stop_s=start_s + 10.0)
    places, names, _ = window_ticks(windows)
    assert names == ["100", "200"]
    assert np.diff(places).min() >= len(windows) / 10


def test_numbers_get_as_many_digits_as_set_them_apart() -> None:
    assert told_apart([0.013132, 0.013058, 0.0128]) == ["0.01313", "0.01306", "0.01280"]
    assert told_apart([200.0, 200.0, 1.0]) == ["200", "200", "1.00"]


def test_a_dense_row_of_marks_becomes_an_image() -> None:
    rng = np.random.default_rng(0)
    windows = te.Windows(start_s=np.arange(0.0, 80.0, 2.0), stop_s=np.arange(2.0, 82.0, 2.0))
    for rate_hz, n_images in ((1.0, 0), (8.0, 1)):
        counts = rng.poisson(rate_hz * 0.05, (10, 1640))
        activity = te.BinnedActivity(values=counts, bin_size_s=0.05, nodes=te.Nodes(ids=range(10)))
        ax = Figure(figsize=(10.67, 5.0), dpi=150).subplots()
        plot_raster(activity, windows, ax=ax)
        assert len(ax.images) == n_images
