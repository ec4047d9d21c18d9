"""Weights for the estimates of several separators, fitted on data whose sources are known.

A combination is s = sum over k of w_k e_k, with estimates e_k of one source by K members. Its squared error is
|s|^2 - 2 w c + w G w: it needs only the inner products G_kl = <e_k, e_l>, c_k = <e_k, s> and |s|^2, which are summed
over any number of recordings, one at a time. Fitting is convex: there is one best error, and it is found.

Contents: Products, products, fit, combine, CONSTRAINTS, REPORT_WEIGHTS. Reference: Wolpert, "Stacked generalization",
Neural Networks 1992; Breiman, "Stacked regressions", Machine Learning 1996 (weights of 0 or more).
"""

import dataclasses

import numpy as np
import scipy.optimize

from .. import checks
from ..refusals import RefusedType, RefusedValue

# What is required of weights: to be 0 or more, or also to add up to 1, so that equal estimates stay as they are.
CONSTRAINTS = ("non-negative", "average")

# The report's weights of Conv-TasNet, Wave-U-Net and Attentive MultiResUNet (University of Thessaly, 2024/25).
REPORT_WEIGHTS = (0.7, 0.2, 0.1)

# Added to the diagonal of G, relative to its mean: members that are copies of one another then share their weight.
RIDGE = 1e-10


@dataclasses.dataclass(frozen=True, eq=False)
class Products:
    """Inner products of the estimates of K members with one another and with the source.

    Attributes
    ----------
    members : float (..., K, K)
        G. Leading axes, if any, are separate regions; see `mss_lab.stacking.regions`.
    source : float (..., K)
        c.
    energy : float (...)
        |s|^2.
    """

    members: np.ndarray
    source: np.ndarray
    energy: np.ndarray

    def __add__(self, other: "Products") -> "Products":
        """Those of both recordings together; ShapeError if the numbers of members or regions differ."""
        if not isinstance(other, Products):
            return NotImplemented
        checks.check_same_shape("the second products", other.source, "the first", self.source)
        return Products(self.members + other.members, self.source + other.source, self.energy + other.energy)

    @property
    def count(self) -> int:
        """The number of members."""
        return int(self.source.shape[-1])

    def total(self) -> "Products":
        """The sum over all regions: leading axes are gone."""
        regions = tuple(range(self.energy.ndim))
        return Products(self.members.sum(axis=regions), self.source.sum(axis=regions), self.energy.sum(axis=regions))

    def error(self, weights: np.ndarray) -> np.ndarray:
        """Energy of the error of a combination, |s - sum of w_k e_k|^2, (...).

        Parameters
        ----------
        weights : float (..., K)
            One set for each region, or one for all.
        """
        weights = _checked_weights(weights, self.count)
        quadratic = np.einsum("...k,...kl,...l->...", weights, self.members, weights)
        result: np.ndarray = np.maximum(self.energy - 2 * np.sum(weights * self.source, axis=-1) + quadratic, 0)
        return result


def products(source: np.ndarray, estimates: np.ndarray) -> Products:
    """Inner products of one recording, over all channels and samples.

    Parameters
    ----------
    source : float (channels, samples)
    estimates : float (members, channels, samples)

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the source is no waveform, or an estimate has another shape.

    Examples
    --------
    >>> source = np.array([[1.0, 2.0]])
    >>> products(source, np.stack([source, 0.5 * source])).members
    array([[5.  , 2.5 ],
           [2.5 , 1.25]])
    """
    source = checks.check_waveform("source", source).astype(np.float64)
    estimates = checks.check_finite("estimates", checks.check_axes("estimates", estimates, "members channels samples"))
    if not len(estimates):
        raise RefusedValue("estimates must be those of at least one member, got none; run a separator first")
    checks.check_same_shape("each estimate", estimates[0], "the source", source)
    flat = estimates.reshape(len(estimates), -1).astype(np.float64)
    return Products(flat @ flat.T, flat @ source.ravel(), np.asarray(np.vdot(source, source)))


def fit(of_data: Products, *, constraint: str = "non-negative", prior: float = 0.0) -> np.ndarray:
    """The weights with the least squared error.

    Parameters
    ----------
    of_data : Products
        Summed over the recordings of a validation set; never of those on which members were trained.
    constraint : {"non-negative", "average"}
        Whether weights must be 0 or more, or also add up to 1. The first also corrects a level that all members have
        wrong; a member that deserves no weight gets none.
    prior : float in [0, 1)
        Only for regions: how much the products of all regions count beside those of one, relative to the energy of its
        estimates. Regions with little data need some; without data a region has the weights of all together.

    Returns
    -------
    float (..., K)
        A set for each region. With prior 0 the error on these data is never larger than that of the best member, apart
        from rounding.

    Raises
    ------
    TypeError, ValueError
        If the products hold nan, the constraint is unknown or the prior out of its range.

    Reference: Lawson and Hanson, "Solving Least Squares Problems", 1974 (non-negative least squares); Breiman 1996.

    Examples
    --------
    >>> source, noise = np.array([[1.0, 1, 0, 0]]), np.array([[0.0, 0, 1, 1]])
    >>> both = products(source, np.stack([source + noise, source - noise]))
    >>> fit(both).round(6)
    array([0.5, 0.5])
    """
    if not isinstance(of_data, Products):
        raise RefusedType(f"of_data must be Products, got {type(of_data).__name__}; make them by products()")
    checks.check_choice("constraint", constraint, CONSTRAINTS)
    checks.check_number("prior", prior, at_least=0, below=1)
    for values in (of_data.members, of_data.source, of_data.energy):
        checks.check_finite("of_data", values)
    total = of_data.total()
    of_all = _fitted(total, constraint)
    if not of_data.energy.ndim:
        return of_all
    size = float(np.trace(total.members))
    weights = np.empty_like(of_data.source)
    for region in np.ndindex(of_data.energy.shape):
        one = Products(of_data.members[region], of_data.source[region], of_data.energy[region])
        share = float(np.trace(one.members)) / size if size > 0 else 0.0
        weights[region] = _fitted(_mixed(one, total, prior, share), constraint) if share > 0 else of_all
    return weights


def combine(estimates: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted sum of estimates.

    Parameters
    ----------
    estimates : float (members, channels, samples)
    weights : float (members,)

    Returns
    -------
    float (channels, samples)
        Of the type of the estimates.

    Examples
    --------
    >>> combine(np.array([[[1.0]], [[2.0]], [[4.0]]]), np.array(REPORT_WEIGHTS)).round(6)
    array([[1.5]])
    """
    estimates = checks.check_axes("estimates", estimates, "members channels samples")
    weights = _checked_weights(weights, len(estimates))
    if weights.ndim != 1:
        raise checks.ShapeError(
            f"weights must be (members,), got shape {weights.shape}; weights of regions are applied by regions.combine"
        )
    result: np.ndarray = np.tensordot(weights, estimates, axes=1).astype(estimates.dtype)
    return result


def _mixed(one: Products, total: Products, prior: float, share: float) -> Products:
    """Products of a region, and of all regions scaled to its size."""
    return Products(
        (1 - prior) * one.members + prior * share * total.members,
        (1 - prior) * one.source + prior * share * total.source,
        (1 - prior) * one.energy + prior * share * total.energy,
    )


def _fitted(one: Products, constraint: str) -> np.ndarray:
    count = one.count
    if constraint == "non-negative":
        gram, target = one.members, one.source
    else:
        # Of weights that add up to 1, the error is w H w, with the inner products of the errors e_k - s.
        gram, target = one.members - one.source - one.source[:, np.newaxis] + one.energy, np.zeros(count)
    size = float(np.trace(gram)) / count
    if not size > 0:
        # Silent estimates, or perfect ones: no weights are better than others.
        return np.full(count, 1 / count)
    gram, target = gram / size + RIDGE * np.eye(count), target / size
    if constraint == "average":
        # Minimise w H w + (1 - sum of w)^2 over w >= 0. With w = t v, where v adds up to 1, the least value over t is
        # q / (1 + q) for q = v H v, which rises with q: so v is the answer, and t only its length.
        gram, target = gram + 1, np.ones(count)
    # w G w - 2 w c is |A w - b|^2 apart from a constant, with A' A = G and A' b = c from the eigenvectors of G.
    values, vectors = np.linalg.eigh(gram)
    roots = np.sqrt(np.maximum(values, RIDGE * np.finfo(float).eps))
    weights, _ = scipy.optimize.nnls(roots[:, np.newaxis] * vectors.T, vectors.T @ target / roots)
    result: np.ndarray = weights / weights.sum() if constraint == "average" else weights
    return result


def _checked_weights(weights: np.ndarray, count: int) -> np.ndarray:
    weights = np.asarray(weights)
    if weights.ndim < 1 or weights.shape[-1] != count:
        raise checks.ShapeError(
            f"weights must have one value for each of {count} members, got shape {weights.shape}; fit them again"
        )
    result: np.ndarray = checks.check_finite("weights", weights).astype(np.float64)
    return result
