"""Intonation: the offset of each note of a score, in cents, from equal temperament.

Players are in tune with each other, not with a table: leading notes are sharp, thirds are flat, and an instrument's
tuning rises as it warms up. A template that is a tenth of a semitone off its harmonics covers only their flanks, and
flanks of neighbours too. So each pitch of each player gets the frequency at which its harmonics are measured.

Contents: CENTS, spectra_where_written, spectra_by_share, offsets_cents.
Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

import numpy as np

from .. import transforms, units

# The offsets that are tried: less than half a semitone, so that no neighbour is mistaken for the note.
CENTS = np.arange(-40.0, 41.0, 2.0)
HARMONICS = 12
# The bell with which a harmonic's level is measured, as in `shapes.harmonic_shapes`.
WIDTH_CENTS, WIDTH_BINS = 20.0, 1.4
CAUTION_STEP_CENTS = 20.0
# The model is computed for so many frames at a time; all at once would take as much memory as the mixture.
BLOCK_FRAMES = 1000


def spectra_where_written(magnitude: np.ndarray, written: np.ndarray) -> np.ndarray:
    """The mixture's spectrum over the frames in which each pitch is written, before anything is separated.

    Parameters
    ----------
    magnitude : float >= 0 (freq, frames)
    written : bool (keys, frames)

    Returns
    -------
    float32 (keys, freq)
        Square roots of magnitudes, added over frames, so that no single loud moment decides.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Reference: none, own method.

    Examples
    --------
    >>> spectra_where_written(np.array([[4.0, 9.0], [1.0, 0.0]]), np.array([[True, False], [True, True]]))
    array([[2., 1.],
           [5., 1.]], dtype=float32)
    """
    total = np.zeros((len(written), len(magnitude)), np.float32)
    for start in range(0, magnitude.shape[1], BLOCK_FRAMES):
        block = slice(start, start + BLOCK_FRAMES)
        total += written[:, block].astype(np.float32) @ np.sqrt(magnitude[:, block], dtype=np.float32).T
    return total


def spectra_by_share(magnitude: np.ndarray, templates: np.ndarray, activations: np.ndarray) -> np.ndarray:
    """The spectrum of each component: of every bin of the mixture, the share that the model assigns to it.

    Parameters
    ----------
    magnitude : float >= 0 (freq, frames)
    templates : float >= 0 (freq, keys)
    activations : float >= 0 (keys, frames)

    Returns
    -------
    float32 (keys, freq)
        As for `spectra_where_written`.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Reference: none, own method.

    Examples
    --------
    >>> activations = np.array([[4.0, 0.0], [0.0, 9.0]])
    >>> np.round(spectra_by_share(activations, np.eye(2), activations), 3)  # roots of the magnitudes
    array([[2., 0.],
           [0., 3.]], dtype=float32)
    """
    total = np.zeros(templates.shape, np.float32)
    for start in range(0, magnitude.shape[1], BLOCK_FRAMES):
        block = slice(start, start + BLOCK_FRAMES)
        model = templates @ activations[:, block]
        np.maximum(model, 1e-10 * model.max(initial=1e-20), out=model)
        # The root of a share is the product of three roots, so one matrix product can add up the frames.
        total += np.sqrt(magnitude[:, block] / model) @ np.sqrt(activations[:, block]).T
    result: np.ndarray = (np.sqrt(templates) * total).T.astype(np.float32)
    return result


def offsets_cents(
    spectra: np.ndarray,
    pitches: np.ndarray,
    window_samples: int,
    sample_rate_hz: int,
    tuning_hz: float = units.A4_HZ,
    *,
    caution: float = 0.0,
) -> np.ndarray:
    """The offset at which the harmonics of each pitch are strongest.

    Parameters
    ----------
    spectra : float >= 0 (keys, freq)
        The spectrum of each pitch, as from `spectra_where_written` or `spectra_by_share`.
    pitches : float (keys,)
        MIDI numbers.
    window_samples, sample_rate_hz : int
        Settings of the STFT.
    tuning_hz : float > 0
        Frequency of A4 from which offsets count.
    caution : float >= 0
        The cost of an offset of 20 cents, as a fraction of the mean level; 40 cents cost four times as much. It keeps
        a pitch that sounds together with others nearer to the tuning.

    Returns
    -------
    float64 (keys,)
        Cents, one of `CENTS`; 0 where there is no sound.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Reference: none, own method; adding up levels at multiples of a
    candidate frequency is the harmonic sum spectrum of Noll, 1969.

    Examples
    --------
    >>> from mss_lab.nmf.shapes import harmonic_shapes
    >>> sharp = harmonic_shapes(69.1, 8192, 44_100).sum(axis=0)[np.newaxis]  # 10 cents above A4
    >>> offsets_cents(sharp, np.array([69.0]), 8192, 44_100)
    array([10.])
    """
    cost = caution * (CENTS / CAUTION_STEP_CENTS) ** 2
    offsets = np.zeros(len(pitches))
    for midi in np.unique(pitches):
        bins, weights = _bells(float(midi), window_samples, sample_rate_hz, tuning_hz)
        for key in np.flatnonzero(pitches == midi):
            levels = np.einsum("hcb,hcb->c", weights, spectra[key][bins])
            if levels.mean() > 0:
                offsets[key] = CENTS[np.argmax(levels / levels.mean() - cost)]
    return offsets


def _bells(midi: float, window_samples: int, sample_rate_hz: int, tuning_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Bins around each harmonic at each offset, and their weights, both (harmonics, offsets, bins)."""
    frequencies_hz = transforms.stft_frequencies_hz(window_samples, sample_rate_hz)
    bin_hz = frequencies_hz[1]
    numbers = np.arange(1, HARMONICS + 1)[:, np.newaxis]
    centres_hz = numbers * units.midi_to_hz(midi, tuning_hz) * units.cents_to_ratio(CENTS)
    widths_hz = centres_hz * (units.cents_to_ratio(WIDTH_CENTS) - 1) + WIDTH_BINS * bin_hz
    inside = centres_hz < sample_rate_hz / 2
    reach = int(np.ceil(2 * np.max(widths_hz, where=inside, initial=bin_hz) / bin_hz))
    bins = np.rint(centres_hz / bin_hz).astype(int)[:, :, np.newaxis] + np.arange(-reach, reach + 1)
    distances = (bins * bin_hz - centres_hz[:, :, np.newaxis]) / widths_hz[:, :, np.newaxis]
    weights = np.exp(-0.5 * (2 * distances) ** 2) / numbers[:, :, np.newaxis]
    weights[(bins < 0) | (bins >= len(frequencies_hz))] = 0
    return np.clip(bins, 0, len(frequencies_hz) - 1), weights.astype(np.float32)
