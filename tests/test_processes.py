"""Public objects, and functions that use the package, reach other processes."""

import copy
import inspect
import pickle
import subprocess
import sys
import textwrap
from importlib import import_module

import cloudpickle
import h5py
import numpy as np
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError
from tests.travellers import STAYING, analysis, documented_classes, instances, same

WAYS = {
    "pickle": lambda item: pickle.loads(pickle.dumps(item)),
    "deepcopy": copy.deepcopy,
    "cloudpickle": lambda item: pickle.loads(cloudpickle.dumps(item)),
}
KINDS = [
    kind for kind in documented_classes() if not inspect.isabstract(kind) and kind not in STAYING
]


@pytest.mark.parametrize("kind", KINDS)
def test_documented_class_survives(kind):
    instance = instances()[kind]
    assert [name for name, way in WAYS.items() if not same(instance, way(instance))] == []


def test_a_difference_is_noticed():
    windows = te.Windows(start_s=[0.0], stop_s=[1.0])
    assert not same(windows, te.Windows(start_s=[0.0], stop_s=[2.0]))
    assert not same({"a": np.zeros(2)}, {"a": np.ones(2)})


@pytest.mark.parametrize("way", WAYS)
def test_arrays_and_columns_stay_read_only(way):
    _, result = analysis()
    windows = WAYS[way](result.windows.with_columns(score=np.arange(len(result.windows))))
    for array in (windows.start_s, windows.columns["score"], WAYS[way](result.activity).values):
        assert not array.flags.writeable
    with pytest.raises(TypeError, match="does not support item assignment"):
        windows.columns["score"] = 0


@pytest.mark.parametrize("way", WAYS)
def test_a_trained_model_embeds_as_before(way):
    _, result = analysis()
    embedding = WAYS[way](result.model).transform(result.graphs)
    np.testing.assert_array_equal(embedding.mean, result.embedding.mean)


@pytest.mark.parametrize("way", WAYS)
def test_activity_in_an_open_file_is_refused(way, tmp_path):
    with h5py.File(tmp_path / "counts.h5", "w") as file:
        activity = te.BinnedActivity(
            values=file.create_dataset("counts", data=np.ones((2, 4))),
            bin_size_s=1.0,
            nodes=te.Nodes(ids=["a", "b"]),
        )
        with pytest.raises(InputError, match="open file.* read it into memory first"):
            WAYS[way](activity)


@pytest.mark.parametrize("way", WAYS)
def test_results_in_an_open_file_are_refused(way, tmp_path):
    block, result = analysis()
    recording = te.write_nwb(block, tmp_path / "recording.nwb")
    path = te.write_results(recording, result.embedding, out=tmp_path / "results.nwb")
    with (
        te.open_results(path) as stored,
        pytest.raises(InputError, match="open file.*open it there: open_results"),
    ):
        WAYS[way](stored)


@pytest.mark.parametrize("way", WAYS)
def test_the_package_travels_by_name(way):
    assert WAYS[way](te) is te


def test_an_old_module_does_not_take_the_place_of_a_function():
    function = te.network_measures
    sys.modules.pop("tavrnn_ephys.network_measures", None)
    with pytest.warns(FutureWarning, match="network_measures is"):
        import_module("tavrnn_ephys.network_measures")
    assert te.network_measures is function


def _run(script, folder):
    path = folder / "script.py"
    path.write_text(textwrap.dedent(script))
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_function_of_a_script_uses_the_package_in_loky(tmp_path):
    script = """
        import tavrnn_ephys as te
        import tavrnn_ephys.methods as methods
        from joblib import Parallel, delayed

        def longer(windows):
            assert methods.Rates and not windows.columns["label"].flags.writeable
            return te.Windows(start_s=windows.start_s, stop_s=windows.stop_s + 1)

        if __name__ == "__main__":
            given = te.Windows(start_s=[0.0], stop_s=[1.0], columns={"label": ["rest"]})
            found = Parallel(n_jobs=2)(delayed(longer)(given) for _ in range(2))
            print([float(windows.stop_s[0]) for windows in found])
    """
    assert _run(script, tmp_path) == "[2.0, 2.0]"


def test_containers_reach_spawned_processes_and_return(tmp_path):
    script = """
        from multiprocessing import get_context
        import numpy as np
        import tavrnn_ephys as te

        def returned(item):
            return item

        if __name__ == "__main__":
            sequence = te.ConnectivitySequence.from_array(np.ones((3, 2, 2)))
            given = [sequence, te.build_graphs(sequence), te.Results(connectivity=sequence)]
            with get_context("spawn").Pool(1) as pool:
                back = pool.map(returned, given)
            print(back[:2] == given[:2] and back[2].connectivity == sequence)
    """
    assert _run(script, tmp_path) == "True"
