"""Weights of others: both formats are read, nothing in a file is run, and what does not fit is refused in words."""

import inspect
import json
import os
import pickle
import subprocess
import sys
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path

import pytest
import torch
import yaml

from mss_lab import audio, catalogue, cli
from mss_lab.neural import pretrained_weights
from mss_lab.refusals import MissingDownload, RefusedType, RefusedValue
from tests.neural import pretrained as small
from tests.paths import ROOT


@pytest.fixture(autouse=True)
def _nothing_kept():
    """Files of one test are not those of another with the same name and time."""
    pretrained_weights._demucs_of.cache_clear()
    pretrained_weights._open_unmix_of.cache_clear()
    pretrained_weights._downloaded_open_unmix.cache_clear()


@pytest.fixture(scope="module")
def tiny():
    pytest.importorskip("demucs", reason="not run: demucs is not installed")
    return small.demucs_model()


@pytest.fixture
def folder(tmp_path):
    from mss_lab.neural.torch_audio import torchaudio  # noqa: F401

    pytest.importorskip("openunmix", reason="not run: openunmix is not installed")
    return small.write_open_unmix(tmp_path / "model")


class Writes:
    """An object that writes a file when a pickle of it is opened in the usual way."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def equal_states(model, other):
    states = model.state_dict(), other.state_dict()
    return list(states[0]) == list(states[1]) and all(
        torch.equal(states[0][name], states[1][name]) for name in states[0]
    )


# ---- demucs


@pytest.mark.parametrize("write, ending", [(small.write_th, "th"), (small.write_safetensors, "safetensors")])
def test_both_formats_of_demucs_are_read_as_by_the_package(tmp_path, tiny, write, ending):
    path = write(tmp_path / f"tiny.{ending}", tiny)
    if ending == "safetensors":
        from demucs.hf import load_safetensors_model as load
    else:
        from demucs.states import load_model as load
    for weights in (path, str(path), tmp_path):
        model = pretrained_weights.demucs_model(weights)
        assert equal_states(model, load(path)) and equal_states(model, tiny)
        assert model.segment == Fraction(3, 4) and type(model) is type(tiny) and not model.training
    assert pretrained_weights.demucs_model(path) is model
    os.utime(path, ns=(1, 1))
    assert pretrained_weights.demucs_model(path) is not model


def test_weights_in_half_precision_become_single(tmp_path, tiny):
    state = {name: one.half() for name, one in tiny.state_dict().items()}
    model = pretrained_weights.demucs_model(small.write_th(tmp_path / "half.th", tiny, state=state))
    assert {one.dtype for one in model.parameters()} == {torch.float32}


def test_reading_leaves_the_generator_of_torch_as_it_was(tmp_path, tiny):
    path = small.write_th(tmp_path / "tiny.th", tiny)
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    pretrained_weights.demucs_model(path)
    assert torch.rand(1) == expected


@pytest.mark.parametrize("where", ["alone", "state", "kwargs", "klass", "training_args"])
def test_a_pickle_that_runs_code_is_refused_and_does_not_run(tmp_path, tiny, where):
    trap, path = tmp_path / "written", tmp_path / "evil.th"
    if where == "alone":
        torch.save(Writes(trap), path)
    else:
        content = {"state": {"weight": Writes(trap)}, "kwargs": {"sources": Writes(trap)}}.get(where, Writes(trap))
        small.write_th(path, tiny, **{where: content})
    with pytest.raises(RefusedValue, match=r"evil\.th was not opened, .* refers to (posix|nt)\.mkdir.* can run code"):
        pretrained_weights.demucs_model(path)
    assert not trap.exists()
    # The trap is a real one.
    torch.load(path, weights_only=False)
    assert trap.is_dir()


def test_a_plain_pickle_that_runs_code_is_refused_and_does_not_run(tmp_path, tiny):
    trap, path = tmp_path / "written", tmp_path / "evil.th"
    path.write_bytes(pickle.dumps(Writes(trap)))
    with pytest.raises(RefusedValue, match="was not opened"):
        pretrained_weights.demucs_model(path)
    assert not trap.exists()


@pytest.mark.parametrize("name", ["os.system", "torch.nn.modules.linear.Linear", "demucs.apply.BagOfModels", "", "[]"])
def test_a_file_of_numbers_that_names_another_class_is_refused(tmp_path, tiny, name):
    path = small.write_safetensors(tmp_path / "odd.safetensors", tiny, klass=name)
    with pytest.raises(
        RefusedValue, match=r"odd\.safetensors must hold a model of the classes demucs\.htdemucs\.HTDemucs"
    ):
        pretrained_weights.demucs_model(path)


@pytest.mark.parametrize("klass", [Fraction, "demucs.htdemucs.HTDemucs", None, 3])
def test_so_is_an_older_file(tmp_path, tiny, klass):
    with pytest.raises(RefusedValue, match="must hold a model of the classes"):
        pretrained_weights.demucs_model(small.write_th(tmp_path / "odd.th", tiny, klass=klass))


def test_quantised_weights_are_refused(tmp_path, tiny):
    packed = small.write_safetensors(tmp_path / "packed.safetensors", tiny, structure='{"_class": "os.system"}')
    older = small.write_th(tmp_path / "packed.th", tiny, state={"__quantized": True, "quantized": {}, "meta": {}})
    for path in (packed, older):
        with pytest.raises(RefusedValue, match=f"{path.name} holds quantised weights"):
            pretrained_weights.demucs_model(path)


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"sources": ["drums", "bass", "other", "vocals", "guitar", "piano"]}, "guitar, piano; choose another file"),
        ({"sources": ["speech", "noise"]}, "for 2 channel"),
        ({"audio_channels": 1}, "for 1 channel"),
    ],
)
def test_models_of_other_sources_or_channels_are_refused(tmp_path, tiny, settings, words):
    path = small.write_th(tmp_path / "other.th", small.demucs_model(**settings))
    with pytest.raises(RefusedValue, match=rf"separates two channels into vocals, drums, bass, other, got .*{words}"):
        pretrained_weights.demucs_model(path)


def test_weights_of_another_model_are_refused(tmp_path, tiny):
    larger = small.demucs_model(channels=8)
    for path in (
        small.write_th(tmp_path / "a.th", tiny, state=larger.state_dict()),
        small.write_th(tmp_path / "b.th", tiny, kwargs={**small.SETTINGS, "depth": "deep"}),
        small.write_th(tmp_path / "c.th", tiny, state={}),
        small.write_safetensors(tmp_path / "d.safetensors", tiny, kwargs='{"sources": 3}'),
    ):
        with pytest.raises(RefusedValue, match=f"{path.name} does not fit the installed package demucs"):
            pretrained_weights.demucs_model(path)


def test_files_that_are_none_are_refused(tmp_path, tiny):
    good = small.write_safetensors(tmp_path / "good.safetensors", tiny).read_bytes()
    contents = {
        "cut.safetensors": good[: len(good) // 2],
        "text.safetensors": b"hello",
        "empty.th": b"",
        "text.th": b"hello",
        "zip.th": b"PK\x03\x04" + bytes(100),
    }
    for name, content in contents.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(RefusedValue, match=f"{name} (is damaged|was not opened)"):
            pretrained_weights.demucs_model(path)
    for text in ("{", "[1]", '{"_type": "fraction", "numerator": 1, "denominator": 0}', "[" * 100_000):
        path = small.write_safetensors(tmp_path / "text.safetensors", tiny, kwargs=text)
        with pytest.raises(RefusedValue, match=r"text\.safetensors (is damaged|does not fit)"):
            pretrained_weights.demucs_model(path)
    torch.save({"weights": torch.ones(3)}, tmp_path / "other.th")
    with pytest.raises(RefusedValue, match="must be a model that demucs saved"):
        pretrained_weights.demucs_model(tmp_path / "other.th")


def test_paths_that_name_no_model_are_refused(tmp_path, tiny):
    (tmp_path / "model.ckpt").write_bytes(b"1")
    with pytest.raises(FileNotFoundError, match=r"file of weights .*none\.th does not exist"):
        pretrained_weights.demucs_model(tmp_path / "none.th")
    with pytest.raises(RefusedValue, match=r"must end in \.safetensors or \.th, got model\.ckpt"):
        pretrained_weights.demucs_model(tmp_path / "model.ckpt")
    with pytest.raises(RefusedValue, match=r"a folder with one file .* with none"):
        pretrained_weights.demucs_model(tmp_path)
    for name in ("a.th", "b.th"):
        small.write_th(tmp_path / name, tiny)
    with pytest.raises(RefusedValue, match=r"with a\.th, b\.th; name the file itself"):
        pretrained_weights.demucs_model(tmp_path)
    for weights in (3, True, ["a.th"]):
        with pytest.raises(RefusedType, match="weights must be the path of"):
            pretrained_weights.demucs_model(weights)
        with pytest.raises(RefusedType, match="weights must be the path of"):
            pretrained_weights.open_unmix_models(weights)


# ---- Open-Unmix


def test_a_folder_of_open_unmix_is_read_as_by_the_package(folder):
    from openunmix.utils import load_target_models

    models = pretrained_weights.open_unmix_models(folder)
    own = load_target_models(list(small.TARGETS), str(folder))
    assert list(models.targets) == list(own) == list(small.TARGETS)
    assert all(equal_states(models.targets[target], own[target]) for target in own)
    assert (models.sample_rate_hz, models.window_samples, models.hop_samples) == (44_100, 512, 128)
    assert pretrained_weights.open_unmix_models(str(folder)) is models


def test_further_entries_of_the_published_files_are_left_out(folder):
    path = next(folder.glob("bass*.pth"))
    state = {**torch.load(path, weights_only=True), "stft.window": torch.ones(512), "sample_rate": torch.ones(1)}
    torch.save(OrderedDict(state), path)
    assert pretrained_weights.open_unmix_models(folder).targets["bass"]


@pytest.mark.parametrize("name", ["vocals-0123abcd.pth", "other.json", "separator.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    words = "must contain one file vocals" if name.endswith("pth") else f"{name} does not exist"
    with pytest.raises((RefusedValue, FileNotFoundError), match=words):
        pretrained_weights.open_unmix_models(folder)


def test_two_files_of_one_source_are_refused(folder):
    (folder / "bass-2.pth").write_bytes(b"")
    with pytest.raises(RefusedValue, match=r"one file bass\*\.pth, got bass-0123abcd\.pth, bass-2\.pth"):
        pretrained_weights.open_unmix_models(folder)


def test_a_folder_that_is_none_is_refused(folder):
    with pytest.raises(FileNotFoundError, match=r"must be a folder with separator\.json"):
        pretrained_weights.open_unmix_models(folder / "separator.json")
    with pytest.raises(FileNotFoundError, match="which is no folder"):
        pretrained_weights.open_unmix_models(folder / "nothing")


def test_weights_of_open_unmix_that_run_code_are_refused_and_do_not_run(folder, tmp_path):
    trap, path = tmp_path / "written", next(folder.glob("drums*.pth"))
    torch.save({**torch.load(path, weights_only=True), "input_mean": Writes(trap)}, path)
    with pytest.raises(RefusedValue, match=r"drums-0123abcd\.pth was not opened, .* refers to (posix|nt)\.mkdir"):
        pretrained_weights.open_unmix_models(folder)
    assert not trap.exists()


@pytest.mark.parametrize("change", ["missing", "larger", "empty", "list"])
def test_a_checkpoint_of_another_model_is_refused(folder, change):
    path = next(folder.glob("drums*.pth"))
    state = torch.load(path, weights_only=True)
    if change == "missing":
        del state["lstm.weight_hh_l0"]
    content = {"missing": state, "larger": small.open_unmix_state("drums", 16), "empty": {}, "list": [1, 2]}[change]
    torch.save(content, path)
    with pytest.raises(RefusedValue, match=r"the weights for drums of .* do not fit a network of openunmix"):
        pretrained_weights.open_unmix_models(folder)


@pytest.mark.parametrize(
    "settings", [{"nb_channels": 1}, {"nfft": "wide"}, {"sample_rate": 0}, {"nhop": None}, {"nfft": 512.5}]
)
def test_settings_that_do_not_fit_are_refused(tmp_path, folder, settings):
    other = small.write_open_unmix(tmp_path / "other", **settings)
    with pytest.raises(RefusedValue, match=r"separator\.json of .* must state sample_rate"):
        pretrained_weights.open_unmix_models(other)


@pytest.mark.parametrize("text", ["{", "[1, 2]", "\xff", '{"args": 3}', "{}"])
def test_a_damaged_description_of_a_source_is_refused(folder, text):
    (folder / "bass.json").write_text(text, encoding="latin-1")
    with pytest.raises(RefusedValue, match=r"bass\.json (is damaged|must)"):
        pretrained_weights.open_unmix_models(folder)


# ---- what is loaded from other computers


def test_the_addresses_are_those_of_the_packages(tiny, folder):
    import demucs.hf
    import demucs.pretrained
    import openunmix

    (signature,) = yaml.safe_load((demucs.pretrained.REMOTE_ROOT / "htdemucs.yaml").read_text())["models"]
    assert f"{signature}.safetensors" == pretrained_weights.DEMUCS_FILE
    assert f"{demucs.hf.DEFAULT_NAMESPACE}/{demucs.hf.hf_repo_name('htdemucs')}" in catalogue.get("htdemucs").downloads
    source = inspect.getsource(openunmix.umxhq_spec)
    for target, name in pretrained_weights.OPEN_UNMIX_FILES.items():
        assert f'"{target}": "{pretrained_weights.OPEN_UNMIX_URL}{name}"' in source
    assert list(pretrained_weights.OPEN_UNMIX_FILES) == list(pretrained_weights.TARGETS.values())


@pytest.mark.slow(2.5)
def test_the_stated_size_is_that_of_the_networks_of_the_package(folder):
    import openunmix

    networks = openunmix.umxhq_spec(pretrained=False)
    size = sum(one.nbytes for network in networks.values() for one in network.state_dict().values())
    assert f"{size / 1e6:.0f} MB" in catalogue.get("open-unmix").downloads
    assert f"{size / 1e6:.0f} MB" in catalogue.get("open-unmix").load().__doc__


@pytest.mark.slow(4)
def test_weights_of_demucs_that_were_loaded_before_are_used_without_a_network(tmp_path, tiny):
    """In the folder of the Hugging Face hub, as this library lays it out."""
    repository = tmp_path / "models--adefossez--HTDemucs"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    small.write_safetensors(snapshot / pretrained_weights.DEMUCS_FILE, tiny)
    code = "from mss_lab.neural import pretrained_weights as w; print(w.demucs_model().segment)"
    ran = run(["-c", code], HF_HUB_CACHE=tmp_path)
    assert ran.stdout == "3/4\n", ran.stderr


def test_weights_of_open_unmix_that_were_loaded_before_are_used_without_a_network(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    for target, name in pretrained_weights.OPEN_UNMIX_FILES.items():
        torch.save(small.open_unmix_state(target, 8, 4096), tmp_path / "checkpoints" / name)
    models = pretrained_weights.open_unmix_models()
    assert list(models.targets) == list(small.TARGETS)
    assert (models.window_samples, models.hop_samples, models.sample_rate_hz) == (4096, 1024, 44_100)


def run(arguments, **environment):
    """Python in a process of its own, whose network leads nowhere and whose folders are empty."""
    nowhere = dict.fromkeys(
        ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"), "http://127.0.0.1:9"
    )
    environment = {**os.environ, **nowhere, **{name: str(value) for name, value in environment.items()}}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.slow(8)
@pytest.mark.parametrize("name", ["htdemucs", "open-unmix"])
def test_without_a_network_the_command_line_says_what_to_do(tmp_path, tiny, folder, name):
    audio.write_audio(tmp_path / "mix.wav", small.song(0.5), small.RATE)
    arguments = ["separate", str(tmp_path / "mix.wav"), "--method", name, "--out", str(tmp_path / "out")]
    ran = run(["-m", "mss_lab.cli", *arguments], HF_HUB_CACHE=tmp_path / "hub", TORCH_HOME=tmp_path / "torch")
    assert ran.returncode == 2
    said = ran.stderr.splitlines()[-1]
    assert said.startswith(f"mss-lab: {name} needs its weights, ")
    where = {
        "htdemucs": "adefossez/HTDemucs on the Hugging Face hub",
        "open-unmix": "https://zenodo.org/records/3370489",
    }
    assert where[name] in said
    assert "could not be loaded (" in said and "needed once" in said and "--set weights=FOLDER" in said
    assert "Traceback" not in ran.stderr and not (tmp_path / "out").exists()


@pytest.mark.slow(4)
def test_offline_mode_of_the_hub_is_obeyed(tmp_path, tiny):
    code = (
        "from mss_lab.neural import pretrained_weights as w; from mss_lab.refusals import MissingDownload\n"
        "w._check_answers = lambda address: print('asked')\n"
        "try: w.demucs_model()\nexcept MissingDownload as error: print(error)"
    )
    ran = run(["-c", code], HF_HUB_CACHE=tmp_path, HF_HUB_OFFLINE=1)
    assert ran.stdout.startswith("htdemucs needs its weights, 955717e8.safetensors"), ran.stderr


def test_a_failed_download_is_an_error_of_a_connection():
    assert issubclass(MissingDownload, ConnectionError)


def test_the_command_line_separates_with_a_folder(tmp_path, tiny, folder, capsys):
    audio.write_audio(tmp_path / "mix.wav", small.song(0.3), small.RATE)
    small.write_safetensors(tmp_path / "tiny.safetensors", tiny)
    for name, weights in (("htdemucs", tmp_path / "tiny.safetensors"), ("open-unmix", folder)):
        out = tmp_path / name
        command = ["separate", str(tmp_path / "mix.wav"), "--method", name, "--set", f"weights={weights}"]
        assert cli.main([*command, "--out", str(out)]) == 0
        assert sorted(path.stem for path in Path(out).iterdir()) == ["bass", "drums", "rest", "vocals"]
    (folder / "vocals.json").unlink()
    assert cli.main([*command, "--out", str(tmp_path / "again")]) == 2
    assert "vocals.json does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["htdemucs", "open-unmix"])
def test_the_list_of_methods_says_what_is_loaded(name, capsys):
    assert cli.main(["methods", name]) == 0
    printed = capsys.readouterr().out
    assert "  Loads weights once from another computer, or reads your copy of them (--set weights=FOLDER).\n" in printed
    assert "under the MIT licence. No lesson needs them.\n" in printed
    assert cli.main(["methods"]) == 0
    assert capsys.readouterr().out.count("Loads weights once") == len(catalogue.names()) - len(
        catalogue.names(downloads=False)
    )


def test_fractions_of_an_export_are_read():
    text = '[{"_type": "fraction", "numerator": 39, "denominator": 5}, {"a": [1]}]'
    assert pretrained_weights._decoded(json.loads(text)) == [Fraction(39, 5), {"a": [1]}]
