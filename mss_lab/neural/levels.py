"""Bring every mixture to one level before a network reads it.

Contents: level_gain. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import torch

# About the root mean square of music on a record, where full scale is 1.
LEVEL = 0.1

# A mixture below this level (-100 dB) counts as silent, and stays quiet.
SILENCE = 1e-5


def level_gain(mixture: torch.Tensor) -> torch.Tensor:
    """The gain that brings the root mean square of each mixture to `LEVEL`.

    A network that receives every mixture at one level gives the same masks for a recording at any level.

    Parameters
    ----------
    mixture : float (batch, samples)

    Returns
    -------
    float (batch, 1)
        The same gain for all mixtures quieter than -100 dB, so that silence stays silent.

    Lesson: notebooks/16_learn_a_mask.ipynb

    Examples
    --------
    >>> level_gain(torch.tensor([[0.4, -0.4], [0.05, 0.05]])).ravel().round(decimals=3).tolist()
    [0.25, 2.0]
    """
    level = mixture.float().square().mean(dim=-1, keepdim=True).sqrt()
    return LEVEL / level.clamp(min=SILENCE)
