"""What a notebook shows: thumbnails of containers, names to complete, errors in one sentence."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

import tavrnn_ephys as te
from tavrnn_ephys.core import html as _html
from tavrnn_ephys.core.containers import Nodes, Windows

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def containers():
    rng = np.random.default_rng(0)
    n_windows, n = 60, 900
    nodes = Nodes(ids=range(n))
    windows = Windows(
        start_s=range(n_windows), stop_s=np.arange(n_windows) + 2, columns={EVIL: range(n_windows)}
    )
    half = rng.uniform(-1, 1, (n_windows, n, n)).astype(np.float32)
    weights = (half + half.swapaxes(1, 2)) / 2
    connectivity = te.ConnectivitySequence(
        weights=weights, windows=windows, nodes=nodes, measure=EVIL
    )
    mean = rng.normal(size=(n_windows, n, 8))
    return {
        "counts": te.BinnedActivity(
            values=rng.poisson(2.0, (n, 5000)), bin_size_s=0.1, nodes=nodes
        ),
        "traces": te.BinnedActivity(
            values=rng.normal(size=(n, 5000)), bin_size_s=0.1, nodes=nodes, quantity="trace"
        ),
        "windows": windows,
        "connectivity": connectivity,
        "graphs": te.build_graphs(connectivity.select([0, 1]), threshold=0.5),
        "embedding": te.NodeEmbedding(
            mean=mean, std=np.ones_like(mean), windows=windows, nodes=nodes
        ),
    }


class _Balance(HTMLParser):
    """Collects the tags, and demands that each is closed in turn."""

    def __init__(self, text):
        super().__init__()
        self.seen, self.open = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize(
    "name", ["counts", "traces", "windows", "connectivity", "graphs", "embedding"]
)
def test_thumbnail_is_small_escaped_and_named(containers, name):
    shown = containers[name]._repr_html_()
    assert len(shown.encode()) < 20_000
    parsed = _Balance(shown)
    assert parsed.open == []
    assert "script" not in parsed.seen
    assert {"img", "svg"} & set(parsed.seen)
    assert re.search(r'(alt|aria-label)="[^"]+"', shown)
    assert type(containers[name]).__name__ in shown


def test_text_of_containers_is_escaped(containers):
    assert "&lt;script&gt;" in containers["connectivity"]._repr_html_()
    assert "&lt;script&gt;" in containers["windows"]._repr_html_()


def test_large_file_is_not_read_for_a_picture(tmp_path):
    values = np.memmap(tmp_path / "a.bin", dtype=np.uint8, mode="w+", shape=(2, 10))
    activity = te.BinnedActivity(values=values, bin_size_s=1.0, nodes=Nodes(ids="ab"))
    assert "img" not in activity._repr_html_()


@pytest.mark.parametrize("n", [1, 2])
def test_one_window_of_one_node_has_a_thumbnail(n):
    connectivity = te.ConnectivitySequence.from_array(np.ones((n, n, n)))
    graphs = [te.build_graphs(connectivity)] if n > 1 else []
    mean = np.zeros((n, n, 1))
    embedding = te.NodeEmbedding(
        mean=mean, std=mean + 1, windows=connectivity.windows, nodes=connectivity.nodes
    )
    for item in (connectivity, *graphs, embedding, connectivity.windows):
        assert "NaN" not in item._repr_html_()
        assert "nan" not in item._repr_html_()


def drawn(shown):
    data = re.search(r"base64,([^\"]+)", shown)[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"), dtype=int)


def test_colours_are_those_of_the_values():
    pixels = drawn(_html.image(np.array([[-1.0, 1.0], [np.nan, 0.0]]), "four", signed=True))
    assert pixels.shape == (2, 2, 3)
    assert tuple(pixels[0, 0]) == (5, 48, 97)
    assert tuple(pixels[0, 1]) == (103, 0, 31)
    assert tuple(pixels[1, 0]) == (160, 160, 160)
    assert pixels[1, 1].min() > 220
    unsigned = drawn(_html.image(np.array([[3.0, 7.0]]), "two", signed=False))
    assert tuple(unsigned[0, 0]) == (68, 1, 84)
    assert tuple(unsigned[0, 1]) == (253, 231, 37)


def test_thumbnail_of_two_states_shows_two_states():
    weights = np.zeros((2, 4, 4))
    weights[1] = 0.5
    pixels = drawn(te.ConnectivitySequence.from_array(weights)._repr_html_())
    assert tuple(pixels[0, 1]) != tuple(pixels[0, -1])


def test_components_keep_distances_in_a_plane():
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(20, 2)) @ np.linalg.qr(rng.normal(size=(5, 5)))[0][:2]
    points = _html.first_components(flat)
    for one in (flat, points):
        assert np.linalg.norm(one[3] - one[7]) == pytest.approx(np.linalg.norm(flat[3] - flat[7]))


def test_names_complete_to_the_public_ones_only():
    names = set(te.__dir__())
    assert set(te.__all__) <= names
    assert {"analyze", "report", "TAVRNN"} <= names
    strays = {name for name in names - set(te.__all__) if not name.startswith("_")}
    assert strays == set()


@pytest.fixture(scope="module")
def shell():
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell(history_length=0)
    shell.history_manager.enabled = False
    yield shell
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
def test_errors_of_ours_are_one_sentence_in_a_notebook(shell, capsys):
    ran = shell.run_cell(
        "import tavrnn_ephys as te; te.Windows(start_s=[1.0], stop_s=[0.0])", store_history=False
    )
    assert isinstance(ran.error_in_exec, te.TavrnnEphysError)
    said = capsys.readouterr().out.strip()
    assert said == f"InputError: {ran.error_in_exec}"


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
def test_other_errors_keep_their_traceback(shell, capsys):
    shell.run_cell("1 / 0", store_history=False)
    assert "Traceback" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
def test_notebooks_are_given_the_thumbnail(shell, containers):
    data, _ = shell.display_formatter.format(containers["embedding"])
    assert data["text/html"].startswith("<div>")
    assert data["text/plain"].startswith("NodeEmbedding: 60 windows")
