"""
Files of the DishBrain server: spikes, events of the game, electrode map, replay of the game.

Layouts of ``spikes.bin``, ``replay.bin`` and the map are those that SpikeStream of Cortical Labs
reads (js/modules/data.js); all numbers are little-endian.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import FileFormatError, InputError

__all__ = [
    "SPIKES",
    "SUFFIXES",
    "ServerEvents",
    "ServerFiles",
    "find_files",
    "is_server_file",
    "read_events",
    "read_map",
    "read_replay",
    "read_spikes",
]

SPIKES, EVENTS, REPLAY, MAP = "spikes.bin", "events.txt", "replay.bin", ".cfg"
SUFFIXES = (SPIKES, EVENTS, REPLAY)
_SPIKE = np.dtype([("frame", "<u8"), ("channel", "<u4"), ("amplitude", "<f4")])
# The last 20 bytes of a record are not described; the first record is a header.
_REPLAY = np.dtype(
    [("frame", "<u8"), ("bat_y", "<f4"), ("ball_x", "<f4"), ("ball_y", "<f4"), ("rest", "V20")]
)
# A MaxOne array reads 1024 channels at once.
_N_CHANNELS = 1024
# No session lasts a week of frames at 20 kHz: a larger number is damage.
_MOST_FRAMES = 7 * 86400 * 20000
_LOOKED_AT = 64
_ELECTRODE = re.compile(r"(\d+)\((\d+)\)(-?\d+(?:\.\d+)?)/(-?\d+(?:\.\d+)?)")
_EVENT = re.compile(r"(\d+): (\S.*)")
_SETTING = re.compile(r"info: (.+?): (.*)")
_KNOWN = re.compile(r"game \w+|ball (?:bounce|return|missed)|motor layout: \d+")


@dataclass(frozen=True, kw_only=True)
class ServerFiles:
    """The files of one session; only the spikes are always there."""

    spikes: Path
    events: Path | None
    replay: Path | None
    electrodes: Path | None


@dataclass(frozen=True, kw_only=True)
class ServerEvents:
    """Frames and texts of the events in order of time, and the settings above them."""

    frames: NDArray[np.int64]
    texts: list[str]
    settings: dict[str, str]

    @property
    def started(self) -> datetime.datetime | None:
        """When the recording started, in UTC; None where the settings do not say."""
        text = self.settings.get("recording started (epoch seconds)", "")
        try:
            return datetime.datetime.fromtimestamp(int(text), tz=datetime.UTC)
        except (ValueError, OverflowError, OSError):
            return None


def is_server_file(path: Path) -> bool:
    """
    Say whether a path is a session of the server, or one of its files; never raise.

    Parameters
    ----------
    path : pathlib.Path
        A file or a folder.

    Returns
    -------
    bool
        True for ``…spikes.bin``, for ``…events.txt`` with a line of the server, for a map or a
        replay beside spikes, and for a folder with spikes.
    """
    try:
        if path.is_dir():
            return any(_is_spikes(item) for item in path.glob(f"*{SPIKES}"))
        if path.name.endswith(SPIKES):
            return _is_spikes(path)
        if path.name.endswith(EVENTS):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            return any(_is_line(line) for line in lines[:_LOOKED_AT])
        beside = any(_is_spikes(item) for item in path.parent.glob(f"*{SPIKES}"))
        if path.name.endswith(REPLAY):
            return beside
        return beside and path.name.endswith(MAP) and bool(_ELECTRODE.match(_head(path)))
    except Exception:
        return False


def _is_line(line: str) -> bool:
    match = _EVENT.fullmatch(line)
    known = match is not None and _KNOWN.fullmatch(match[2]) is not None
    return known or line.startswith("info: recording ")


def _head(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.read(200).decode("ascii", errors="replace")


def _is_spikes(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(_LOOKED_AT * _SPIKE.itemsize)
    table = np.frombuffer(head[: len(head) // _SPIKE.itemsize * _SPIKE.itemsize], dtype=_SPIKE)
    return len(table) > 0 and _first_fault(table) is None


def find_files(path: Path, electrodes: str | Path | None) -> ServerFiles:
    """
    Find the files of a session from any of them, or from their folder.

    Parameters
    ----------
    path : pathlib.Path
        Spikes, events, map, replay, or the folder.
    electrodes : str or pathlib.Path, optional
        The map; by default the one that the events name, else the only one in the folder.

    Returns
    -------
    ServerFiles
        The files.

    Raises
    ------
    FileFormatError
        If there are no spikes.
    InputError
        If several sessions or several maps could be meant.
    """
    folder = path if path.is_dir() else path.parent
    ending = next((item for item in SUFFIXES if not path.is_dir() and path.name.endswith(item)), "")
    if ending:
        prefix = path.name.removesuffix(ending)
    else:
        prefix = _only(sorted(folder.glob(f"*{SPIKES}")), folder, "sessions", "name").name
        prefix = prefix.removesuffix(SPIKES)
    found = {item: folder / f"{prefix}{item}" for item in SUFFIXES}
    if not found[SPIKES].is_file():
        raise FileFormatError(
            f"There is no file '{found[SPIKES].name}' beside '{path.name}'. Put the spikes of the "
            "session there."
        )
    events = found[EVENTS] if found[EVENTS].is_file() else None
    electrode_map = path if path.name.endswith(MAP) and path.is_file() else None
    if electrodes is not None:
        electrode_map = Path(electrodes)
    return ServerFiles(
        spikes=found[SPIKES],
        events=events,
        replay=found[REPLAY] if found[REPLAY].is_file() else None,
        electrodes=electrode_map or _find_map(folder, events),
    )


def _find_map(folder: Path, events: Path | None) -> Path | None:
    maps = sorted(folder.glob(f"*{MAP}"))
    if events is not None and len(maps) > 1:
        named = read_events(events).settings.get("electrode config", "").rsplit("/", 1)[-1]
        maps = [item for item in maps if item.name == named] or maps
    return _only(maps, folder, "electrode maps", "electrodes=…") if maps else None


def _only(paths: list[Path], folder: Path, what: str, way_out: str) -> Path:
    if not paths:
        raise FileFormatError(
            f"The folder '{folder.name}' holds no '{SPIKES}'. Name the right one."
        )
    if len(paths) > 1:
        raise InputError(
            f"The folder '{folder.name}' holds {len(paths)} {what}: "
            f"{some(item.name for item in paths)}. Choose one: "
            f"{'name its file' if way_out == 'name' else way_out}."
        )
    return paths[0]


def read_spikes(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """
    Read the spikes.

    Parameters
    ----------
    path : pathlib.Path
        ``spikes.bin``.

    Returns
    -------
    tuple of numpy.ndarray
        Frame, channel and amplitude of each spike, shape (n_spikes,), frames ascending.

    Raises
    ------
    FileFormatError
        If the file is cut within a record, or a record makes no sense.
    """
    content = _content(path)
    rest = len(content) % _SPIKE.itemsize
    if rest or not content:
        raise FileFormatError(
            f"'{path.name}' has {len(content)} bytes; spikes take {_SPIKE.itemsize} bytes each, at "
            "least one. It is cut short or something else. Copy it again from its source."
        )
    table = np.frombuffer(content, dtype=_SPIKE)
    fault = _first_fault(table)
    if fault is not None:
        frame, channel, amplitude = table[fault].tolist()
        raise FileFormatError(
            f"Record {fault} of '{path.name}' is no spike: frame {frame}, channel {channel}, "
            f"amplitude {amplitude:g}. Frames must ascend, channels stay below {_N_CHANNELS}. "
            "The file is damaged; copy it again from its source."
        )
    return (
        table["frame"].astype(np.int64), table["channel"].astype(np.int64),
        table["amplitude"].astype(np.float32),
    )  # fmt: skip


def _first_fault(table: NDArray[np.void]) -> int | None:
    frames = table["frame"]
    wrong = (table["channel"] >= _N_CHANNELS) | ~np.isfinite(table["amplitude"])
    wrong |= frames >= 2**62
    # Subtraction of unsigned numbers would wrap around.
    wrong[1:] |= frames[1:] < frames[:-1]
    if not wrong.any() and frames[-1] - frames[0] > _MOST_FRAMES:
        wrong |= frames - frames[0] > _MOST_FRAMES
    return int(np.flatnonzero(wrong)[0]) if wrong.any() else None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileFormatError(
            f"There is no file '{path}' that can be read. Check the path."
        ) from error


def read_events(path: Path) -> ServerEvents:
    """
    Read the events of the game.

    Parameters
    ----------
    path : pathlib.Path
        ``events.txt``.

    Returns
    -------
    ServerEvents
        In order of time.

    Raises
    ------
    FileFormatError
        If a line is neither a setting nor an event.
    """
    text = _content(path).decode("utf-8", errors="replace")
    lines = text.splitlines()
    settings: dict[str, str] = {}
    events: list[tuple[int, str]] = []
    for number, line in enumerate(lines, start=1):
        whole = number < len(lines) or text.endswith("\n")
        if (setting := _SETTING.fullmatch(line)) is not None:
            settings[setting[1]] = setting[2].strip()
        elif (event := _EVENT.fullmatch(line)) is not None and int(event[1]) < 2**62 and (
            whole or _KNOWN.fullmatch(event[2])
        ):  # fmt: skip
            events.append((int(event[1]), event[2].strip()))
        elif line.strip():
            shown = line.encode("ascii", errors="replace").decode()[:60]
            raise FileFormatError(
                f"Line {number} of '{path.name}' is no event: '{shown}' must read 'frame: event'. "
                "The file is damaged or cut short; copy it again from its source."
            )
    if not events:
        raise FileFormatError(
            f"'{path.name}' holds no event, such as '202364032: game begin'. Copy it again from "
            "its source, or leave it out of the folder."
        )
    events.sort(key=lambda event: event[0])
    return ServerEvents(
        frames=np.array([frame for frame, _ in events], dtype=np.int64),
        texts=[text for _, text in events],
        settings=settings,
    )


def read_map(path: Path) -> dict[int, tuple[float, float]]:
    """
    Read where the channels lie.

    Parameters
    ----------
    path : pathlib.Path
        The ``.cfg`` map: ``channel(electrode)x/y;…`` in its first line.

    Returns
    -------
    dict of int to tuple of float
        Position in micrometres by channel number.

    Raises
    ------
    FileFormatError
        If an entry cannot be read, or a channel stands twice.
    """
    line = _content(path).split(b"\n", 1)[0].decode("utf-8", errors="replace").strip()
    positions: dict[int, tuple[float, float]] = {}
    for entry in filter(None, line.split(";")):
        match = _ELECTRODE.fullmatch(entry.strip())
        if match is None or int(match[1]) in positions or len(entry) > 80:
            shown = entry.encode("ascii", errors="replace").decode()[:40]
            raise FileFormatError(
                f"'{path.name}' names an electrode as '{shown}', which must read "
                "'channel(electrode)x/y', each channel once. Export the map again."
            )
        positions[int(match[1])] = float(match[3]), float(match[4])
    if not positions:
        raise FileFormatError(
            f"'{path.name}' names no electrode in its first line, such as '0(8438)1365/665;'. "
            "Export the map again, or leave it out of the folder."
        )
    return positions


def read_replay(path: Path) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """
    Read where bat and ball were.

    Parameters
    ----------
    path : pathlib.Path
        ``replay.bin``.

    Returns
    -------
    tuple of numpy.ndarray
        Frames, strictly ascending, shape (n_samples,), and height of the bat, place and height of
        the ball in pixels of the game's field, shape (n_samples, 3).

    Raises
    ------
    FileFormatError
        If the file is cut within a record, or a record makes no sense.
    """
    content = _content(path)
    size = _REPLAY.itemsize
    if len(content) % size or len(content) < 2 * size:
        raise FileFormatError(
            f"'{path.name}' has {len(content)} bytes; a replay has records of {size} bytes behind "
            f"a header of {size}. It is cut short or something else. Copy it again from its source."
        )
    table = np.frombuffer(content, dtype=_REPLAY, offset=size)
    frames = table["frame"].astype(np.int64)
    values = np.column_stack([table[name] for name in ("bat_y", "ball_x", "ball_y")])
    if np.any(table["frame"] >= 2**62) or np.any(np.diff(frames) <= 0) or not (
        np.isfinite(values).all()
    ):  # fmt: skip
        raise FileFormatError(
            f"The frames of '{path.name}' must ascend, and its places be finite. It is damaged; "
            "copy it again from its source, or leave it out of the folder."
        )
    return frames, values.astype(np.float64)
