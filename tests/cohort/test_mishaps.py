"""One manifest in which everything goes wrong at once: the rest is done, and all is told."""

import csv
import datetime
import functools

import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.studies.cohort import cohort as studies
from tavrnn_ephys.studies.cohort.engines import LocalEngine
from tavrnn_ephys.studies.cohort.tasks import STARTS
from tests.cohort.workers import analyse_or_hog

GOOD = ("good1", "good2")
WINDOWS = ["--bin-size", "100ms", "--window", "5s", "--step", "5s", "--set", "training_epochs=1"]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """Two recordings, three bad files, one that takes too much memory, one that stands twice."""
    folder = tmp_path_factory.mktemp("mishaps")
    for seed, name in enumerate((*GOOD, "hog", "short")):
        duration = (2 if name == "short" else 15) * pq.s
        block = te.simulate_culture(n_nodes=20, duration=duration, seed=seed)
        block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
        te.write_nwb(block, folder / f"{name}.nwb")
    content = (folder / "good1.nwb").read_bytes()
    (folder / "twice.nwb").write_bytes(content)
    (folder / "cut.nwb").write_bytes(content[:3000])
    (folder / "text.nwb").write_text("no recording")
    names = ("good1", "good2", "cut", "text", "short", "twice", "hog")
    rows = [f"{name}.nwb,k{number}" for number, name in enumerate(names)]
    path = folder / "cohort.csv"
    path.write_text("file,culture\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def ended(manifest):
    """The study on the command line: exit status of plan and run, and what failed and why."""
    study = manifest.parent / "study"
    hungry = functools.partial(LocalEngine, run=analyse_or_hog)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(studies, "LocalEngine", hungry)
        patch.setitem(STARTS, "lost", 1)  # How often it is tried has a test of its own.
        planned = main(["cohort", "plan", str(manifest), "--out", str(study), *WINDOWS])
        ran = main(["cohort", "run", str(study), "--workers", "1", "--memory", "1.2GB"])
    with (study / "failures.csv").open(encoding="utf-8", newline="") as stream:
        failures = {row["id"]: (row["state"], row["reason"]) for row in csv.DictReader(stream)}
    return te.Cohort.open(study), (planned, ran), failures


def test_the_exit_status_says_that_some_are_missing(ended):
    assert ended[1] == (1, 1)


def test_the_others_are_done(ended):
    cohort, _, failures = ended
    assert [name for name, state in cohort.status.states.items() if state == "done"] == [*GOOD]
    assert not {*GOOD} & set(failures)
    assert cohort.results("good2").embedding.mean.shape[:2] == (3, 20)


@pytest.mark.parametrize(
    ("name", "state", "said"),
    [
        ("cut", "refused", "'cut.nwb' is damaged"),
        ("text", "refused", "'text.nwb'"),
        ("short", "refused", "5 s"),
        ("hog", "lost", "It took more memory than 1.2 GB."),
        ("twice", "refused", "holds the same bytes as 'good1' and would count twice"),
    ],
)
def test_each_that_failed_has_a_sentence_of_its_own(ended, name, state, said):
    assert ended[2][name][0] == state
    assert said in ended[2][name][1]
    assert "Traceback" not in ended[2][name][1]
