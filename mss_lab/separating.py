"""The steps around a separation of a reader's own recording, shared by the command line and the panel `widgets.own`.

Contents: unmet_need, AlignedScore, aligned_with, within_full_scale, stems_zip.
"""

import dataclasses
import io
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from . import audio, checks, stem_names
from .method import Method

if TYPE_CHECKING:
    from .score.notes import Score


def unmet_need(method: Method, channels: int | None, *, has_score: bool) -> str:
    """Why a method cannot separate this recording, such as "needs a score"; empty if it can.

    Parameters
    ----------
    method : Method
    channels : int, or None
        Of the recording; None while there is none.
    has_score : bool
    """
    if "score" in method.needs and not has_score:
        return "needs a score"
    if "stereo" in method.needs and channels not in (None, 2):
        return f"needs two channels, and this recording has {channels}"
    return method.missing()


@dataclasses.dataclass(frozen=True)
class AlignedScore:
    """A score with the times of a recording.

    Attributes
    ----------
    score : Score
    remarks : tuple of str
        How it was aligned, and what is left out or repeated.
    doubt : str
        Why the score may not belong to the recording; empty if it fits.
    """

    score: "Score"
    remarks: tuple[str, ...]
    doubt: str


def aligned_with(mixture: np.ndarray, sample_rate_hz: int, score: "Score") -> AlignedScore:
    """Move the notes of a score to where they sound in a recording, which may hold all of the score or a part.

    Parameters
    ----------
    mixture : float (channels, samples)
    sample_rate_hz : int
    score : Score

    Raises
    ------
    ValueError
        In the cases of `mss_lab.score.align.align_score`.
    """
    from .score import align
    from .score.agreement import words_of_doubt

    aligned, alignment = align.align_score(mixture, sample_rate_hz, score)
    first_s, last_s = alignment.recording_times_s[0], alignment.recording_times_s[-1]
    played = alignment.sections or ((alignment.score_times_s[0], alignment.score_times_s[-1]),)
    remark = (
        f"{' and '.join(f'{start_s:.2f} to {end_s:.2f} s' for start_s, end_s in played)} of the score at "
        f"{first_s:.2f} to {last_s:.2f} s of the recording, confidence {alignment.mean_confidence:.2f}, "
        f"A4 = {alignment.tuning_hz:.1f} Hz"
    )
    doubt = ""
    if alignment.is_doubtful:
        doubt = words_of_doubt(alignment.mean_confidence, align.LEAST_CONFIDENCE, "is it of this piece? Give another")
    return AlignedScore(aligned, (remark, *alignment.remarks), doubt)


def within_full_scale(estimates: Mapping[str, np.ndarray], ending: str) -> tuple[dict[str, np.ndarray], float]:
    """All estimates, divided by one number if a format would clip them, and the peak of the loudest.

    Parameters
    ----------
    estimates : dict of source name -> float (channels, samples)
    ending : str
        Of the files, such as ".flac". Files that end in ".wav" keep floats, so their estimates are not changed.

    Returns
    -------
    estimates : dict of source name -> float (channels, samples)
    peak : float
        1 or less if nothing was changed.
    """
    peak = max(float(max(waveform.max(), -waveform.min())) for waveform in estimates.values())
    if audio.SUBTYPES[ending] == "FLOAT":
        peak = min(peak, 1.0)
    if peak <= 1:
        return dict(estimates), peak
    return {name: waveform / np.float32(peak * 1.0001) for name, waveform in estimates.items()}, peak


def stems_zip(estimates: Mapping[str, np.ndarray], sample_rate_hz: int, *, ending: str = ".flac") -> bytes:
    """The bytes of a zip file with one audio file for each source, named as `mss-lab separate` names them.

    Parameters
    ----------
    estimates : dict of source name -> float (channels, samples)
        Within full scale, unless `ending` is ".wav"; see `within_full_scale`.
    sample_rate_hz : int
    ending : str
        Format of the files, as for `mss_lab.audio.write_audio`.

    Raises
    ------
    ShapeError, ValueError
        As for `mss_lab.audio.write_stems`.
    """
    estimates = checks.check_sources("estimates", estimates)
    names = stem_names.file_names(estimates)
    buffer = io.BytesIO()
    # The audio is compressed already.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for source, waveform in estimates.items():
            encoded = audio.encode_audio(waveform, sample_rate_hz, ending, comment=audio.STEM_COMMENT)
            archive.writestr(names[source] + ending, encoded)
    return buffer.getvalue()
