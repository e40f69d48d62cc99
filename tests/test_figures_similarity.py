"""Pictures that can be otherwise: similarity, attention beyond its decay, forms, letters, names."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.figures import letter_panels, plot_similarity, save_figure, window_similarity
from tavrnn_ephys.figures._drawing import short_name
from tavrnn_ephys.figures.matrices import attention_beyond_decay, varies_beyond_decay
from tavrnn_ephys.figures.page.window_figures import beyond_decay, window_marker

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
