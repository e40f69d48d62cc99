"""Arrays in MATLAB files as a recording; which variable means what, the caller says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters._hdf5 import open_hdf5
from tavrnn_ephys.adapters._hdf5_faults import faults_told, one_line, raised_by
from tavrnn_ephys.adapters._mat5 import require_intact
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import FileFormatError, InputError, TavrnnEphysError
from tavrnn_ephys.core.plain_arrays import plain_array
from tavrnn_ephys.io.blocks import block_from_arrays

if TYPE_CHECKING:
    import neo

__all__ = ["MatAdapter"]

_ACTIVITY = ("counts", "spike_times", "traces")
_PASSED_ON = (
    "bin_size", "sampling_rate", "t_start", "t_stop", "node_kind", "behavior_rate",
)  # fmt: skip
_OPTIONS = (
    *_ACTIVITY,
    "node_axis",
    "samples",
    "behavior",
    "positions",
    "groups",
    "node_ids",
    *_PASSED_ON,
)
_PATH = re.compile(r"([A-Za-z]\w*)((?:\.[A-Za-z]\w*|\[(?:\d+|\*)\])*)")
_STEP = re.compile(r"\.([A-Za-z]\w*)|\[(\d+|\*)\]")
# A variable found in a file, with the numbers that stood for its wildcards.
_Found = tuple[tuple[int, ...], Any]


class MatAdapter:
    """
    Spike times, counts or traces that stand in variables of a MATLAB file.

    Examples
    --------
    >>> MatAdapter().suffixes
    ('.mat',)
    """

    name = "mat"
    description = "MATLAB arrays (.mat, also v7.3); name the variables, as in traces=eventsMat"
    suffixes: tuple[str, ...] = (".mat",)
    choices: Mapping[str, str] = MappingProxyType({
        "counts": "Nothing is chosen: the caller names the variable of the activity, as counts, "
        "spike_times or traces.",
        "t_start": "Spike times start at 0 s, or at the first spike if that comes late.",
    })  # fmt: skip

    def recognises(self, path: Path) -> bool:
        """
        Say whether a file begins as MATLAB's do.

        Parameters
        ----------
        path : pathlib.Path
            An existing file.

        Returns
        -------
        bool
            True for files of MATLAB 5 and 7.3.
        """
        try:
            with path.open("rb") as file:
                return file.read(8) == b"MATLAB 5" or _is_v73(path)
        except Exception:
            return False

    def read(self, path: Path, **options: Any) -> neo.Block:
        """
        Read the variables that are named.

        Parameters
        ----------
        path : pathlib.Path
            The file.
        **options : object
            See :func:`tavrnn_ephys.read_mat`.

        Returns
        -------
        neo.Block
            One segment.

        Raises
        ------
        FileFormatError
            If the file is no intact MATLAB file.
        InputError
            If a variable is missing or of the wrong kind, or an option is unknown.
        """
        unknown = sorted(set(options) - set(_OPTIONS))
        if unknown:
            raise InputError(
                f"The adapter 'mat' has no option {some(unknown)}. It has: {', '.join(_OPTIONS)}."
            )
        path = Path(path)
        with _variables(path) as file:
            chosen = [key for key in _ACTIVITY if options.get(key) is not None]
            if len(chosen) != 1:
                raise InputError(
                    f"A MATLAB file does not say what its variables mean. '{path.name}' has "
                    f"{some(file.names, limit=12)}: name the activity with exactly one of counts, "
                    "spike_times and traces."
                )
            arguments = {key: options[key] for key in _PASSED_ON if options.get(key) is not None}
            arguments |= _activity(file, chosen[0], str(options[chosen[0]]), options)
            for key in ("positions", "groups", "node_ids"):
                if options.get(key) is not None:
                    arguments[key] = _beside(file, options[key], key)
            if options.get("behavior"):
                arguments["behavior"] = _behavior(file, options["behavior"], path.parent)
        block = block_from_arrays(**arguments, name=path.stem)
        block.file_origin = path.name
        return block


def _is_v73(path: Path) -> bool:
    import h5py

    with path.open("rb") as file:
        return file.read(10) == b"MATLAB 7.3" and h5py.is_hdf5(path)


class _Version5:
    """Variables of a file up to version 7, loaded one by one."""

    def __init__(self, path: Path) -> None:
        from scipy.io import whosmat

        self._path = path
        self.names = [name for name, _, _ in whosmat(path)]

    def root(self, name: str) -> Any:
        from scipy.io import loadmat

        return loadmat(self._path, variable_names=[name])[name]

    def field(self, value: Any, name: str) -> Any:
        if getattr(value, "dtype", None) is None or name not in (value.dtype.names or ()):
            return None
        return value[name].ravel()[0] if value.size else None

    def items(self, value: Any) -> list[Any] | None:
        if not isinstance(value, np.ndarray):
            return None
        if value.dtype.names:
            return [value.ravel()[i : i + 1] for i in range(value.size)]
        return list(value.ravel(order="F")) if value.dtype == object else None

    def array(self, value: Any) -> NDArray[Any]:
        return np.asarray(plain_array(value, "this variable"))


class _Version73:
    """Variables of a file of version 7.3, which is HDF5 with the axes reversed."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.names = [name for name in file if not name.startswith("#")]

    def root(self, name: str) -> Any:
        return self._file[name]

    def field(self, value: Any, name: str) -> Any:
        is_struct = hasattr(value, "keys") and name in value
        return value[name] if is_struct else None

    def items(self, value: Any) -> list[Any] | None:
        import h5py

        if not isinstance(value, h5py.Dataset) or value.dtype != h5py.ref_dtype:
            return None
        return [self._file[reference] for reference in value[()].T.ravel(order="F")]

    def array(self, value: Any) -> NDArray[Any]:
        import h5py

        if isinstance(value, h5py.Group) and "MATLAB_sparse" in value.attrs:
            return np.asarray(plain_array(_sparse(value), f"'{value.name}'"))
        if not isinstance(value, h5py.Dataset):
            return np.empty(0, dtype=object)
        # MATLAB writes an empty array as its shape.
        if value.attrs.get("MATLAB_empty", 0):
            shape = tuple(int(n) for n in np.ravel(value[()]))
            return np.empty(shape if 0 in shape else 0)
        return np.asarray(value[()]).T


def _sparse(group: Any) -> Any:
    """Columns of a sparse matrix, compressed as MATLAB keeps them."""
    from scipy.sparse import csc_matrix

    starts = np.asarray(group["jc"][()], dtype=np.int64)
    if "data" not in group:
        return csc_matrix((int(group.attrs["MATLAB_sparse"]), len(starts) - 1))
    parts = (group["data"][()], np.asarray(group["ir"][()], dtype=np.int64), starts)
    return csc_matrix(parts, shape=(int(group.attrs["MATLAB_sparse"]), len(starts) - 1))


@contextmanager
def _variables(path: Path) -> Iterator[_Version5 | _Version73]:
    if not path.is_file():
        raise FileFormatError(f"There is no file '{path}'. Check the path.")
    with _damage_told(path):
        if _is_v73(path):
            with open_hdf5(path) as file:
                yield _Version73(file)
        else:
            require_intact(path)
            yield _Version5(path)


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Tell damage, on which SciPy stumbles in many ways, from faults of this package."""
    try:
        with faults_told(path):
            yield
    except FileFormatError as error:
        cause = error.__cause__
        if cause is None or isinstance(cause, PermissionError | BlockingIOError):
            raise
        raise _not_intact(path, cause) from cause
    except TavrnnEphysError:
        raise
    except Exception as error:
        if not raised_by(error, "scipy"):
            raise
        raise _not_intact(path, error) from error


def _not_intact(path: Path, error: BaseException) -> FileFormatError:
    return FileFormatError(
        f"'{path.name}' is no intact MATLAB file ({one_line(error)}). Copy it again from its "
        "source."
    )


def _find(file: Any, path: str) -> list[_Found]:
    """Follow a path such as ``spikes[0][*].time``; a wildcard stands for every cell."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise InputError(
            f"'{path}' names no variable. Write a name, with .field and [number] where it is "
            "nested, and [*] for every cell: 'spikes[0][*].time'."
        )
    if match[1] not in file.names:
        raise InputError(f"There is no variable '{match[1]}'; there are {some(file.names)}.")
    found: list[_Found] = [((), file.root(match[1]))]
    for field, index in _STEP.findall(match[2]):
        found = [item for each in found for item in _step(file, each, field, index)]
    return found


def _step(file: Any, found: _Found, field: str, index: str) -> Iterator[_Found]:
    numbers, value = found
    if field:
        child = file.field(value, field)
        if child is not None:
            yield numbers, child
        return
    children = file.items(value) or []
    if index == "*":
        for number, child in enumerate(children):
            yield (*numbers, number), child
    elif int(index) < len(children):
        yield numbers, children[int(index)]


def _one(file: Any, path: str) -> NDArray[Any]:
    found = _find(file, path)
    if len(found) != 1:
        raise InputError(f"'{path}' stands for {len(found)} arrays; one is needed.")
    return file.array(found[0][1])


def _activity(file: Any, kind: str, path: str, options: Mapping[str, Any]) -> dict[str, Any]:
    if kind == "spike_times":
        return _spike_times(file, path)
    array = _one(file, path)
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        raise InputError(
            f"'{path}' must be a matrix of numbers, got shape {array.shape} and type {array.dtype}."
        )
    axis = options.get("node_axis")
    if axis not in (0, 1):
        raise InputError(
            f"'{path}' has shape {array.shape}. Say which axis counts the nodes: node_axis=0 or "
            "node_axis=1."
        )
    rows = array if axis == 0 else array.T
    part = options.get("samples")
    if part is None:
        return {kind: rows}
    start, stop = _limits(part, rows.shape[1], path)
    return {kind: rows[:, start:stop]}


def _limits(part: Any, n_samples: int, path: str) -> tuple[int, int]:
    try:
        start, stop = (int(value) for value in part)
    except (TypeError, ValueError):
        start, stop = -1, -1
    if not 0 <= start < stop <= n_samples:
        raise InputError(
            f"samples must be the first sample and one past the last, within the {n_samples} of "
            f"'{path}', got {part!r}. Write samples=(0, {n_samples})."
        )
    return start, stop


def _spike_times(file: Any, path: str) -> dict[str, Any]:
    found = _find(file, path)
    if len(found) == 1 and file.items(found[0][1]) is not None:
        found = [((number,), child) for number, child in enumerate(file.items(found[0][1]) or [])]
    trains, ids = [], []
    for numbers, value in found:
        times = file.array(value)
        if times.dtype.kind in "biuf" and times.size and max(times.shape) == times.size:
            trains.append(np.asarray(times, dtype=np.float64).ravel())
            ids.append(".".join(str(number) for number in numbers) or "0")
        elif times.size:
            raise InputError(
                f"'{path}' holds an array of shape {times.shape} and type {times.dtype}; spike "
                "times are a vector of numbers per unit."
            )
    if not trains:
        raise InputError(f"'{path}' holds no spike times.")
    return {"spike_times": trains, "node_ids": ids}


def _beside(file: Any, value: Any, key: str) -> Any:
    if key == "positions":
        import quantities as pq

        path, _, unit = str(value).partition(" ")
        return _one(file, path) * pq.Quantity(1.0, unit or "dimensionless")
    return [
        str(np.ravel(item)[0]) if np.size(item) else "" for item in _one(file, str(value)).ravel()
    ]


def _named_by_variable(paths: Any) -> dict[str, Any]:
    """Name signals by the last name of their paths, such as ``position``, if these differ."""
    names = [str(path).rpartition(":")[2].rpartition(".")[2] for path in paths]
    if len(set(names)) < len(names):
        names = [str(path).rpartition(":")[2] for path in paths]
    return dict(zip(names, paths, strict=True))


def _behavior(file: Any, given: Any, folder: Path) -> dict[str, NDArray[np.float64]]:
    if isinstance(given, str):
        given = [given]
    named = dict(given) if isinstance(given, Mapping) else _named_by_variable(given)
    signals = {}
    for name, path in named.items():
        beside, colon, variable = str(path).rpartition(":")
        if colon:
            with _variables(folder / beside) as other:
                array = _one(other, variable)
        else:
            array = _one(file, variable)
        if array.dtype.kind not in "biuf" or array.ndim > 2 or array.size == 0:
            raise InputError(f"Behaviour '{path}' must be an array of numbers, got {array.dtype}.")
        flat = array.ndim == 2 and 1 in array.shape
        signals[name] = np.asarray(array.ravel() if flat else array, dtype=np.float64)
    return signals
