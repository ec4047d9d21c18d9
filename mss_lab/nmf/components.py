"""From components to sources: which source each component belongs to, and the estimates that follow.

There are three ways to decide: templates that were learnt before, one set for each source (supervised); such templates
for some of the sources and free ones for the rest (semi-supervised); or the similarity of the templates, by which they
are sorted into as many groups as there are sources (clustering). The sum of a source's components models its magnitude,
and a mask divides the mixture among the models.

Symbols: V[f, n] magnitude, W[f, k] templates, H[k, n] activations, owners[k] the source to which component k belongs.

Contents: component_spectrograms, source_models, supervised, semi_supervised, template_features, cluster, separate.
Lesson: notebooks/05_nmf_from_scratch.ipynb
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checks, masks
from ..refusals import RefusedValue
from . import beta as nmf

# The name of the part of a mixture that no given template explains.
REST = "rest"


def component_spectrograms(templates: np.ndarray, activations: np.ndarray) -> np.ndarray:
    """The spectrogram of each component by itself; their sum is the model.

    Parameters
    ----------
    templates : real >= 0 (freq, components)
    activations : real >= 0 (components, frames) or (channels, components, frames)

    Returns
    -------
    real (components, channels, freq, frames)
        One channel if the activations have no channels: a stack that `masks.wiener` accepts.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the arrays are not magnitudes or do not fit each other.

    Lesson: notebooks/05_nmf_from_scratch.ipynb

    Examples
    --------
    >>> templates, activations = np.array([[1.0, 0.0], [1.0, 2.0]]), np.array([[1.0, 0.0, 3.0], [1.0, 1.0, 0.0]])
    >>> parts = component_spectrograms(templates, activations)
    >>> parts.shape, bool(np.allclose(parts.sum(axis=0), templates @ activations))
    ((2, 1, 2, 3), True)
    """
    templates, activations = _checked_factors(templates, activations)
    result: np.ndarray = np.einsum("fk,ckn->kcfn", templates, activations)
    return result


def source_models(templates: np.ndarray, activations: np.ndarray, owners: np.ndarray, sources: int) -> np.ndarray:
    """The sum of each source's components, without storing every component.

    Parameters
    ----------
    templates, activations
        As for `component_spectrograms`.
    owners : int (components,)
        The index of the source, from 0, that each component belongs to.
    sources : int >= 1
        The number of sources; one without components is silent.

    Returns
    -------
    real (sources, channels, freq, frames)

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the arrays do not fit each other, or an owner is not one of the sources.

    Lesson: notebooks/05_nmf_from_scratch.ipynb

    Examples
    --------
    >>> activations = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 4.0]])
    >>> models = source_models(np.eye(3), activations, owners=np.array([0, 0, 1]), sources=2)
    >>> models.sum(axis=(1, 2, 3))  # the first source has two components, the second one
    array([3., 4.])
    """
    templates, activations = _checked_factors(templates, activations)
    sources = checks.check_number("sources", sources, at_least=1, whole=True)
    owners = np.asarray(owners)
    if owners.shape != (templates.shape[1],) or not np.issubdtype(owners.dtype, np.integer):
        raise checks.ShapeError(
            f"owners must be one whole number for each of the {templates.shape[1]} components, got shape "
            f"{owners.shape} of {owners.dtype}; number the sources from 0"
        )
    if owners.size and not 0 <= owners.min() <= owners.max() < sources:
        raise RefusedValue(
            f"owners must be from 0 to {sources - 1}, got {owners.min()} to {owners.max()}; number the sources from 0"
        )
    return np.stack([templates[:, owners == j] @ activations[:, owners == j] for j in range(sources)])


def supervised(
    magnitude: np.ndarray, templates: Mapping[str, np.ndarray], *, rng: np.random.Generator, **options: Any
) -> dict[str, np.ndarray]:
    """Models of sources whose templates are known: only the activations are learnt.

    Parameters
    ----------
    magnitude : real >= 0 (freq, frames) or (channels, freq, frames)
        Of the mixture.
    templates : dict of source name -> real >= 0 (freq, components)
        Learnt by `factorise` from each source alone, in the same transform.
    rng : numpy.random.Generator
        Draws the initial activations.
    options
        Options of `factorise`: beta, iterations, tolerance, engine, ...

    Returns
    -------
    dict of source name -> real (channels, freq, frames)
        One channel for a magnitude without channels.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If there are no templates, or they do not fit the magnitude.

    Lesson: notebooks/05_nmf_from_scratch.ipynb. Reference: Smaragdis, Raj and Shashanka, ICA 2007.

    Examples
    --------
    >>> templates = {"low": np.array([[1.0], [0.0]]), "high": np.array([[0.0], [1.0]])}
    >>> models = supervised(np.array([[3.0, 0.0], [1.0, 2.0]]), templates, rng=np.random.default_rng(0))
    >>> np.round(models["low"][0], 6)
    array([[3., 0.],
           [0., 0.]])
    """
    names, together, owners = _joined(templates)
    factorisation = nmf.factorise(magnitude, templates=together, fixed_templates=True, rng=rng, **options)
    return dict(
        zip(names, source_models(factorisation.templates, factorisation.activations, owners, len(names)), strict=True)
    )


def semi_supervised(
    magnitude: np.ndarray,
    templates: Mapping[str, np.ndarray],
    rank: int,
    *,
    rng: np.random.Generator,
    **options: Any,
) -> dict[str, np.ndarray]:
    """Models of sources whose templates are known, and of everything else in the mixture, named "rest".

    Parameters
    ----------
    magnitude, templates, rng, options
        As for `supervised`. No source may be named "rest".
    rank : int >= 1
        Number of free components that learn the rest. If there are more than the rest has notes, they also learn
        parts of the known sources.

    Returns
    -------
    dict of source name -> real (channels, freq, frames)
        "rest" is the last.

    Raises
    ------
    ShapeError, TypeError, ValueError
        As for `supervised`.

    Lesson: notebooks/05_nmf_from_scratch.ipynb. Reference: Smaragdis, Raj and Shashanka, ICA 2007.
    """
    names, together, owners = _joined(templates)
    rank = checks.check_number("rank", rank, at_least=1, whole=True)
    if REST in names:
        raise RefusedValue(f"templates must not use the name {REST!r}, which is that of the learnt rest; rename it")
    checks.check_generator("rng", rng)
    free = rng.uniform(0.1, 1.1, (len(together), rank)) * (together.mean() or 1.0)
    factorisation = nmf.factorise(
        magnitude,
        templates=np.hstack([together, free]),
        fixed_templates=np.arange(len(owners) + rank) < len(owners),
        rng=rng,
        **options,
    )
    owners = np.concatenate([owners, np.full(rank, len(names))])
    models = source_models(factorisation.templates, factorisation.activations, owners, len(names) + 1)
    return dict(zip([*names, REST], models, strict=True))


def template_features(
    templates: np.ndarray, sample_rate_hz: int, *, coefficients: int = 13, bands: int = 40
) -> np.ndarray:
    """The mel-frequency cepstrum of each template: points in a space in which similar timbres are near each other.

    The energy in mel bands, as a logarithm, is cosine-transformed over the bands. The first coefficient, which is the
    level, is left out.

    Parameters
    ----------
    templates : real >= 0 (freq, components)
        Magnitudes of an STFT with an even window, so of window_samples // 2 + 1 bins.
    sample_rate_hz : int
    coefficients : int >= 1
        The number of coefficients. A few describe the timbre, many the pitch too.
    bands : int > coefficients

    Returns
    -------
    float64 (components, coefficients)
        Independent of the level. Bands more than 60 dB below the loudest count as 60 dB below it.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the templates are not magnitudes, or an option is out of its range.

    Lesson: notebooks/05_nmf_from_scratch.ipynb. Reference: Spiertz and Gnann, DAFx 2009.
    """
    import warnings

    import librosa
    from scipy.fft import dct

    templates = checks.check_magnitude("templates", templates, "freq components").astype(np.float64)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    coefficients = checks.check_number("coefficients", coefficients, at_least=1, whole=True)
    bands = checks.check_number("bands", bands, above=coefficients, whole=True)
    if len(templates) < 2:
        raise checks.ShapeError(
            f"templates must have at least 2 frequencies, got {len(templates)}; use those of an STFT"
        )
    with warnings.catch_warnings():
        # Narrow bands of short windows hold no bin, which is the same for all templates; librosa warns of them.
        warnings.simplefilter("ignore", UserWarning)
        filters = librosa.filters.mel(
            sr=sample_rate_hz, n_fft=2 * (len(templates) - 1), n_mels=bands, norm=None, dtype=np.float64
        )
    energies = filters @ (templates / _or_one(templates.max(axis=0, initial=0))) ** 2
    loudest = _or_one(energies.max(axis=0, initial=0))
    result: np.ndarray = dct(np.log(np.maximum(energies / loudest, 1e-6)), axis=0, norm="ortho")[1 : coefficients + 1].T
    return result


def cluster(
    templates: np.ndarray, sources: int, sample_rate_hz: int, *, rng: np.random.Generator, **features: Any
) -> np.ndarray:
    """Sort components into sources by the similarity of their templates: k-means on `template_features`.

    Similar instruments are easily confused, and an instrument with high and low notes is easily split in two. This is
    for lessons and for experiments, when nothing else is known.

    Parameters
    ----------
    templates : real >= 0 (freq, components)
    sources : int >= 1
        Number of groups, at most as many as there are components.
    sample_rate_hz : int
    rng : numpy.random.Generator
        Seeds the initial points of k-means.
    features
        Options of `template_features`.

    Returns
    -------
    int (components,)
        Owners: the first component's source is 0, the next one that differs from it 1, and so on.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If there are fewer components than sources, or the templates are refused by `template_features`.

    Lesson: notebooks/05_nmf_from_scratch.ipynb. Reference: Spiertz and Gnann, DAFx 2009.
    """
    import warnings

    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    points = template_features(templates, sample_rate_hz, **features)
    sources = checks.check_number("sources", sources, at_least=1, whole=True)
    checks.check_generator("rng", rng)
    if len(points) < sources:
        raise RefusedValue(
            f"templates must hold at least one component for each of the {sources} sources, got {len(points)}; "
            "factorise with a higher rank"
        )
    with warnings.catch_warnings():
        # Identical templates make fewer groups than requested, which does no harm.
        warnings.simplefilter("ignore", ConvergenceWarning)
        groups = KMeans(sources, n_init=10, random_state=int(rng.integers(2**31))).fit_predict(points)
    _, firsts = np.unique(groups, return_index=True)
    order = {group: number for number, group in enumerate(groups[np.sort(firsts)])}
    return np.array([order[group] for group in groups])


def separate(
    mixture_stft: np.ndarray, models: Mapping[str, np.ndarray], *, exponent: float = 2.0
) -> dict[str, np.ndarray]:
    """Divide the mixture among sources in proportion to their models, by `masks.wiener`.

    Parameters
    ----------
    mixture_stft : complex (channels, freq, frames)
    models : dict of source name -> real >= 0 (channels, freq, frames)
        Magnitudes; models with one channel serve all channels of the mixture.
    exponent : float > 0
        2 for models of magnitudes, 1 for models of powers.

    Returns
    -------
    dict of source name -> complex (channels, freq, frames)
        They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If there are no models, or they do not fit each other or the mixture.

    Lesson: notebooks/05_nmf_from_scratch.ipynb
    """
    if not models:
        raise RefusedValue("models must hold at least one source, got none; give the result of supervised, for example")
    first_name, first = next(iter(models.items()))
    for name, source_model in models.items():
        checks.check_same_shape(f"models[{name!r}]", source_model, f"models[{first_name!r}]", first)
    estimates = masks.apply(masks.wiener(np.stack(list(models.values())), exponent), mixture_stft)
    return dict(zip(models, estimates, strict=True))


def _checked_factors(templates: np.ndarray, activations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    templates = checks.check_magnitude("templates", templates, "freq components")
    if np.ndim(activations) == 2:
        activations = checks.check_magnitude("activations", activations, "components frames")[np.newaxis]
    activations = checks.check_magnitude("activations", activations, "channels components frames")
    if activations.shape[1] != templates.shape[1]:
        raise checks.ShapeError(
            f"activations must have one row for each of the {templates.shape[1]} templates, got {activations.shape[1]};"
            " take both from one factorisation"
        )
    return templates, activations


def _joined(templates: Mapping[str, np.ndarray]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, all templates side by side, and the index of the source of each template."""
    if not isinstance(templates, Mapping) or not templates:
        raise RefusedValue("templates must map at least one source name to its templates, got none; pass a dict")
    checked = {
        name: checks.check_magnitude(f"templates[{name!r}]", array, "freq components")
        for name, array in templates.items()
    }
    freqs = {name: len(array) for name, array in checked.items()}
    if len(set(freqs.values())) > 1:
        raise checks.ShapeError(f"templates must all have one number of frequencies, got {freqs}; use one transform")
    owners = np.repeat(np.arange(len(checked)), [array.shape[1] for array in checked.values()])
    return list(checked), np.hstack(list(checked.values())), owners


def _or_one(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, 1)
