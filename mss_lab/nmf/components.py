"""From components to sources: whose is each of them, and what does that make of the mixture.

Three ways to know: templates that were learnt beforehand, one set for each source (supervised); such templates for
some of the sources and free ones for the rest (semi-supervised); or the likeness of the templates to each other, by
which they are sorted into as many groups as there are sources (clustering). The sum of a source's components models
its magnitude, and the models share the mixture by a mask.

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

# The name of what no given template explains.
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
        One channel if the activations have no channels: a stack that `masks.wiener` takes as it is.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the arrays are no magnitudes or do not fit each other.

    Lesson: notebooks/05_nmf_from_scratch.ipynb
    """
    templates, activations = _checked_factors(templates, activations)
    return np.einsum("fk,ckn->kcfn", templates, activations)


def source_models(templates: np.ndarray, activations: np.ndarray, owners: np.ndarray, sources: int) -> np.ndarray:
    """The sum of each source's components, without holding every component.

    Parameters
    ----------
    templates, activations
        As for `component_spectrograms`.
    owners : int (components,)
        Number of the source, from 0, that each component belongs to.
    sources : int >= 1
        How many there are; one without components is silent.

    Returns
    -------
    real (sources, channels, freq, frames)

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the arrays do not fit each other, or an owner is none of the sources.

    Lesson: notebooks/05_nmf_from_scratch.ipynb
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
        Draws the activations to start from.
    options
        Those of `factorise`: beta, iterations, tolerance, engine, ...

    Returns
    -------
    dict of source name -> real (channels, freq, frames)
        One channel for a magnitude without channels.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If there are no templates, or they do not fit the magnitude.

    Lesson: notebooks/05_nmf_from_scratch.ipynb. Source: Smaragdis, Raj and Shashanka, ICA 2007.
    """
    names, together, owners = _joined(templates)
    found = nmf.factorise(magnitude, templates=together, fixed_templates=True, rng=rng, **options)
    return dict(zip(names, source_models(found.templates, found.activations, owners, len(names)), strict=True))


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
        Number of free components that learn the rest. More than the rest has notes learn the known sources, too.

    Returns
    -------
    dict of source name -> real (channels, freq, frames)
        "rest" is the last.

    Raises
    ------
    ShapeError, TypeError, ValueError
        As for `supervised`.

    Lesson: notebooks/05_nmf_from_scratch.ipynb. Source: Smaragdis, Raj and Shashanka, ICA 2007.
    """
    names, together, owners = _joined(templates)
    rank = checks.check_number("rank", rank, at_least=1, whole=True)
    if REST in names:
        raise RefusedValue(f"templates must leave the name {REST!r} to what is learnt, got it as a source; rename it")
    checks.check_generator("rng", rng)
    free = rng.uniform(0.1, 1.1, (len(together), rank)) * (together.mean() or 1.0)
    found = nmf.factorise(
        magnitude,
        templates=np.hstack([together, free]),
        fixed_templates=np.arange(len(owners) + rank) < len(owners),
        rng=rng,
        **options,
    )
    owners = np.concatenate([owners, np.full(rank, len(names))])
    models = source_models(found.templates, found.activations, owners, len(names) + 1)
    return dict(zip([*names, REST], models, strict=True))


def template_features(
    templates: np.ndarray, sample_rate_hz: int, *, coefficients: int = 13, bands: int = 40
) -> np.ndarray:
    """Where each template lies in a space in which like timbres are near: its mel-frequency cepstrum.

    The energy in mel bands, as a logarithm, cosine-transformed over the bands; the first coefficient, the level, is
    left out.

    Parameters
    ----------
    templates : real >= 0 (freq, components)
        Magnitudes of an STFT with an even window, so of window_samples // 2 + 1 bins.
    sample_rate_hz : int
    coefficients : int >= 1
        How many are kept. Few say something about the timbre, many about the pitch too.
    bands : int > coefficients

    Returns
    -------
    float64 (components, coefficients)
        The same for a template that is louder. Bands that lie more than 60 dB under the loudest count as there.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the templates are no magnitudes, or an option is out of its range.

    Lesson: notebooks/05_nmf_from_scratch.ipynb. Source: Spiertz and Gnann, DAFx 2009.
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
        # Of bands that hold no bin, as narrow ones do with short windows; they are empty for all templates alike.
        warnings.simplefilter("ignore", UserWarning)
        filters = librosa.filters.mel(
            sr=sample_rate_hz, n_fft=2 * (len(templates) - 1), n_mels=bands, norm=None, dtype=np.float64
        )
    energies = filters @ (templates / _or_one(templates.max(axis=0, initial=0))) ** 2
    loudest = _or_one(energies.max(axis=0, initial=0))
    return dct(np.log(np.maximum(energies / loudest, 1e-6)), axis=0, norm="ortho")[1 : coefficients + 1].T


def cluster(
    templates: np.ndarray, sources: int, sample_rate_hz: int, *, rng: np.random.Generator, **features: Any
) -> np.ndarray:
    """Sort components into sources by the likeness of their templates: k-means on `template_features`.

    Like instruments are easily confounded, and one that is high in one place and low in another is easily split: for
    lessons and for experiments, where nothing else is known.

    Parameters
    ----------
    templates : real >= 0 (freq, components)
    sources : int >= 1
        Number of groups, at most as many as there are components.
    sample_rate_hz : int
    rng : numpy.random.Generator
        Seeds the starts of k-means.
    features
        Options of `template_features`.

    Returns
    -------
    int (components,)
        Owners; the first component's source is 0, the next that differs from it 1, and so on.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If there are fewer components than sources, or the templates are refused by `template_features`.

    Lesson: notebooks/05_nmf_from_scratch.ipynb. Source: Spiertz and Gnann, DAFx 2009.
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
        # Templates that are alike to the last bit make fewer groups than were asked for, which is no harm.
        warnings.simplefilter("ignore", ConvergenceWarning)
        groups = KMeans(sources, n_init=10, random_state=int(rng.integers(2**31))).fit_predict(points)
    _, firsts = np.unique(groups, return_index=True)
    order = {group: number for number, group in enumerate(groups[np.sort(firsts)])}
    return np.array([order[group] for group in groups])


def separate(
    mixture_stft: np.ndarray, models: Mapping[str, np.ndarray], *, exponent: float = 2.0
) -> dict[str, np.ndarray]:
    """Share the mixture among sources in proportion to their models, by `masks.wiener`.

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
    """Names, all templates side by side, and whose each of them is."""
    if not isinstance(templates, Mapping) or not templates:
        raise RefusedValue("templates must map at least one source name to its templates, got none; pass a dict")
    checked = {
        name: checks.check_magnitude(f"templates[{name!r}]", one, "freq components") for name, one in templates.items()
    }
    freqs = {name: len(one) for name, one in checked.items()}
    if len(set(freqs.values())) > 1:
        raise checks.ShapeError(f"templates must all have one number of frequencies, got {freqs}; use one transform")
    owners = np.repeat(np.arange(len(checked)), [one.shape[1] for one in checked.values()])
    return list(checked), np.hstack(list(checked.values())), owners


def _or_one(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, 1)
