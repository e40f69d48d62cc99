"""What the committed notebooks show; ``pytest --nbmake tutorials`` runs them."""

import re
from pathlib import Path

import nbformat
import pytest

TUTORIALS = Path(__file__).parents[1] / "tutorials"
NOTEBOOKS = sorted(TUTORIALS.glob("*.ipynb"))
WITH_RECORDINGS = ("03", "04", "06", "10", "12")


def cells_of(path):
    return nbformat.read(path, as_version=4).cells


def outputs_of(path):
    return [item for cell in cells_of(path) for item in cell.get("outputs", [])]


def printed_by(number):
    (path,) = TUTORIALS.glob(f"{number}_*.ipynb")
    return "".join(item.text for item in outputs_of(path) if item.output_type == "stream")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_whole_quiet_and_small(path):
    kinds = [item.output_type for item in outputs_of(path)]
    assert "error" not in kinds
    assert [item.text for item in outputs_of(path) if item.get("name") == "stderr"] == []
    assert sum("image/png" in item.get("data", {}) for item in outputs_of(path)) >= 2
    assert path.stat().st_size < 700_000
    code = [cell for cell in cells_of(path) if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_volatile_is_committed(path):
    text = path.read_text()
    assert "iopub.execute_input" not in text
    assert set(nbformat.read(path, as_version=4).metadata.language_info) == {"name"}
    assert not re.search(r"/(tmp|home|work|root)/", text)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_lead_somewhere_and_exercises_end_the_story(path):
    text = "\n".join(cell.source for cell in cells_of(path) if cell.cell_type == "markdown")
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        # Pages stand in folders by kind, or all in one.
        flat = re.sub(r"/(explanation|reference)/", "/", target)
        found = (TUTORIALS / target).is_file() or (TUTORIALS / flat).is_file()
        assert target.startswith("http") or found, target
    assert re.search(r"## Exercises\n\n1\. .*\n2\. ", text, flags=re.DOTALL)


def test_there_are_twelve():
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{number:02d}" for number in range(1, 13)]


def test_trials_and_states_are_held_against_the_truth():
    said = printed_by("11")
    agreement = float(re.search(r"agreement with the truth: (\d\.\d+)", said)[1])
    assert agreement > 0.8
    assert "2 network states" in said
    # Tones that do nothing set no edges apart, and one block of a state has no p-value.
    assert float(re.search(r"\(p (\d\.\d+)\)", said)[1]) > 0.05
    assert "No p-value is given" in said


def test_stream_equals_the_analysis_and_the_loop_moves_the_culture():
    said = printed_by("12")
    assert "equal to the analysis of the whole: True" in said
    watched, closed = map(int, re.findall(r"aligned (\d+)% of the time", said))
    assert closed > watched
    stimulated, triggered = re.search(r"loop closed: .* (\d+) of (\d+) triggers", said).groups()
    assert int(stimulated) == int(triggered) > 0


@pytest.mark.parametrize("number", WITH_RECORDINGS)
def test_first_output_says_whether_data_were_recorded(number):
    assert printed_by(number).startswith("Recording '")


def test_ten_minutes_tells_states_apart_and_rates_do_not():
    rows = re.findall(
        r"(\w+) \S+ +balanced accuracy ([\d.]+), chance ([\d.]+) to ([\d.]+)",
        printed_by("01").replace("mean rates", "mean rates "),
    )
    scores = {name: (float(score), float(high)) for name, score, _, high in rows}
    assert scores["TAVRNN"][0] > scores["TAVRNN"][1]
    assert abs(scores["TAVRNN"][0] - scores["spectral"][0]) < 0.05
    assert scores["mean"][0] <= scores["mean"][1]


def test_is_it_real_walks_into_every_trap():
    printed = printed_by("07")
    leaky, honest = re.search(r"folds: ([\d.]+) .*gap: ([\d.]+)", printed).groups()
    assert float(leaky) > 0.65
    assert abs(float(honest) - 0.5) < 0.06
    permuted, shifted = re.search(r"permuted (\d+)%, shifted in time (\d+)%", printed).groups()
    assert int(permuted) > 25
    assert int(shifted) < 10


def test_place_cells_report_that_rates_win():
    found = dict(re.findall(r"(mean rates|TAVRNN embedding) +r = ([\d.]+)", printed_by("06")))
    assert float(found["mean rates"]) > float(found["TAVRNN embedding"])
