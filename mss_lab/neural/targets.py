"""The truncated phase-sensitive target of masks, and its loss.

A mask keeps the mixture's phase, so it can reach only the component of a source in the direction of the mixture. Where
source and mixture have opposite phases, this component is negative and the best mask is 0; where the other sources
cancel some of this one, it is longer than the mixture and the best mask is 1.

Symbols: X[f, n] mixture, S_j[f, n] source j, both complex, M_j[f, n] mask in [0, 1].

Contents: phase_sensitive_target, phase_sensitive_mask, phase_sensitive_loss.
Lesson: notebooks/16_learn_a_mask.ipynb
"""

import torch


def phase_sensitive_target(source_stfts: torch.Tensor, mixture_stft: torch.Tensor) -> torch.Tensor:
    """The target of M_j |X|: |S_j| cos(phase difference between S_j and X), limited to the range from 0 to |X|.

    Parameters
    ----------
    source_stfts : complex (..., sources, freq, frames)
    mixture_stft : complex (..., freq, frames)

    Returns
    -------
    float (..., sources, freq, frames)
        Between 0 and |X|; 0 where the mixture is silent.

    Lesson: notebooks/16_learn_a_mask.ipynb. Reference: Erdogan et al., ICASSP 2015 (phase-sensitive target, truncated);
    Manilow, PhD thesis 2022. One sentence of the thesis limits the target to 0 ... 1, which is the range of the mask.

    Examples
    --------
    >>> sources = torch.tensor([2, 1j, -1 - 1j]).reshape(3, 1, 1)
    >>> phase_sensitive_target(sources, sources.sum(0)).ravel().tolist()
    [1.0, 0.0, 0.0]
    """
    mixture = mixture_stft.unsqueeze(-3)
    magnitude = mixture.abs()
    # |S| cos(angle) is the real part of S times the conjugate direction of X. In a silent bin the target is 0.
    direction = mixture / magnitude.clamp(min=torch.finfo(magnitude.dtype).tiny)
    along = source_stfts.real * direction.real + source_stfts.imag * direction.imag
    return torch.minimum(along.clamp(min=0), magnitude)


def phase_sensitive_mask(source_stfts: torch.Tensor, mixture_stft: torch.Tensor) -> torch.Tensor:
    """The mask that gives `phase_sensitive_target`: of all real masks in [0, 1], the one nearest to the source.

    Parameters as for `phase_sensitive_target`; returns float (..., sources, freq, frames) in [0, 1], 0 in silence.

    Lesson: notebooks/16_learn_a_mask.ipynb. Reference: Erdogan et al., ICASSP 2015.

    Examples
    --------
    >>> sources = torch.tensor([3 + 1j, 1 - 1j]).reshape(2, 1, 1)
    >>> phase_sensitive_mask(sources, sources.sum(0)).ravel().tolist()
    [0.75, 0.25]
    """
    target = phase_sensitive_target(source_stfts, mixture_stft)
    magnitude = mixture_stft.abs().unsqueeze(-3)
    return target / magnitude.clamp(min=torch.finfo(magnitude.dtype).tiny)


def phase_sensitive_loss(masks: torch.Tensor, source_stfts: torch.Tensor, mixture_stft: torch.Tensor) -> torch.Tensor:
    """Mean distance of the masked mixture from the target, the mean of | M_j |X| - target |.

    Parameters
    ----------
    masks : float (..., sources, freq, frames)
    source_stfts, mixture_stft
        As for `phase_sensitive_target`.

    Returns
    -------
    float ()
        0 for the masks of `phase_sensitive_mask`.

    Lesson: notebooks/16_learn_a_mask.ipynb. Reference: Manilow, PhD thesis 2022 (tPSA loss). There the loss is a sum;
    here it is a mean, so that it does not depend on the length of the excerpt.

    Examples
    --------
    >>> sources = torch.tensor([3 + 1j, 1 - 1j]).reshape(2, 1, 1)
    >>> masks = torch.tensor([0.75, 0.25]).reshape(2, 1, 1)
    >>> float(phase_sensitive_loss(masks, sources, sources.sum(0)))
    0.0
    >>> float(phase_sensitive_loss(1 - masks, sources, sources.sum(0)))
    2.0
    """
    target = phase_sensitive_target(source_stfts, mixture_stft)
    return (masks * mixture_stft.abs().unsqueeze(-3) - target).abs().mean()
