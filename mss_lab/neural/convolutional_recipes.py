"""What the recipes of convolutional networks consist of: U-Nets, and networks that read and write waveforms.

Every student trains for at most 45 minutes on one core.

Contents: CONVOLUTIONAL, from name and preset to the settings, data and options of a `mss_lab.neural.recipes.Recipe`.
"""

from typing import Any

from .fit_options import FitOptions
from .training_data import SongData

_PLATEAU: dict[str, Any] = {"schedule": "plateau", "plateau": 5}

_POP = ("vocals", "drums", "bass", "rest")
_UNET: dict[str, Any] = {
    # The length of a window of X-UMX: the bassoon's harmonics lie close together.
    "window_samples": 2046,
    "hop_samples": 512,
    "channels": 10,
    "levels": 5,
    "dropout": 0.0,
    # With independent masks, silence has the lowest loss during a large part of the training.
    "masks": "softmax",
}

CONVOLUTIONAL: dict[str, dict[str, dict[str, Any]]] = {
    # Luo and Mesgarani: excerpts of 4 s of speech at 8 kHz; the rate is halved after 3 epochs without improvement.
    # `cadenza` is the baseline of the second Cadenza challenge, which has one network for each instrument, with two
    # outputs.
    "conv-tasnet": {
        "student": {
            "settings": {
                "loss": "absolute",
                "filters": 128,
                "filter_samples": 32,
                "channels": 64,
                "hidden": 128,
                "blocks": 7,
                "repeats": 2,
                "masks": "relu",
            },
            "data": SongData(segment_s=2.0, batch=4),
            "fit": FitOptions(steps=1800, schedule="cosine"),
        },
        "paper": {
            "data": SongData(sample_rate_hz=8_000, segment_s=4.0, batch=4, gains=(1.0, 1.0)),
            "fit": FitOptions(steps=500_000, schedule="plateau", plateau=3, validate_every=5000),
        },
        "cadenza": {
            "settings": {
                "loss": "absolute",
                "filters": 256,
                "filter_samples": 20,
                "channels": 256,
                "hidden": 512,
                "blocks": 10,
                "repeats": 4,
                "masks": "relu",
            },
            "data": SongData(sample_rate_hz=44_100, segment_s=3.0, batch=4),
            "fit": FitOptions(steps=500_000, learning_rate=1e-4, **_PLATEAU, validate_every=2500, patience=20),
        },
    },
    # Défossez et al.: excerpts of 11 s in batches of 64, 360 epochs.
    "demucs": {
        "student": {
            # With 16 channels its weights would need more than 5 MB in half precision.
            "settings": {"channels": 15, "levels": 5, "recurrent_layers": 1},
            "data": SongData(segment_s=3.0, batch=4),
            "fit": FitOptions(steps=7000, schedule="cosine"),
        },
        "paper": {
            "data": SongData(sample_rate_hz=44_100, segment_s=11.0, batch=64),
            "fit": FitOptions(steps=300_000, learning_rate=3e-4, validate_every=800),
        },
    },
    # Défossez: as Demucs; the network is that of torchaudio.
    "hdemucs": {
        "student": {
            "settings": {"window_samples": 1024, "channels": 16},
            "data": SongData(segment_s=2.0, batch=4),
            "fit": FitOptions(steps=2200, schedule="cosine"),
        },
        "paper": {
            "data": SongData(sample_rate_hz=44_100, segment_s=11.0, batch=64),
            "fit": FitOptions(steps=300_000, learning_rate=3e-4, validate_every=800),
        },
    },
    # The preset `paper` of this idea is that of `hdemucs`.
    "hybrid-demucs": {
        "student": {
            "data": SongData(segment_s=2.0, batch=4),
            "fit": FitOptions(steps=3000, schedule="cosine"),
        },
        "pop": {
            "settings": {"sources": _POP},
            "data": SongData(segment_s=2.0, batch=4, incoherent=0.5),
            "fit": FitOptions(steps=3000, schedule="cosine"),
        },
    },
    # Kadandale et al.: 6 s at 10.88 kHz in batches of 16; SGD with momentum 0.9 and a rate of 0.01, here Adam.
    "multichannel-unet": {
        "student": {
            "settings": _UNET,
            "data": SongData(segment_s=4.0, batch=4),
            "fit": FitOptions(steps=3600, schedule="cosine"),
        },
        # For pop songs, `mss-lab data training pop`: few singers and kits, so that sources of several songs are mixed.
        "pop": {
            "settings": {**_UNET, "sources": _POP},
            "data": SongData(segment_s=4.0, batch=4, incoherent=0.5),
            "fit": FitOptions(steps=3600, schedule="cosine"),
        },
        "paper": {
            "data": SongData(sample_rate_hz=10_880, segment_s=6.0, batch=16, gains=(1.0, 1.0)),
            "fit": FitOptions(steps=100_000, **_PLATEAU),
        },
    },
    # Sgouros et al.: excerpts of 4 s at 16 kHz in batches of 5; at most 40 epochs, ended after 5 without improvement.
    # One network for each instrument, here one for all.
    "multires-unet": {
        "student": {
            "settings": {
                "window_samples": 1024,
                # With sine windows, half a window suffices: the squared windows add up to 1.
                "hop_samples": 512,
                "window": "sine",
                # Up to 4 kHz.
                "coefficients": 512,
                "filters": 8,
                "loss": "absolute",
                "even_level": True,
            },
            # 64 frames, which can be halved four times.
            "data": SongData(segment_s=63 * 512 / 16_000, batch=2),
            "fit": FitOptions(steps=4000, schedule="cosine"),
        },
        "paper": {
            "data": SongData(segment_s=4.0, batch=5, gains=(1.0, 1.0)),
            "fit": FitOptions(steps=100_000, learning_rate=5e-4, validate_every=2500, patience=5),
        },
    },
    # Stoller et al.: excerpts of 147 443 samples, of which 16 389 are estimated, in batches of 16; validated every 2000
    # steps, and ended after 20 validations without improvement.
    "wave-unet": {
        "student": {
            "settings": {"levels": 8, "channels": 12, "loss": "absolute"},
            "data": SongData(segment_s=32_768 / 16_000, batch=4),
            "fit": FitOptions(steps=2400, schedule="cosine"),
        },
        "paper": {
            "settings": {"context": True},
            "data": SongData(sample_rate_hz=22_050, segment_s=147_443 / 22_050, batch=16, gains=(0.7, 1.0)),
            "fit": FitOptions(steps=1_000_000, learning_rate=1e-4, clip_norm=None, validate_every=2000, patience=20),
        },
    },
}
