"""Options of a run beyond the plain ones: averaged weights, accumulated gradients, workers, compiling, whole songs."""

import dataclasses
import functools

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from mss_lab import cli
from mss_lab.neural import fit
from mss_lab.neural.fit_options import FitOptions
from mss_lab.refusals import RefusedType
from tests.neural.toy_network import batches, network, run
from tests.neural.training import weights_of

PLAIN = {"optimizer": "sgd", "learning_rate": 0.1, "clip_norm": None, "validate": None, "log_every": 2}


def plain_network():
    return network(normalise=False, dropout=0.0)


def test_averaged_weights_are_the_exponential_average_of_a_plain_loop(tmp_path):
    model, _ = run(tmp_path / "run", 6, plain_network(), ema_decay=0.5, **PLAIN)
    plain = plain_network()
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.1)
    average = None
    for step in range(6):
        optimizer.zero_grad()
        plain.loss(batches(step)).backward()
        optimizer.step()
        now = weights_of(plain)
        # The first average is the weights themselves.
        average = now if average is None else {name: 0.5 * average[name] + 0.5 * now[name] for name in now}
    for name, tensor in model.state_dict().items():
        assert_allclose(tensor, average[name], atol=1e-6)
    assert any(not torch.allclose(model.state_dict()[name], now[name], atol=1e-5) for name in now)


def test_validation_judges_the_averaged_weights(tmp_path):
    held_out = [batches(50)]
    options = {**PLAIN, "validate": held_out, "validate_every": 6}
    model, result = run(tmp_path / "run", 6, plain_network(), ema_decay=0.9, **options)
    assert_allclose(result.curve[-1]["validation"], model.loss(held_out[0]).item(), rtol=1e-5)


def test_two_accumulated_batches_are_one_of_twice_the_size(tmp_path):
    def joined(step):
        both = [batches(2 * step), batches(2 * step + 1)]
        return {"sources": torch.cat([batch["sources"] for batch in both])}

    accumulated, result = run(tmp_path / "two", 4, plain_network(), accumulate=2, **PLAIN)
    whole, other = run(tmp_path / "one", 4, plain_network(), joined, **PLAIN)
    for name, tensor in accumulated.state_dict().items():
        assert_allclose(tensor, whole.state_dict()[name], atol=1e-6)
    assert [row["step"] for row in result.curve] == [2, 4]
    assert_allclose([row["loss"] for row in result.curve], [row["loss"] for row in other.curve], rtol=1e-5)


@pytest.mark.parametrize("options", [{"ema_decay": 0.9}, {"accumulate": 2}, {"ema_decay": 0.5, "accumulate": 3}])
def test_a_run_that_broke_off_continues_exactly_with_these_options(tmp_path, options):
    def breaking(number):
        if number == 13 * options.get("accumulate", 1):
            raise RuntimeError("the power failed")
        return batches(number)

    whole, unbroken = run(tmp_path / "whole", 20, network(), **options)
    with pytest.raises(RuntimeError, match="the power failed"):
        run(tmp_path / "run", 20, network(), breaking, checkpoint_minutes=0, **options)
    again, result = run(tmp_path / "run", 20, network(seed=4), **options)
    assert result.resumed_from == 10
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    without_time = [[{**row, "seconds": 0} for row in one.curve] for one in (unbroken, result)]
    assert without_time[0] == without_time[1]


def test_worker_processes_give_the_batches_of_the_thread_in_order(tmp_path):
    alone, _ = run(tmp_path / "thread", 6, network())
    helped, _ = run(tmp_path / "workers", 6, network(), workers=2)
    for name, tensor in alone.state_dict().items():
        assert torch.equal(tensor, helped.state_dict()[name]), name


def test_a_worker_that_fails_names_its_error(tmp_path):
    def failing(number):
        raise RuntimeError(f"no batch {number}")

    with pytest.raises(RuntimeError, match="no batch 0"):
        run(tmp_path / "run", 4, network(), failing, workers=1)


def test_a_compiled_loss_learns_the_same(tmp_path, monkeypatch):
    # The translation to C++ takes most of a minute; what is traced is the same without it.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    plain, _ = run(tmp_path / "plain", 3, plain_network(), **PLAIN)
    compiled, _ = run(tmp_path / "compiled", 3, plain_network(), compile=True, **PLAIN)
    for name, tensor in plain.state_dict().items():
        assert_allclose(compiled.state_dict()[name], tensor, atol=1e-5)


def test_whole_songs_are_measured_at_their_steps_and_at_the_end(tmp_path):
    asked = []

    def song_sdr_db(model):
        asked.append(model.training)
        return float(len(asked))

    _, result = run(tmp_path / "run", 9, network(), song_sdr_db=song_sdr_db, songs_every=4, validate=None)
    measured = {row["step"]: row["song_sdr_db"] for row in result.curve if "song_sdr_db" in row}
    assert measured == {4: 1.0, 8: 2.0, 9: 3.0}
    assert asked == [False] * 3, "songs are separated by a network that is set for use"
    assert (tmp_path / "run" / "curve.csv").read_text().startswith("step,loss,learning_rate,gradient_norm,validation")


def test_every_option_is_on_the_command_line_with_an_explanation(capsys):
    with pytest.raises(SystemExit):
        cli.main(["train", "--help"])
    shown = capsys.readouterr().out
    for field in dataclasses.fields(FitOptions):
        assert "--" + field.name.replace("_", "-") in shown
        assert field.metadata["about"]


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"ema_decay": 1.0}, "ema_decay must be a number at least 0 and below 1"),
        ({"accumulate": 0}, "accumulate must be a whole number at least 1"),
        ({"workers": -1}, "workers must be a whole number at least 0"),
        ({"songs_every": 0}, "songs_every must be a whole number at least 1"),
        ({"minutes": -1}, "minutes must be a number at least 0"),
    ],
)
def test_options_out_of_range_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        FitOptions().replace(**changes)


def test_an_unknown_option_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(RefusedType, match=r"training has no option leraning_rate; it has steps, optimizer"):
        fit.fit(network(), batches, folder=tmp_path, leraning_rate=1.0)
    with pytest.raises(RefusedType, match=r"a network must have settings, .*; Linear has no settings"):
        fit.fit(torch.nn.Linear(2, 2), batches, folder=tmp_path)
    assert np.isfinite(FitOptions().learning_rate)
