"""One level for every mixture that a network hears.

Contents: level_gain. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import torch

# About that of music on a record, in which full scale is 1.
LEVEL = 0.1

# Below this (-100 dB) a mixture counts as silent, and is left as quiet as it is.
SILENCE = 1e-5


def level_gain(mixture: torch.Tensor) -> torch.Tensor:
    """The gain that brings the root mean square of each mixture to `LEVEL`.

    A network that hears every mixture at one level gives a recording the same masks however loud it was made.

    Parameters
    ----------
    mixture : float (batch, samples)

    Returns
    -------
    float (batch, 1)
        The same for every mixture quieter than -100 dB, so that silence stays silent.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    level = mixture.float().square().mean(dim=-1, keepdim=True).sqrt()
    return LEVEL / level.clamp(min=SILENCE)
