"""torchaudio works wherever its Python does, and what fails otherwise is not hidden."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from mss_lab.neural import torch_audio

PACKAGE = """
import {package}._internal
from . import _extension
from . import functional
"""
EXTENSION = """
raise {error}("Could not load this library: lib_stub.so")
"""
FUNCTIONAL = """
from {package}._extension import _IS_TORCHAUDIO_EXT_AVAILABLE, fail_if_no_align

@fail_if_no_align
def forced_align():
    return "aligned"
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Makes packages that are laid out as torchaudio is, whose native library loads, or fails in some way."""

    def make(package, extension):
        folder = tmp_path / package
        folder.mkdir()
        (folder / "__init__.py").write_text(PACKAGE.format(package=package))
        (folder / "_internal.py").write_text("")
        (folder / "_extension.py").write_text(extension)
        (folder / "functional.py").write_text(FUNCTIONAL.format(package=package))
        monkeypatch.setattr(torch_audio, "PACKAGE", package)
        monkeypatch.setattr(torch_audio, "EXTENSION", f"{package}._extension")

    monkeypatch.syspath_prepend(tmp_path)
    yield make
    for name in [name for name in sys.modules if name.startswith("stand_in")]:
        del sys.modules[name]


def test_a_library_that_cannot_be_loaded_beside_a_torch_without_cuda_is_declared_absent(stand_in, monkeypatch):
    stand_in("stand_in_a", EXTENSION.format(error="OSError"))
    monkeypatch.setattr(torch.version, "cuda", None)
    module = torch_audio.load()
    assert module.functional._IS_TORCHAUDIO_EXT_AVAILABLE is False
    # What the first attempt left behind would hang on a package that is no more.
    assert module._internal is sys.modules["stand_in_a._internal"]
    with pytest.raises(RuntimeError, match="forced_align needs its native library, which cannot be loaded"):
        module.functional.forced_align()
    assert importlib.import_module("stand_in_a") is module


def test_beside_a_torch_with_cuda_the_failure_is_passed_on(stand_in, monkeypatch):
    stand_in("stand_in_b", EXTENSION.format(error="OSError"))
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    with pytest.raises(OSError, match=r"lib_stub\.so"):
        torch_audio.load()
    assert "stand_in_b" not in sys.modules


@pytest.mark.parametrize("error", ["RuntimeError", "ImportError", "AttributeError"])
def test_another_failure_is_passed_on(stand_in, monkeypatch, error):
    stand_in("stand_in_c", EXTENSION.format(error=error))
    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises((RuntimeError, ImportError, AttributeError), match=r"lib_stub\.so"):
        torch_audio.load()
    assert "stand_in_c" not in sys.modules


def test_where_the_import_works_nothing_is_touched(stand_in, monkeypatch):
    works = "_IS_TORCHAUDIO_EXT_AVAILABLE = True\n\ndef fail_if_no_align(function):\n    return function\n"
    stand_in("stand_in_d", works)
    monkeypatch.setattr(torch.version, "cuda", None)
    module = torch_audio.load()
    assert module.functional.forced_align() == "aligned"
    assert module._extension.__file__.endswith("_extension.py")


def test_where_it_is_not_installed_that_is_said(monkeypatch):
    monkeypatch.setattr(torch_audio, "PACKAGE", "stand_in_of_nothing")
    with pytest.raises(ModuleNotFoundError, match="stand_in_of_nothing"):
        torch_audio.load()


def test_the_parts_that_networks_use_work(rng):
    torchaudio = torch_audio.torchaudio
    times_s = np.arange(44_100) / 44_100
    tone = torch.from_numpy(np.sin(2 * np.pi * 440 * times_s)).float()
    resampled = torchaudio.transforms.Resample(44_100, 16_000)(tone[None])
    expected = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    assert_allclose(resampled[0, 100:-100], expected[100:-100], atol=2e-3)
    model = torchaudio.models.ConvTasNet(num_sources=2, enc_num_feats=16, msk_num_feats=8, msk_num_hidden_feats=8)
    assert model(torch.zeros(1, 1, 2000)).shape == (1, 2, 2000)


def test_who_imports_torchaudio_afterwards_gets_the_same():
    code = (
        "from mss_lab.neural.torch_audio import torchaudio as ours; import torchaudio;"
        "import torchaudio.transforms as t; assert torchaudio is ours and t is ours.transforms"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
