"""torchaudio, also where its native library cannot be loaded.

On Linux, the torchaudio that comes from the ordinary index wants CUDA's libraries. Beside a torch that was built
without CUDA its import fails with an OSError, though all but a few of its functions are Python and need no library:
transforms, functional.resample, the models. torchaudio itself can do without: where the library's file is not there,
it says so to its own modules and goes on. Here it is told the same, in exactly that case. Where the import works,
nothing is touched; where it fails otherwise, the failure is passed on.

Contents: torchaudio, load. Write `from .torch_audio import torchaudio`.
"""

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch

PACKAGE = "torchaudio"
EXTENSION = f"{PACKAGE}._extension"


def load() -> ModuleType:
    """Import torchaudio, without its native library where torch has no CUDA and the library cannot be loaded.

    Raises
    ------
    ModuleNotFoundError
        If torchaudio is not installed.
    OSError, ImportError
        As importing it does, in every other case.
    """
    try:
        return importlib.import_module(PACKAGE)
    except OSError:
        if torch.version.cuda is not None or getattr(torch.version, "hip", None) is not None:
            # Here the library should load: that it does not is a fault to be seen.
            raise
        _forget()
        sys.modules[EXTENSION] = _absent_extension()
    try:
        return importlib.import_module(PACKAGE)
    except BaseException:
        _forget()
        raise


def _absent_extension() -> ModuleType:
    """What torchaudio finds in place of its native library: that there is none."""
    absent = ModuleType(EXTENSION, "torchaudio's native library is absent; see mss_lab.neural.torch_audio")
    names: dict[str, Any] = {
        "_IS_TORCHAUDIO_EXT_AVAILABLE": False,
        "_IS_ALIGN_AVAILABLE": False,
        "fail_if_no_align": _refusing,
        "_check_cuda_version": lambda: None,
    }
    absent.__dict__.update(names)
    return absent


def _refusing(function: Callable[..., Any]) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise RuntimeError(
            f"{PACKAGE}'s {function.__name__} needs its native library, which cannot be loaded beside a torch without "
            "CUDA; install the torchaudio of PyTorch's index of CPU builds"
        )

    return refuse


def _forget() -> None:
    # A failed import leaves the submodules that had been loaded before the failure.
    for name in [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]:
        del sys.modules[name]


torchaudio = load()
