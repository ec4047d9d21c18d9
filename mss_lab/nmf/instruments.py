"""The amplitudes of the harmonics of instruments, measured in advance; see data/README.md, models.

There are two tables. One was measured on recorded notes of eleven real instruments. The other was measured on renders
of a soundfont, and has nearly all instruments of General MIDI.

Contents: MEASURED_ON, harmonic_amplitudes. Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

import functools
from pathlib import Path

import numpy as np

from .. import checks, shipped
from ..refusals import RefusedValue
from ..score.instruments import name_of
from ..score.roll import PITCHES

# The notes that were measured, and the folder of the table. The second table has what is missing from the first.
MEASURED_ON = {"recordings": "models/single_notes", "renders": "models/instruments"}
RECORD = "record.json"
TABLE = "harmonics.npz"


def harmonic_amplitudes(program: int, harmonics: int = 40, *, measured_on: str = "recordings") -> np.ndarray:
    """Amplitudes of the harmonics of an instrument at every MIDI pitch.

    Between measured pitches, levels in dB are interpolated; below the lowest and above the highest the nearest is used.

    Parameters
    ----------
    program : int in [0, 127]
        General MIDI program; see `mss_lab.score.instruments.program_of`.
    harmonics : int >= 1
        Those above the 60th, which were not measured, are 0.
    measured_on : {"recordings", "renders"}
        Which notes are preferred: real instruments if they were measured, or always those of the soundfont.

    Returns
    -------
    float32 (128, harmonics)
        Linear; the strongest harmonic of each pitch is near 1. Measured at 44.1 kHz: a harmonic of 22 kHz or more is 0.

    Raises
    ------
    FileNotFoundError, ValueError
        If the table is missing or damaged, or has no such instrument.

    The table is made by `mss-lab data templates`.
    """
    program = checks.check_number("program", program, at_least=0, at_most=127, whole=True)
    harmonics = checks.check_number("harmonics", harmonics, at_least=1, whole=True)
    checks.check_choice("measured_on", measured_on, MEASURED_ON)
    preferred = [MEASURED_ON[measured_on], MEASURED_ON["renders"]]
    for folder in preferred:
        programs, midi, levels_db, lowest_db = _table(shipped.data_folder(folder) / folder)
        rows = programs == program
        if rows.any():
            break
    else:
        raise RefusedValue(
            f"program must be an instrument that was measured, got {program} ({name_of(program)}), which has no clear "
            f"harmonics; choose the nearest of {', '.join(name_of(p) for p in np.unique(programs))}"
        )
    measured_db = levels_db[rows, :harmonics]
    all_midi = np.arange(PITCHES)
    levels = np.stack([np.interp(all_midi, midi[rows], level) for level in measured_db.T], axis=1)
    amplitudes = np.zeros((PITCHES, harmonics), np.float32)
    amplitudes[:, : levels.shape[1]] = np.where(levels > lowest_db, 10 ** (levels / 20), 0)
    return amplitudes


@functools.lru_cache(maxsize=4)
def _table(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Program and pitch of each row, its levels in dB (rows, harmonics), and the level that means silence."""
    record = shipped.read_record(folder / RECORD)
    with np.load(folder / TABLE) as table:
        levels_db = -record["step_db"] * table["levels"].astype(float)
        return table["programs"], table["midi"].astype(float), levels_db, -record["step_db"] * record["lowest_step"]
