"""Small models of the packages demucs and openunmix with random weights, in the files that these packages read."""

import json
from fractions import Fraction

import numpy as np
import torch

RATE = 44_100
SETTINGS = {
    "sources": ["drums", "bass", "other", "vocals"],
    "channels": 4,
    "dconv_comp": 2,
    "dconv_mode": 3,
    "t_layers": 1,
    "t_heads": 2,
    "t_hidden_scale": 1.0,
    "segment": Fraction(3, 4),
}
TARGETS = ("vocals", "drums", "bass", "other")


def demucs_model(**settings):
    """A small HTDemucs; without its transformer or with other settings by name."""
    from demucs.htdemucs import HTDemucs

    with torch.random.fork_rng():
        torch.manual_seed(0)
        return HTDemucs(**{**SETTINGS, **settings}).eval()


def write_th(path, model=None, **package):
    """A file as the package's `serialize_model` makes it, before version 4.1."""
    model = model or demucs_model()
    args, kwargs = model._init_args_kwargs
    state = model.state_dict()
    torch.save(
        {"klass": type(model), "args": args, "kwargs": kwargs, "state": state, "training_args": {}, **package}, path
    )
    return path


def as_json(value):
    if isinstance(value, Fraction):
        return {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}
    return value


def write_safetensors(path, model=None, **metadata):
    """A file that the package's `load_safetensors_model` reads."""
    import safetensors.torch

    model = model or demucs_model()
    args, kwargs = model._init_args_kwargs
    facts = {
        "klass": f"{type(model).__module__}.{type(model).__name__}",
        "args": json.dumps([as_json(value) for value in args]),
        "kwargs": json.dumps({name: as_json(value) for name, value in kwargs.items()}),
        **metadata,
    }
    safetensors.torch.save_file({name: one.clone() for name, one in model.state_dict().items()}, path, metadata=facts)
    return path


def open_unmix_state(target, hidden=8, window=512):
    """The weights of a small network, whose masks differ from source to source."""
    from openunmix.model import OpenUnmix

    with torch.random.fork_rng():
        torch.manual_seed(TARGETS.index(target))
        return OpenUnmix(window // 2 + 1, 2, hidden, max_bin=window // 3).eval().state_dict()


def write_open_unmix(folder, window=512, hop=128, hidden=8, **separator):
    """A folder that the package's `load_separator` reads."""
    folder.mkdir(exist_ok=True)
    settings = {"sample_rate": RATE, "nfft": window, "nhop": hop, "nb_channels": 2, **separator}
    (folder / "separator.json").write_text(json.dumps(settings))
    for target in TARGETS:
        facts = {"args": {"nfft": window, "nb_channels": 2, "hidden_size": hidden}}
        (folder / f"{target}.json").write_text(json.dumps(facts))
        torch.save(open_unmix_state(target, hidden, window), folder / f"{target}-0123abcd.pth")
    return folder


def song(seconds, rate=RATE, channels=2):
    """Noise and two tones, not the same in both channels, and a constant."""
    rng = np.random.default_rng(1)
    times_s = np.arange(round(seconds * rate)) / rate
    tones = 0.2 * np.sin(2 * np.pi * np.outer([220, 331], times_s)) + 0.05 * rng.standard_normal((2, len(times_s)))
    return (tones + 0.01).astype(np.float32)[:channels]
