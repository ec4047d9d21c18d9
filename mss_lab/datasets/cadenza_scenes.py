"""Scenes of the second Cadenza challenge, task 2: which piece shall be remixed with which gains, for which listeners.

The challenge describes four files of JSON, here shortened to one entry each:

    scenes.valid.json           {"S50001": {"music": "anitrasdance_001", "gain": "gain_0645"}}
    gains.json                  {"gain_0645": {"source_1": -10, "source_2": 0}}
    music.valid.json            {"anitrasdance_001": {
                                    "source_1": {"instrument": "Violin_1", "track": "anitrasdance/Mix_1/Violin_1.flac",
                                                 "start": 46, "duration": 15, ...},
                                    "source_2": {...}, "mixture": {...}}}
    scene_listeners.valid.json  {"S50001": ["L5003", "L5014"]}

Gains are in dB, times in seconds. Audio is not read here: `tracks` are paths below the folder of the data set, which
`mss_lab.audio.read_audio` reads. A fifth file, listeners.valid.json, holds audiograms.

Contents: read_scenes, Scene, read_listeners, AUDIOGRAM_HZ. References: cadenzachallenge.org, "Rebalancing Classical
Music Data" and "Listener metadata"; the challenge's program, recipes/cad2/task2 of claritychallenge/clarity.
"""

import dataclasses
import json
import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import checks, remixing
from ..refusals import RefusedValue

MIXTURE = "mixture"

# The frequencies at which HAAQI reads an audiogram.
AUDIOGRAM_HZ = (250, 500, 1000, 2000, 4000, 6000)


@dataclasses.dataclass(frozen=True)
class Scene:
    """One scene.

    Attributes
    ----------
    name, piece : str
        Such as "S50001" and "anitrasdance_001".
    gains_db : dict of source name -> float, dB
        Such as "source_1": -10.0.
    instruments : dict of source name -> str
        As the challenge writes them: "Violin_1" and "Violin_2" are two violins.
    tracks : dict of source name -> str
        The file of each source, and of "mixture", below the folder of audio.
    start_s, duration_s : float, seconds
        The excerpt of the mixture's file.
    listeners : tuple of str
        Empty if no file of listeners was read.
    """

    name: str
    piece: str
    gains_db: Mapping[str, float]
    instruments: Mapping[str, str]
    tracks: Mapping[str, str]
    start_s: float
    duration_s: float
    listeners: tuple[str, ...] = ()

    def remix(self, stems: Mapping[str, np.ndarray]) -> remixing.Remix:
        """The remix that the scene requests, scaled as the challenge does: see `mss_lab.remixing.compensation_db`.

        Parameters
        ----------
        stems : dict of source name -> float (channels, samples)
            True sources or estimates, named as in `gains_db`.

        Raises
        ------
        ValueError
            If a source is missing or unknown.
        """
        if missing := [name for name in self.gains_db if name not in stems]:
            raise RefusedValue(
                f"stems must hold every source of {self.name}, got none for {', '.join(missing)}; silence will do"
            )
        return remixing.remix(stems, self.gains_db, compensate=True)

    def gains_of_instruments_db(self) -> dict[str, float]:
        """One gain for each kind of instrument: for two violins, which a separator gives as one, the mean of their dB.

        Reference: the challenge's baseline (`check_repeated_source`).
        """
        of_kind: dict[str, list[float]] = {}
        for name, gain_db in self.gains_db.items():
            of_kind.setdefault(self.instruments[name].partition("_")[0], []).append(gain_db)
        return {kind: statistics.fmean(gains_db) for kind, gains_db in of_kind.items()}


def read_scenes(
    scenes: str | os.PathLike[str],
    gains: str | os.PathLike[str],
    music: str | os.PathLike[str],
    listeners: str | os.PathLike[str] | None = None,
) -> dict[str, Scene]:
    """Read all scenes of a split.

    Parameters
    ----------
    scenes, gains, music : path
        The files scenes.*.json, gains.json and music.*.json.
    listeners : path, optional
        The file scene_listeners.*.json.

    Returns
    -------
    dict of scene name -> Scene
        In the order of the file.

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    ValueError
        If a file is no JSON of that form, or a scene names a piece, gains or sources that the others do not hold.
    """
    pieces, all_gains = _read(music), _read(gains)
    of_scene = _read(listeners) if listeners is not None else {}
    result = {}
    for name, entry in _read(scenes).items():
        piece, gain = _text(scenes, name, entry, "music"), _text(scenes, name, entry, "gain")
        for key, entries, path in ((piece, pieces, music), (gain, all_gains, gains)):
            if key not in entries:
                raise RefusedValue(f"{name} names {key}, which {path} does not hold; take files of the same release")
        names = of_scene.get(name, [])
        if not isinstance(names, list) or not all(isinstance(listener, str) for listener in names):
            raise RefusedValue(f"{listeners} must list the names of the listeners of {name}, got {names!r}")
        result[name] = dataclasses.replace(
            _scene(piece, pieces[piece], music, _gains_db(gain, all_gains[gain], gains)),
            name=name,
            listeners=tuple(names),
        )
    return result


def read_listeners(
    path: str | os.PathLike[str], frequencies_hz: Sequence[float] = AUDIOGRAM_HZ
) -> dict[str, np.ndarray]:
    """Read the audiograms of listeners.*.json.

    Parameters
    ----------
    path : path
    frequencies_hz : float > 0, Hz
        Between the frequencies of the file, values are interpolated along the logarithm of frequency, as pyclarity
        does; outside them the nearest is taken. The default is what `mss_lab.metrics.haaqi` requires.

    Returns
    -------
    dict of listener -> float (2, frequencies), dB HL
        Left and right ear.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or has another form.
    """
    log_frequencies = np.log([checks.check_number("frequencies_hz", hz, above=0, unit="Hz") for hz in frequencies_hz])
    result = {}
    for name, entry in _read(path).items():
        lists = [entry.get(key) if isinstance(entry, dict) else None
                 for key in ("audiogram_cfs", "audiogram_levels_l", "audiogram_levels_r")]  # fmt: skip
        try:
            frequencies, *ears = (np.array(values, dtype=np.float64) for values in lists)
        except (TypeError, ValueError) as error:
            raise RefusedValue(f"{path} has no audiogram of {name} that can be read ({error})") from error
        shapes = {values.shape for values in (frequencies, *ears)}
        if (
            len(shapes) != 1
            or frequencies.ndim != 1
            or not len(frequencies)
            or np.diff(frequencies, prepend=0).min() <= 0
        ):
            raise RefusedValue(
                f"{path} must have rising frequencies above 0 and as many levels for each ear, got {lists!r} for {name}"
            )
        result[name] = np.stack([np.interp(log_frequencies, np.log(frequencies), ear) for ear in ears])
    return result


def _scene(piece: str, entry: Any, path: str | os.PathLike[str], gains_db: dict[str, float]) -> Scene:
    if not isinstance(entry, dict) or MIXTURE not in entry or len(entry) < 2:
        raise RefusedValue(f"{path} must hold sources and a mixture for {piece}, got {entry!r}")
    sources = {name: source for name, source in entry.items() if name != MIXTURE}
    if set(sources) != set(gains_db):
        raise RefusedValue(
            f"the gains of a scene must be those of its piece's sources, got {', '.join(gains_db)} for {piece}, which "
            f"has {', '.join(sources)}; take files of the same release"
        )
    times_s = {}
    for key in ("start", "duration"):
        value = entry[MIXTURE].get(key) if isinstance(entry[MIXTURE], dict) else None
        times_s[key] = float(checks.check_number(f"{key} of {piece} in {path}", value, at_least=0, unit="seconds"))
    return Scene(
        name="",
        piece=piece,
        gains_db={name: gains_db[name] for name in sources},
        instruments={name: _text(path, piece, source, "instrument") for name, source in sources.items()},
        tracks={name: _text(path, piece, source, "track") for name, source in entry.items()},
        start_s=times_s["start"],
        duration_s=times_s["duration"],
    )


def _gains_db(name: str, entry: Any, path: str | os.PathLike[str]) -> dict[str, float]:
    if not isinstance(entry, dict) or not entry:
        raise RefusedValue(f"{path} must map sources to dB for {name}, got {entry!r}")
    return {
        source: float(checks.check_number(f"{name} of {source} in {path}", value, unit="dB"))
        for source, value in entry.items()
    }


def _text(path: str | os.PathLike[str], name: str, entry: Any, key: str) -> str:
    value = entry.get(key) if isinstance(entry, dict) else None
    if not isinstance(value, str) or not value:
        raise RefusedValue(f'{path} must have a text "{key}" for {name}, got {entry!r}')
    return value


def _read(path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise RefusedValue(f"{path} is no JSON ({error}); load it again from the challenge's metadata") from error
    if not isinstance(content, dict):
        raise RefusedValue(f"{path} must hold an object with one entry for each name, got {type(content).__name__}")
    return content
