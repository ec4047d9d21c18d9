"""Import torchaudio, also where its native library cannot be loaded.

On Linux, the torchaudio of the default package index needs CUDA's libraries. With a torch that was built without CUDA
its import fails with an OSError, although nearly all of its functions are Python and need no library: transforms,
functional.resample, the models. torchaudio supports a missing library: if the library's file does not exist, it sets
flags that its modules check. This file sets the same flags in exactly that case. If the import works, nothing is
changed; if it fails for another reason, the error is raised.

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
            # With CUDA the library should load, so the error must be visible.
            raise
        _forget()
        sys.modules[EXTENSION] = _absent_extension()
    try:
        return importlib.import_module(PACKAGE)
    except BaseException:
        _forget()
        raise


def _absent_extension() -> ModuleType:
    """The module that replaces torchaudio's native library and reports that there is none."""
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
