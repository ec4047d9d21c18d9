"""Hybrid Demucs as torchaudio has it: the network of the third version of Demucs, in its published sizes.

The network itself is `torchaudio.models.HDemucs`; this file gives it the form of every network here. The three lengths
of the window are those for which torchaudio has a network: 1024 samples for recordings of about 8 to 16 kHz, 2048 for
16 to 32 kHz, 4096 for 44.1 and 48 kHz. `mss_lab.neural.models.hybrid_demucs` is a small network of the same idea,
written out.

Contents: HdemucsSettings, Hdemucs.
"""

import dataclasses

import torch
from torch import nn

from ... import checks
from ...refusals import RefusedValue
from ..waveforms import WaveformNetwork, WaveformSettings

# Levels of the network for each length of the window.
DEPTHS = {1024: 5, 2048: 6, 4096: 6}

# The residual layers of the first level have a quarter of its channels.
LEAST_CHANNELS = 4


@dataclasses.dataclass(frozen=True)
class HdemucsSettings(WaveformSettings):
    """Sizes of the network; the defaults are those of the reference.

    Attributes
    ----------
    window_samples : {1024, 2048, 4096}
        Window of the STFT; it also decides the number of levels, which is 5, 6 and 6.
    channels : int >= 4
        Of the first level; each level has twice as many as the one before it.
    """

    window_samples: int = 4096
    channels: int = 48

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.check_number("window_samples", self.window_samples, at_least=1, whole=True, unit="samples")
        if self.window_samples not in DEPTHS:
            raise RefusedValue(
                f"window_samples must be one of {', '.join(map(str, DEPTHS))}, for which torchaudio has a network, got "
                f"{self.window_samples}; choose 1024 for 8 to 16 kHz, 2048 for 16 to 32 kHz, 4096 above"
            )
        checks.check_number("channels", self.channels, at_least=LEAST_CHANNELS, whole=True)


class Hdemucs(WaveformNetwork):
    """Mixture to estimates by the network of torchaudio.

    It divides each excerpt by its own standard deviation and normalises over all frames, so that chunks of a recording
    have other estimates than the whole.

    Parameters
    ----------
    settings : HdemucsSettings

    Raises
    ------
    ModuleNotFoundError
        If torchaudio is not installed.

    Reference: Défossez, "Hybrid spectrogram and waveform source separation", MDX workshop at ISMIR 2021. Differences
    from the paper are those of torchaudio. One channel instead of two, because `mss_lab.neural.apply` separates
    channels one by one; this changes the first and the last layers alone. Silence is added up to a multiple of half a
    window, and the network computes in single precision, as its transforms require.
    """

    Settings = HdemucsSettings
    settings: HdemucsSettings

    def __init__(self, settings: HdemucsSettings):
        # The levels of the waveform together move on by a quarter of a window, the last level by twice as much.
        super().__init__(settings, settings.window_samples // 2)
        from ..torch_audio import torchaudio

        self.network: nn.Module = torchaudio.models.HDemucs(
            list(settings.sources),
            audio_channels=1,
            channels=settings.channels,
            nfft=settings.window_samples,
            depth=DEPTHS[settings.window_samples],
        )

    def padding(self, samples: int) -> tuple[int, int]:
        """Zeros after a recording, up to a multiple of half a window."""
        return 0, -samples % self.hop_samples

    def waveforms(self, mixture: torch.Tensor) -> torch.Tensor:
        """Estimates (batch, sources, samples) of mixtures whose length is a multiple of half a window."""
        with torch.autocast(mixture.device.type, enabled=False):
            estimates: torch.Tensor = self.network(mixture.float().unsqueeze(1)).squeeze(2)
        return estimates
