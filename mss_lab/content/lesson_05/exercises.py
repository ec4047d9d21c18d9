"""Exercises of lesson 05, "NMF from scratch"."""

import numpy as np

from ...lessons import Exercise, answers

PIECE = "song"


def _drawn(seed, freq=7, components=3, frames=5):
    rng = answers.rng(seed)
    freq, frames = answers.varied(freq, 6, 10, rng), answers.varied(frames, 5, 9, rng)
    V = rng.uniform(0.2, 2, (freq, frames))
    return V, rng.uniform(0.2, 1.5, (freq, components)), rng.uniform(0.2, 1.5, (components, frames))


def _check_scaling(answer):
    return answers.number(
        answer,
        1.5,
        0.006,
        name="beta",
        where="20 dB is a factor of 10 for amplitudes. What is it for powers, and to which power is that 1000?",
        mistakes={
            "That takes the factor for magnitudes, 10. The spectrogram is one of powers, and its factor is 100.": 3.0,
            "That is the factor's own exponent, 100 = 10 ** 2. Solve 100 ** beta = 1000.": 2.0,
            "That is turned round: 1000 ** x = 100. Solve 100 ** beta = 1000.": 2 / 3,
            "With beta 1 the divergence would grow as the powers do, 100 times.": 1.0,
            "With beta 0 the divergence would not change at all.": 0.0,
        },
    )


def _check_euclid(answer):
    V, W, H = _drawn(52)
    Y = W @ H
    first, second = W.T @ V, W.T @ Y
    wrong = answers.array(
        answers.call(answer, V, W, H),
        H * first / second,
        "components frames",
        name="the new H",
        where="The slope is second minus first, W.T @ W @ H minus W.T @ V; multiply H by first / second.",
        mistakes={
            "That is the update for beta 1. For beta 2 the sums are W.T @ V and W.T @ W @ H.": H
            * (W.T @ (V / Y))
            / W.sum(axis=0)[:, None],
            "The quotient is turned round: where the recording is louder than the model, H must grow.": H
            * second
            / first,
            "That is the quotient alone. H must be multiplied by it.": first / second,
            "That is a step down the slope, not a multiplicative update, and it can make H negative.": H
            + first
            - second,
            "H has not changed.": H,
            "That is the update of the templates W. Leave W as it is, and update H.": W * (V @ H.T) / (Y @ H.T),
            "That adds the slope instead of following it down, and it is no multiplicative update.": H + second - first,
        },
    )
    if wrong:
        return wrong
    silent = W.copy()
    silent[:, 1] = 0
    with np.errstate(all="ignore"):
        updated = np.asarray(answers.call(answer, V, silent, H))
    return answers.truth(
        updated.shape == H.shape and np.all(np.isfinite(updated)),
        "A template of zeros makes 0 / 0, and its row of H is nan. Divide only where W.T @ W @ H is above 0, or add a "
        "tiny number to it.",
    ) or _check_euclid_levels(answer)


def _check_euclid_levels(answer):
    V, W, H = _drawn(152)
    soft = 1e-6
    updated = answers.call(answer, soft**2 * V, soft * W, soft * H)
    expected = soft * H * (W.T @ V) / (W.T @ W @ H)
    return answers.truth(
        np.allclose(updated, expected, rtol=1e-4, atol=0),
        "On a very soft recording the number added against 0 / 0 decides the result. Make it far smaller, such as "
        "1e-100, or divide only where W.T @ W @ H is above 0.",
    )


def _check_normalise(answer):
    _, W, H = _drawn(53)
    W[:, 2] = 0
    totals = W.sum(axis=0)
    scale = np.where(totals > 0, totals, 1)
    with np.errstate(all="ignore"):
        result = answers.call(answer, W, H)
        nan_W, nan_H = W / totals, H * totals[:, None]
    if not isinstance(result, tuple | list) or len(result) != 2:
        return f"The answer must return two arrays, W and H, got {answers.describe(result)}. End with: return W, H"
    returned_W, returned_H = result
    peaks = np.where(W.max(axis=0) > 0, W.max(axis=0), 1)
    lengths = np.where(totals > 0, np.linalg.norm(W, axis=0), 1)
    return answers.array(
        returned_W,
        W / scale,
        "freq components",
        name="W",
        where="W.sum(axis=0) is one sum for each template; divide each column by it.",
        mistakes={
            "The template of zeros is nan, from 0 / 0. Divide by 1 where the sum is 0.": nan_W,
            "That makes each frequency add up to 1, not each template. Sum over axis 0.": W
            / W.sum(axis=1, keepdims=True),
            "That brings the peak of each template to 1. It is the sum that should be 1.": W / peaks,
            "That brings the length (root of the sum of squares) of each template to 1, not its sum.": W / lengths,
            "W has not changed.": W,
            "That divides by the sum of all templates together. Each has a sum of its own: axis=0.": W / W.sum(),
        },
    ) or answers.array(
        returned_H,
        nan_H,
        "components frames",
        name="H",
        where="What a template was divided by, its activations are multiplied by.",
        mistakes={
            "H has not changed, so the product has. Multiply each row by its template's old sum.": H,
            "That divides. The template was divided, so the activations must be multiplied by the same sum.": H
            / scale[:, None],
            "The activations of the template of zeros must be 0: multiply by its true sum, 0.": H * scale[:, None],
            "The sum was taken after W had been divided, when it is 1 for every template but that of zeros.": H
            * (totals > 0)[:, None],
        },
    )


def _check_owners(answer):
    rng = answers.rng(54)

    def tells(inputs):
        expected, mistakes = _owners(*inputs)
        return not any(np.array_equal(mistake, expected) for mistake in mistakes.values())

    inputs = answers.telling(lambda: _draw_owners(rng), tells)
    expected, mistakes = _owners(*inputs)
    return answers.array(
        answers.call(answer, *inputs),
        expected,
        "components",
        name="owners",
        where="Component k is np.outer(W[:, k], H[k]). Compare it with each source, and take the argmax over sources.",
        mistakes=mistakes,
    )


def _draw_owners(rng):
    frames = answers.varied(8, 7, 10, rng)
    components = answers.varied(5, 6, 8, rng)
    W = rng.uniform(0, 1, (answers.varied(6, 6, 9, rng), components))
    H = rng.uniform(0, 1, (components, frames))
    order = answers.usually(np.arange(components), lambda: rng.permutation(components))
    parts = np.einsum("fk,kn->kfn", W, H)[order]
    # Two sources that share templates but not moments, one of them loud, so that shortcuts go wrong.
    sources = np.stack([parts[0] + 0.3 * parts[3], 6 * (parts[1] + 0.4 * parts[4]), parts[2] + 0.2 * parts[4]])
    return W, H, sources + 0.05 * rng.uniform(0, 1, sources.shape)


def _owners(W, H, sources):
    """The right owners, and those that typical mistakes give, each under what to say about it."""
    parts = np.einsum("fk,kn->kfn", W, H)
    inner = np.einsum("kfn,jfn->kj", parts, sources)
    expected = (inner / np.sqrt((sources**2).sum(axis=(1, 2)))).argmax(axis=1)
    spectra = W.T @ sources.sum(axis=2).T
    return (
        expected,
        {
            "The loud source gets nearly everything. Divide by the square root of each source's energy.": inner.argmax(
                axis=1
            ),
            "That divides by the source's energy, without the square root, so the soft sources get too much.": (
                inner / (sources**2).sum(axis=(1, 2))
            ).argmax(axis=1),
            "That compares the templates only. The activations tell as much: compare whole components.": (
                spectra / np.sqrt((sources**2).sum(axis=(1, 2)))
            ).argmax(axis=1),
            "That is the source that is least alike; take the largest.": (
                inner / np.sqrt((sources**2).sum(axis=(1, 2)))
            ).argmin(axis=1),
            "That takes the source at the smallest distance, and a soft source is near everything that is soft. Take "
            "the likeness of the task, which no level changes.": ((parts[:, None] - sources) ** 2)
            .sum(axis=(2, 3))
            .argmin(axis=1),
            "Sources are numbered from 0.": expected + 1,
            "That is the best component of each source. Ask for the best source of each component: the other axis.": (
                inner / np.sqrt((sources**2).sum(axis=(1, 2)))
            ).argmax(axis=0),
        },
    )


def _check_free(answer):
    V, W, H = _drawn(55, components=4)
    free = np.roll([False, True, False, True], answers.varied(0, 0, 1, answers.rng(155)))
    everything = W * ((V / (W @ H)) @ H.T) / H.sum(axis=1)
    expected = np.where(free, everything, W)
    alone = W.copy()
    alone[:, free] = W[:, free] * ((V / (W[:, free] @ H[free])) @ H[free].T) / H[free].sum(axis=1)
    return answers.array(
        answers.call(answer, V, W, H, free),
        expected,
        "freq components",
        name="the new W",
        where="Update as in part 4 with the whole model, then keep the old columns where free is False.",
        mistakes={
            "All columns have changed. Those where free is False must stay.": everything,
            "The other way round: the fixed columns have changed, and the free ones stayed.": np.where(
                free, W, everything
            ),
            "The model must hold all components, the known ones too. Otherwise the free ones learn what is "
            "explained already.": alone,
            "Only the free columns came back. Give the whole W, with the known columns as they were.": everything[
                :, free
            ],
            "Nothing has changed.": W,
            "The division by the sum of the activations, H.sum(axis=1), is missing.": np.where(
                free, W * ((V / (W @ H)) @ H.T), W
            ),
            "That is the update for beta 2. For beta 1 it is (V / (W @ H)) @ H.T over H.sum(axis=1).": np.where(
                free, W * (V @ H.T) / (W @ H @ H.T), W
            ),
        },
    )


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="5.1",
        task="A recording is turned up by 20 dB; the divergence of its power spectrogram grows 1000 times. Which beta?",
        check=_check_scaling,
        hints=(
            "Multiplying V and Y by c multiplies the divergence by c ** beta. What is c here?",
            "20 dB is 10 in amplitude, so 100 in power. 100 ** beta = 1000.",
        ),
        praise="So a divergence says nothing by itself: it depends on the level of the recording. Compare it with its "
        "first value, or with another of the same recording.",
    ),
    Exercise.from_files(
        __file__,
        number="5.2",
        task="Write `update_activations(V, W, H)`: one multiplicative update of H for beta 2.",
        check=_check_euclid,
        hints=(
            "The slope is W.T @ W @ H - W.T @ V: what pushes up is W.T @ V, what pushes down W.T @ W @ H.",
            "H * (W.T @ V) / (W.T @ W @ H), with care where the denominator is 0.",
            "np.divide(a, b, out=np.ones_like(a), where=b > 0) divides where it can.",
        ),
        praise="W.T @ W is a small matrix, so this is the cheapest update of all; no model of the spectrogram's size "
        "is ever updated.",
    ),
    Exercise.from_files(
        __file__,
        number="5.3",
        task="Write `normalise(W, H)`: templates that add up to 1, the same product, no nan.",
        check=_check_normalise,
        hints=(
            "totals = W.sum(axis=0). Divide the columns of W by them, multiply the rows of H: totals[:, None].",
            "Divide W by np.where(totals > 0, totals, 1).",
        ),
        praise="Now activations of different components can be compared: each is the component's part of the sum of "
        "all magnitudes in that frame.",
    ),
    Exercise.from_files(
        __file__,
        number="5.4",
        task="Write `owners(W, H, sources)`: for each component the number of the source it is most alike.",
        check=_check_owners,
        hints=(
            'parts = np.einsum("fk,kn->kfn", W, H) holds all components.',
            'np.einsum("kfn,jfn->kj", parts, sources) is the sum of the products, for each component and source.',
            "Divide by np.sqrt((sources**2).sum(axis=(1, 2))) and take argmax(axis=1).",
        ),
        praise="It needs the truth, so it is no method. It is the yardstick for every method that sorts components.",
    ),
    Exercise.from_files(
        __file__,
        number="5.5",
        task="Write `update_free(V, W, H, free)`: one update of the templates for beta 1 that changes only the columns "
        "where free is True.",
        check=_check_free,
        hints=(
            "The model is the product of all columns, W @ H, also of those that stay.",
            "np.where(free, updated, W) takes the updated columns where free is True.",
        ),
        praise="Each column may be updated or left alone as you like, and the divergence still cannot rise.",
    ),
)
