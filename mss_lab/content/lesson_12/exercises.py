"""Exercises of lesson 12, "More than a histogram"."""

import numpy as np

from ...lessons import Exercise, answers

PIECE = "band"


def _check_images(answer):
    rng = answers.rng(122)
    mixture, W = rng.standard_normal((2, answers.varied(50, 40, 60, rng))), rng.standard_normal((2, 2))
    A, s = np.linalg.inv(W), W @ mixture

    def images(A, s):
        return A.T[:, :, None] * s[:, None]

    return answers.array(
        answers.call(answer, mixture, W),
        images(A, s),
        "sources channels samples",
        name="the stack of images",
        where="s = W x, A = np.linalg.inv(W), and source j gives A[c, j] * s[j] to channel c.",
        mistakes={
            "Those are rows of A where its columns belong: source j gives A[c, j] s_j to channel c.": images(A.T, s),
            "That mixes with W itself. W leads from channels to sources; its inverse leads back.": images(W, s),
            "The axes are (channels, sources, samples): the sources come first.": images(A, s).swapaxes(0, 1),
            "That is what each channel gives to each source. Unmix first, then send one source back.": images(
                A, mixture
            ),
            "That undoes the mixture with A. The sources are W x.": images(A, A @ mixture),
        },
    )


def _check_update(answer):
    rng = answers.rng(123)
    directions, sources = answers.varied(5, 4, 8, rng), answers.varied(3, 2, 5, rng)
    bins = answers.varied(30, 20, 40, rng)
    C, P = rng.random((directions, bins)) + 0.1, rng.random((sources, bins)) + 0.1
    W = rng.random((sources, directions)) + 0.1
    E = W.T @ P
    total = W.sum(axis=1, keepdims=True)
    return answers.array(
        answers.call(answer, C, P, W),
        P * (W @ (C / E)) / total,
        "sources bins",
        name="the new P",
        where="The model is E = W.T @ P; P is multiplied by (W @ (C / E)) over the sums of W's rows.",
        mistakes={
            "The divisor is missing: the sum of each row of W.": P * (W @ (C / E)),
            "That is the update for the squared error. Kullback-Leibler compares by a quotient.": P * (W @ C) / (W @ E),
            "That is the factor alone. The update multiplies P by it.": (W @ (C / E)) / total,
            "The quotient is upside down: what was measured over the model, C / E.": P * (W @ (E / C)) / total,
            "That is the update for Itakura-Saito, C / E**2 over 1 / E.": P * (W @ (C / E**2)) / (W @ (1 / E)),
            "That divides by sums over the sources. Sum each row of W, over the directions.": P
            * (W @ (C / E))
            / W.sum(),
        },
    )


def _check_filtered(answer):
    rng = answers.rng(124)
    x = rng.standard_normal(2) + 1j * rng.standard_normal(2)
    sources = answers.varied(3, 2, 5, rng)
    v = rng.random(sources) + 0.1
    factors = rng.standard_normal((2, sources, 2, 2))
    factors = factors[0] + 1j * factors[1]
    R = factors @ factors.conj().swapaxes(1, 2)
    parts = v[:, None, None] * R
    total = parts.sum(axis=0)
    diagonal = np.real(np.diagonal(parts, axis1=1, axis2=2))
    return answers.array(
        answers.call(answer, x, v, R),
        parts @ np.linalg.solve(total, x),
        "sources channels",
        name="the estimates",
        where="total = sum of v_j R_j; then v_j R_j times the inverse of total, times x.",
        mistakes={
            "That divides matrices entry by entry. The inverse of a matrix is np.linalg.inv, and products are @.": (
                parts / total
            )
            @ x,
            "The order matters with matrices: v_j R_j stands left of the inverse.": np.linalg.inv(total) @ parts @ x,
            "The powers are missing in the sum: it is the sum of v_j R_j.": parts @ np.linalg.solve(R.sum(axis=0), x),
            "The powers are missing before the inverse: v_j R_j, not R_j.": R @ np.linalg.solve(total, x),
            "That is a mask for each channel by itself. The filter mixes the channels.": diagonal
            / diagonal.sum(axis=0)
            * x,
            "Those are the filters. Apply them to x.": parts @ np.linalg.inv(total),
        },
    )


def _deaf_exercise(left=3, right=4):
    degrees = np.degrees(np.arctan2(right, left))

    def check(answer):
        return answers.number(
            answer,
            degrees,
            0.1,
            "degrees",
            name="the angle",
            where=f"Put x_1 = {left} q and x_2 = {right} q into the projection, and ask when it is 0.",
            mistakes={
                f"That angle has the tangent {left}/{right}. sin(psi) goes with the left channel: {left} sin(psi) = "
                f"{right} cos(psi).": 90 - degrees,
                "That is the angle in radians: np.degrees.": np.radians(degrees),
                "That is a right angle away: there the projection hears the source best.": degrees + 90,
                "There the projection hears the source best. Where is it deaf?": degrees - 90,
                f"That is the angle for powers, {left**2} and {right**2}. The projection is of amplitudes.": np.degrees(
                    np.arctan2(right**2, left**2)
                ),
            },
        )

    return Exercise.from_files(
        __file__,
        number="12.1",
        task=f"A source has the gain {left} on the left and {right} on the right. For which angle psi, in degrees, is "
        "the projection sin(psi) x_1 - cos(psi) x_2 deaf to it?",
        check=check,
        hints=(
            f"With x_1 = {left} q and x_2 = {right} q the projection is ({left} sin(psi) - {right} cos(psi)) q.",
            f"So tan(psi) = {right}/{left}: np.arctan2 of the two gains.",
        ),
        values={"left": left, "right": right},
        praise="A projection is deaf to the pan that has its own angle.",
        drawn=_draw_deaf,
    )


def _draw_deaf(rng):
    # In the centre, with equal gains, the exchanged and the squared gains would have the same angle.
    left, right = rng.choice(np.arange(1, 13), 2, replace=False)
    return _deaf_exercise(int(left), int(right))


def _entry_numbers(degrees):
    """The entry of the filter, and what typical mistakes give instead."""
    phi = np.radians(degrees)
    return {
        "right": -1 / np.tan(phi),
        "sign": 1 / np.tan(phi),
        "tangent": -np.tan(phi),
        "cosine": -np.cos(phi),
        "mask": 0.0,
        "radians": -1 / np.tan(degrees),
    }


def _entry_exercise(degrees=60):
    entry = _entry_numbers(degrees)

    def check(answer):
        return answers.number(
            answer,
            entry["right"],
            0.001,
            name="the entry",
            where=f"The filter keeps (1, 0) and kills (cos {degrees}, sin {degrees}): two equations for the first row "
            "of W_1.",
            mistakes={
                "The right sign is missing: what the other source leaves in the left channel is taken away.": entry[
                    "sign"
                ],
                "That is -tan. In the left channel the other source has the cosine, in the right one the sine.": entry[
                    "tangent"
                ],
                f"That leaves out how loud the other source is in the right channel: divide by sin {degrees}.": entry[
                    "cosine"
                ],
                "That is a mask's entry: zero off the diagonal. This filter mixes the channels.": entry["mask"],
                f"{degrees} was taken for radians: np.radians.": entry["radians"],
            },
        )

    return Exercise.from_files(
        __file__,
        number="12.5",
        task=f"Two sources of equal power sit at 0 and at {degrees} degrees. What is the entry of the filter W_1 of "
        "the one at 0 degrees in the first row and second column?",
        check=check,
        hints=(
            "Two directions in two channels: the filter keeps one exactly and kills the other.",
            f"The first row (a, b) must give 1 for (1, 0) and 0 for (cos {degrees}, sin {degrees}).",
        ),
        values={"degrees": degrees},
        praise="The powers do not matter here: two directions in two channels can be undone whatever they are.",
        drawn=_draw_entry,
    )


def _draw_entry(rng):
    def far_apart(degrees):
        return np.diff(np.sort(list(_entry_numbers(degrees).values()))).min() > 0.01

    return _entry_exercise(answers.telling(lambda: int(rng.integers(20, 81)), far_apart))


EXERCISES = (
    _deaf_exercise(),
    Exercise.from_files(
        __file__,
        number="12.2",
        task="Write `images(mixture, unmixing)`: what each source gives to each channel, (sources, channels, samples).",
        check=_check_images,
        hints=(
            "The sources are unmixing @ mixture; the matrix that mixes them again is np.linalg.inv(unmixing).",
            "Source j alone: np.outer(mixing[:, j], sources[j]), (channels, samples).",
        ),
        praise="Scale W's rows as you like, and exchange them: the images stay, but for their order.",
    ),
    Exercise.from_files(
        __file__,
        number="12.3",
        task="Write `update(C, P, W)`: one Kullback-Leibler update of PROJET's P, (sources, bins).",
        check=_check_update,
        hints=(
            "The model of all projections is E = W.T @ P, (directions, bins).",
            "It is the update of NMF's activations with W.T for the templates.",
        ),
        praise="Each bin is fitted by itself; only Q knows of all of them.",
    ),
    Exercise.from_files(
        __file__,
        number="12.4",
        task="Write `filtered(x, v, R)`: the multichannel Wiener filter for one bin, estimates (sources, 2).",
        check=_check_filtered,
        hints=(
            "v[:, None, None] * R are the covariances of all sources; their sum is that of the mixture.",
            "parts @ np.linalg.inv(total) are the filters, one for each source. Then @ x.",
        ),
        praise="The filters of all sources add up to the identity, so the estimates add up to x.",
    ),
    _entry_exercise(),
)
