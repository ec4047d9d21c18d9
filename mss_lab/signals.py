"""Signals with known answers: tones, chirps, vibrato, clicks, noise and panned mixtures for lessons and tests.

Every generator returns a float64 waveform (1, samples), so that the result of a method can be compared with the true
answer. Single sinusoids have the amplitude `amplitude`; sums of them and noise are scaled so that their largest sample
has it. Random signals take a seeded generator. Frequencies must lie below half the sample rate: ValueError otherwise.

Contents: tone, harmonic_tone, chirp, vibrato_tone, clicks, noise, fade, pan, mix.
Lesson: notebooks/01_sound_into_matrices.ipynb
"""

from collections.abc import Iterable, Mapping

import numpy as np

from . import checks


def _times_s(duration_s: float, sample_rate_hz: int, **frequencies_hz: float) -> np.ndarray:
    # The first step of every generator: check its arguments, return the time of each sample.
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    checks.check_number("duration_s", duration_s, above=0, unit="seconds")
    for name, frequency_hz in frequencies_hz.items():
        checks.check_number(name, frequency_hz, at_least=0, below=sample_rate_hz / 2, unit="Hz")
    return np.arange(max(1, round(duration_s * sample_rate_hz))) / sample_rate_hz


def tone(
    frequency_hz: float, duration_s: float, sample_rate_hz: int, *, amplitude: float = 0.5, phase_rad: float = 0.0
) -> np.ndarray:
    """A sinusoid that starts at `phase_rad` (a cosine at 0).

    Examples
    --------
    >>> tone(440, 0.5, 8000).shape
    (1, 4000)
    """
    times_s = _times_s(duration_s, sample_rate_hz, frequency_hz=frequency_hz)
    checks.check_number("amplitude", amplitude)
    checks.check_number("phase_rad", phase_rad, unit="radians")
    return amplitude * np.cos(2 * np.pi * frequency_hz * times_s + phase_rad)[np.newaxis]


def harmonic_tone(
    frequency_hz: float,
    duration_s: float,
    sample_rate_hz: int,
    *,
    harmonics: int = 10,
    slope: float = 1.0,
    amplitude: float = 0.5,
) -> np.ndarray:
    """Harmonics h = 1, 2, ... of a fundamental with amplitudes 1 / h**slope, up to half the sample rate."""
    times_s = _times_s(duration_s, sample_rate_hz, frequency_hz=frequency_hz)
    harmonics = checks.check_number("harmonics", harmonics, at_least=1, whole=True)
    checks.check_number("slope", slope)
    numbers = np.arange(1, harmonics + 1)
    numbers = numbers[numbers * frequency_hz < sample_rate_hz / 2]
    partials = np.sin(2 * np.pi * frequency_hz * numbers[:, np.newaxis] * times_s) / numbers[:, np.newaxis] ** slope
    return _peak(partials.sum(axis=0), amplitude)[np.newaxis]


def chirp(
    start_hz: float, end_hz: float, duration_s: float, sample_rate_hz: int, *, amplitude: float = 0.5
) -> np.ndarray:
    """A sinusoid whose frequency changes linearly from `start_hz` to `end_hz`."""
    times_s = _times_s(duration_s, sample_rate_hz, start_hz=start_hz, end_hz=end_hz)
    checks.check_number("amplitude", amplitude)
    phase_rad = 2 * np.pi * (start_hz * times_s + (end_hz - start_hz) * times_s**2 / (2 * duration_s))
    return amplitude * np.cos(phase_rad)[np.newaxis]


def vibrato_tone(
    frequency_hz: float,
    duration_s: float,
    sample_rate_hz: int,
    *,
    rate_hz: float = 5.5,
    depth_cents: float = 30.0,
    harmonics: int = 10,
    amplitude: float = 0.5,
) -> np.ndarray:
    """A harmonic tone whose pitch varies by `depth_cents` up and down, `rate_hz` times a second."""
    times_s = _times_s(duration_s, sample_rate_hz, frequency_hz=frequency_hz)
    checks.check_number("rate_hz", rate_hz, at_least=0, unit="Hz")
    checks.check_number("depth_cents", depth_cents, at_least=0, unit="cents")
    harmonics = checks.check_number("harmonics", harmonics, at_least=1, whole=True)
    instantaneous_hz = frequency_hz * 2 ** (depth_cents / 1200 * np.sin(2 * np.pi * rate_hz * times_s))
    phase_rad = 2 * np.pi * np.cumsum(instantaneous_hz) / sample_rate_hz
    highest_hz = frequency_hz * 2 ** (depth_cents / 1200)
    audible = [h for h in range(1, harmonics + 1) if h * highest_hz < sample_rate_hz / 2]
    return _peak(sum((np.sin(h * phase_rad) / h for h in audible), np.zeros_like(times_s)), amplitude)[np.newaxis]


def clicks(times_s: Iterable[float], duration_s: float, sample_rate_hz: int, *, amplitude: float = 0.5) -> np.ndarray:
    """Single samples of height `amplitude` at the given times, zeros elsewhere."""
    signal = np.zeros((1, len(_times_s(duration_s, sample_rate_hz))))
    checks.check_number("amplitude", amplitude)
    for time_s in times_s:
        checks.check_number("times_s", time_s, at_least=0, at_most=duration_s, unit="seconds")
        signal[0, min(round(time_s * sample_rate_hz), signal.shape[1] - 1)] = amplitude
    return signal


def noise(
    duration_s: float, sample_rate_hz: int, *, rng: np.random.Generator, channels: int = 1, amplitude: float = 0.5
) -> np.ndarray:
    """White Gaussian noise, independent in each channel, scaled to peak `amplitude`."""
    checks.check_generator("rng", rng)
    channels = checks.check_number("channels", channels, at_least=1, whole=True)
    samples = len(_times_s(duration_s, sample_rate_hz))
    return _peak(rng.standard_normal((channels, samples)), amplitude)


def fade(waveform: np.ndarray, fade_s: float, sample_rate_hz: int) -> np.ndarray:
    """The waveform with raised-cosine fades of `fade_s` at both ends, so that it starts and stops without a click."""
    waveform = checks.check_waveform("waveform", waveform)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    checks.check_number("fade_s", fade_s, at_least=0, unit="seconds")
    samples = min(round(fade_s * sample_rate_hz), waveform.shape[1] // 2)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(samples) + 0.5) / max(samples, 1))
    gains = np.ones(waveform.shape[1])
    gains[:samples] = ramp
    gains[waveform.shape[1] - samples :] = ramp[::-1]
    return (waveform * gains).astype(waveform.dtype)


def pan(waveform: np.ndarray, angle_rad: float) -> np.ndarray:
    """Pan a mono waveform between two loudspeakers by the constant-power law: gain cos on the left, sin on the right.

    Parameters
    ----------
    waveform : float (1, samples)
    angle_rad : float in [0, pi/2]
        0 is left, pi/4 the centre, pi/2 right.

    Returns
    -------
    float (2, samples)
        It has the energy of the input at every angle.

    Reference: Cano et al., IEEE Signal Processing Magazine 2019.

    Examples
    --------
    >>> pan(np.ones((1, 1)), 0.0).ravel()
    array([1., 0.])
    """
    waveform = checks.check_waveform("waveform", waveform)
    if waveform.shape[0] != 1:
        raise checks.ShapeError(
            f"waveform must be mono (1, samples) to be panned, got shape {waveform.shape}; "
            "average its channels first: waveform.mean(axis=0, keepdims=True)"
        )
    checks.check_number("angle_rad", angle_rad, at_least=0, at_most=np.pi / 2, unit="radians")
    gains = np.array([[np.cos(angle_rad)], [np.sin(angle_rad)]])
    result: np.ndarray = (gains * waveform).astype(waveform.dtype)
    return result


def mix(sources: Mapping[str, np.ndarray]) -> np.ndarray:
    """The sum of all sources, which must have the same shape."""
    checked = checks.check_sources("sources", sources)
    result: np.ndarray = np.sum(list(checked.values()), axis=0)
    return result


def _peak(waveform: np.ndarray, amplitude: float) -> np.ndarray:
    checks.check_number("amplitude", amplitude)
    largest = np.abs(waveform).max()
    return waveform * (amplitude / largest) if largest > 0 else waveform
