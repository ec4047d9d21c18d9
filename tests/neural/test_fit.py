"""Training: one fit for all, which goes on exactly where it was, and says in words what went wrong."""

import errno
import itertools
import json
import logging
import math
import pickle
import re
import resource
import signal
import subprocess
import sys
import time
import warnings

import pytest
import torch
from numpy.testing import assert_allclose

from mss_lab.neural import feed, fit, run_folder
from tests.neural import toy_network
from tests.neural.toy_network import batches, network, run, validation
from tests.neural.training import Trap, weights_of
from tests.paths import ROOT


def assert_same_weights(model, other):
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name


def without_time(curve):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in curve]


class Broken:
    """Batches that fail at a step, as a machine does."""

    def __init__(self, at, error=KeyboardInterrupt):
        self.at = at
        self.error = error

    def __call__(self, step):
        if step == self.at:
            raise self.error("the lights went out")
        return batches(step)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """A run of 30 steps in one go: network and result."""
    return run(tmp_path_factory.mktemp("unbroken") / "run")


def broken_off(folder, at, **options):
    with pytest.raises(RuntimeError, match="the lights went out"):
        run(folder, made=Broken(at, RuntimeError), checkpoint_minutes=0, **options)


def test_a_network_learns(unbroken):
    model, result = unbroken
    assert result.curve[-1]["loss"] < 0.8 * result.curve[0]["loss"]
    assert [row["step"] for row in result.curve] == [5, 10, 15, 20, 25, 30]
    assert [row["step"] for row in result.curve if "validation" in row] == [10, 20, 30]
    assert (result.steps, result.stopped, result.resumed_from) == (30, "done", 0)
    assert result.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert (result.device, result.precision) == ("cpu", "32-true")
    assert not model.training
    assert fit.read_curve(result.folder) == list(result.curve)


def test_the_curve_is_the_mean_of_the_losses_of_its_steps(tmp_path):
    # Without a step of the optimiser that is worth it, the losses can be had from the network as it was.
    options = {"learning_rate": 1e-12, "validate": None}
    _, result = run(tmp_path / "run", 5, network(normalise=False, dropout=0.0), **options)
    expected = [network(normalise=False, dropout=0.0).loss(batches(step)).item() for step in range(5)]
    assert_allclose(result.curve[0]["loss"], sum(expected) / 5, rtol=1e-5)


def test_a_plain_loop_gives_the_same_weights(tmp_path):
    options = {"optimizer": "adam", "learning_rate": 0.01, "weight_decay": 0.1, "clip_norm": 0.5, "validate": None}
    model, _ = run(tmp_path / "run", 8, network(normalise=False, dropout=0.0), schedule="cosine", **options)
    plain = network(normalise=False, dropout=0.0)
    optimizer = torch.optim.Adam(plain.parameters(), lr=0.01, weight_decay=0.1)
    for step in range(8):
        optimizer.param_groups[0]["lr"] = 0.01 * 0.5 * (1 + math.cos(math.pi * step / 8))
        optimizer.zero_grad()
        plain.loss(batches(step)).backward()
        torch.nn.utils.clip_grad_norm_(plain.parameters(), 0.5)
        optimizer.step()
    for name, tensor in plain.state_dict().items():
        assert_allclose(model.state_dict()[name], tensor, atol=1e-7)


@pytest.mark.parametrize("at", [12, 23])
def test_a_run_that_broke_off_goes_on_as_if_it_had_not(tmp_path, unbroken, at):
    broken_off(tmp_path / "run", at)
    # Rows that came after the last checkpoint are written again, and not twice.
    with (tmp_path / "run" / "curve.csv").open("a") as file:
        file.write("25,9.9,,,,,\n")
    # Whatever was drawn in between, and whatever weights the network starts from.
    torch.manual_seed(at)
    model, result = run(tmp_path / "run", model=network(seed=at))
    assert result.resumed_from == 5 * (at // 5)
    assert_same_weights(model, unbroken[0])
    assert without_time(result.curve) == without_time(unbroken[1].curve)
    assert (result.best_step, result.best_validation) == (unbroken[1].best_step, unbroken[1].best_validation)


@pytest.mark.parametrize("plateau", [1, 2, 5])
def test_the_rate_is_halved_where_torch_would_halve_it(plateau):
    validations = torch.rand(200, generator=torch.Generator().manual_seed(plateau)).mul(20).round().tolist()
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    # Torch halves when more validations than its patience were bad.
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=plateau - 1, threshold=0)
    for number, loss in enumerate(validations, start=1):
        schedule.step(loss)
        rate = 0.5 ** fit.halvings(validations[:number], plateau)
        if rate > 1e-7:  # where torch stops to halve
            assert optimizer.param_groups[0]["lr"] == rate
    assert fit.halvings(validations, plateau) > 3


def test_a_run_on_a_plateau_slows_down_also_after_a_break(tmp_path):
    """Steps too small to change anything: no validation is better than the first."""
    options = {"schedule": "plateau", "plateau": 2, "learning_rate": 1e-20, "optimizer": "sgd", "validate_every": 5}
    _, result = run(tmp_path / "whole", **options)
    rates = [row["learning_rate"] / 1e-20 for row in result.curve]
    assert_allclose(rates, [1, 1, 1, 0.5, 0.5, 0.25])
    broken_off(tmp_path / "run", 17, **options)
    _, resumed = run(tmp_path / "run", **options)
    assert resumed.resumed_from == 15
    assert without_time(resumed.curve) == without_time(result.curve)


def test_a_plateau_without_validation_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"schedule plateau needs batches to validate with"):
        run(tmp_path / "run", schedule="plateau", validate=None)


def test_a_network_that_was_in_use_is_trained_as_one_that_was_not(tmp_path, unbroken):
    model = network().eval()
    run(tmp_path / "run", 12, model)
    # The first part has left it ready for use.
    assert not model.training
    run(tmp_path / "run", 30, model)
    assert_same_weights(model, unbroken[0])


def test_a_run_that_was_killed_goes_on_as_if_it_had_not(tmp_path, unbroken):
    folder = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-m", "tests.neural.toy_network", str(folder), "1", "17"], cwd=ROOT)
    try:
        while not (folder / "waiting").exists():
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.02)
        # The batches of steps 15 and 16 are on their way or taken; nothing of them is in a checkpoint.
        wait_until(lambda: (folder / "step-00000015.pt").exists() and "15" in (folder / "run.json").read_text())
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    finally:
        process.kill()
    (folder / ".mss-lab-half").mkdir()
    (folder / ".mss-lab-half" / "step-00000020.pt").write_bytes(b"half a checkpo")
    with (folder / "curve.csv").open("a") as file:
        file.write("16,0.")
    model, result = run(folder)
    assert result.resumed_from == 15
    assert_same_weights(model, unbroken[0])
    assert without_time(result.curve) == without_time(unbroken[1].curve)


def wait_until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_run_that_is_over_is_not_run_again(unbroken):
    folder = unbroken[1].folder
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    model, result = run(folder, model=network(seed=5), made=Broken(0))
    assert_same_weights(model, unbroken[0])
    assert result.curve == unbroken[1].curve
    assert (result.steps, result.stopped, result.resumed_from) == (30, "done", 30)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_run_may_be_made_longer_where_nothing_depends_on_its_length(tmp_path, unbroken):
    run(tmp_path / "run", 20)
    model, result = run(tmp_path / "run", 30)
    assert result.resumed_from == 20
    assert_same_weights(model, unbroken[0])
    run(tmp_path / "cosine", 10, schedule="cosine", validate=None)
    with pytest.raises(ValueError, match="steps was 10, is 20"):
        run(tmp_path / "cosine", 20, schedule="cosine", validate=None)


def test_another_run_is_refused_and_what_differs_is_said(tmp_path, unbroken):
    folder = unbroken[1].folder
    with pytest.raises(ValueError, match=r"holds another run, which differs: learning_rate was 0\.01, is 0\.02; seed"):
        run(folder, learning_rate=0.02, seed=3)
    with pytest.raises(ValueError, match=r"settings\.hidden was 12, is 8; weights\.first\.weight was \[12, 65\]"):
        run(folder, model=network(hidden=8))
    with pytest.raises(ValueError, match="validation was"):
        run(folder, validate=validation()[:1])


def test_two_checkpoints_are_kept_and_nothing_else(unbroken):
    folder = unbroken[1].folder
    best = f"best-{unbroken[1].best_step:08d}.pt"
    assert {path.name for path in folder.iterdir()} >= {"run.json", "curve.csv", "step-00000030.pt", best}


def test_a_torn_checkpoint_falls_back_to_the_one_before(tmp_path, unbroken):
    folder = tmp_path / "run"
    broken_off(folder, 23)
    assert sorted(path.name for path in folder.glob("step-*")) == ["step-00000015.pt", "step-00000020.pt"]
    torn = folder / "step-00000020.pt"
    torn.write_bytes(torn.read_bytes()[:-100])
    with pytest.warns(UserWarning, match=r"step-00000020\.pt is damaged.*going on from step 15"):
        model, result = run(folder)
    assert result.resumed_from == 15
    assert_same_weights(model, unbroken[0])
    assert without_time(result.curve) == without_time(unbroken[1].curve)


def test_where_no_checkpoint_is_whole_the_run_is_refused(tmp_path):
    folder = tmp_path / "run"
    broken_off(folder, 12)
    for path in folder.glob("step-*"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"no checkpoint of .* can be used: step-00000010\.pt is damaged.*00000005"):
        run(folder)


def test_a_foreign_checkpoint_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    folder = tmp_path / "run"
    broken_off(folder, 7)
    (folder / "step-00000005.pt").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match=r"step-00000005\.pt is damaged, or not the one that was written here"):
        run(folder)
    # Not even where the record vouches for it.
    torch.save({"model": Trap()}, folder / "step-00000005.pt")
    record = json.loads((folder / "run.json").read_text())
    record["checkpoints"][0]["sha256"] = run_folder.shipped.sha256(folder / "step-00000005.pt")
    (folder / "run.json").write_text(json.dumps(record))
    with pytest.raises(
        ValueError, match="must be a checkpoint that mss_lab wrote, got a file that holds something els"
    ):
        run(folder)
    assert not (tmp_path / "sprung").exists()


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    (tmp_path / "lightning").mkdir()
    (tmp_path / "lightning" / "epoch=3.ckpt").write_bytes(b"")
    with pytest.raises(FileExistsError, match=r"epoch=3\.ckpt and without run\.json; a checkpoint from elsewhere"):
        run(tmp_path / "lightning")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.json").write_text('{"format": "somebody else\'s"}')
    with pytest.raises(ValueError, match="must be the record of a training run of mss_lab"):
        run(tmp_path / "other")
    (tmp_path / "other" / "run.json").write_text('{"format": ')
    with pytest.raises(ValueError, match=r"run\.json is damaged"):
        run(tmp_path / "other")


class Exploding(toy_network.ToyNetwork):
    """Its loss, or the loss's gradient alone, is no number in the seventh step."""

    gradient_only = False

    def loss(self, batch):
        loss = super().loss(batch)
        if self.training and torch.equal(batch["sources"], batches(6)["sources"]):
            # The root of 0 is 0, and rises straight up.
            return loss + (0 * self.first.bias.sum()).sqrt() if self.gradient_only else loss / 0 - loss / 0
        return loss


@pytest.mark.parametrize("gradient_only, what", [(False, "loss"), (True, "gradient of the loss")])
def test_a_loss_that_is_no_number_stops_the_run(tmp_path, gradient_only, what):
    model = Exploding(toy_network.ToySettings())
    model.gradient_only = gradient_only
    with pytest.raises(ArithmeticError, match=f"the {what} must stay finite, got nan at step 7; lower the") as caught:
        run(tmp_path / "run", model=model, checkpoint_minutes=0)
    assert "the checkpoint of step 5 is whole" in str(caught.value)
    kept = run_folder.RunFolder.again(tmp_path / "run").newest()
    assert kept.step == 5
    assert all(tensor.isfinite().all() for tensor in kept.model.values() if tensor.is_floating_point())


def test_a_validation_that_is_no_number_stops_the_run(tmp_path):
    bad = [{"sources": torch.full((1, 2, 500), math.nan)}]
    with pytest.raises(ArithmeticError, match=r"the validation loss must stay finite, got nan after step 10"):
        run(tmp_path / "run", validate=bad)


def test_a_full_disk_is_said_and_costs_nothing_that_was_there(tmp_path, unbroken):
    folder = tmp_path / "run"
    broken_off(folder, 12)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".pt"}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file may grow beyond this: a disk that fills up while a checkpoint is written.
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, hard))
    try:
        with pytest.raises(OSError, match=r"\.pt could not be written \(.*\); make room, .* goes on from its last"):
            run(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".pt"} == before
    assert not list(folder.glob(".mss-lab-*"))
    model, result = run(folder)
    assert result.resumed_from == 10
    assert_same_weights(model, unbroken[0])
    assert without_time(result.curve) == without_time(unbroken[1].curve)


def test_torch_may_say_a_full_disk_its_own_way(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match=r"could not be written \(the disk took part of it only\)"):
        run(tmp_path / "run", 5, validate=None)


def test_a_curve_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(run_folder.os, "fsync", full)
    with pytest.raises(OSError, match=r"step-00000005\.pt could not be written \(No space left on device\)"):
        run(tmp_path / "run", 5, validate=None)


class Stubborn(toy_network.ToyNetwork):
    """Validation gets worse from the third on."""

    count = 0

    def loss(self, batch):
        loss = super().loss(batch)
        if not self.training:
            self.count += 1
            return loss.detach() * 0 + abs(self.count - 4)
        return loss


def test_training_stops_where_validation_no_longer_improves(tmp_path):
    # Two batches a validation: 3 and 2, 1 and 0, 1 and 2, 3 and 4.
    model = Stubborn(toy_network.ToySettings())
    options = {"steps": 100, "validate_every": 5, "patience": 2}
    _, result = run(tmp_path / "run", model=model, **options)
    assert [row["validation"] for row in result.curve if "validation" in row] == [2.5, 0.5, 1.5, 3.5]
    assert (result.stopped, result.steps, result.best_step, result.best_validation) == ("early", 20, 10, 0.5)
    again = run(tmp_path / "run", model=Stubborn(toy_network.ToySettings()), made=Broken(0), **options)[1]
    assert (again.stopped, again.steps, again.best_step) == ("early", 20, 10)


def test_what_was_best_and_how_long_ago_outlives_a_break(tmp_path):
    options = {"steps": 100, "validate_every": 5, "patience": 2}
    broken_off(tmp_path / "run", 17, model=Stubborn(toy_network.ToySettings()), **options)
    model = Stubborn(toy_network.ToySettings())
    model.count = 6
    _, result = run(tmp_path / "run", model=model, **options)
    assert (result.stopped, result.steps, result.best_step, result.best_validation) == ("early", 20, 10, 0.5)


def test_the_network_is_left_with_its_best_weights(tmp_path):
    seen = {}

    def watch(row):
        if "validation" in row:
            seen[row["step"]] = weights_of(model)

    model = Stubborn(toy_network.ToySettings())
    run(tmp_path / "run", 20, model, validate_every=5, on_progress=watch)
    assert all(torch.equal(tensor, seen[10][name]) for name, tensor in model.state_dict().items())
    assert any(not torch.equal(tensor, seen[20][name]) for name, tensor in model.state_dict().items())


def test_or_with_its_last(tmp_path):
    model = Stubborn(toy_network.ToySettings())
    run(tmp_path / "run", 20, model, validate_every=5)
    best = weights_of(model)
    _, result = run(tmp_path / "run", 20, model, validate_every=5, keep="last")
    assert (result.best_step, result.best_validation) == (20, None)
    assert any(not torch.equal(tensor, best[name]) for name, tensor in model.state_dict().items())
    with pytest.raises(ValueError, match="keep"):
        run(tmp_path / "run", 20, model, keep="first")


def test_best_weights_that_are_damaged_are_said(tmp_path):
    folder = tmp_path / "run"
    options = {"model": Stubborn(toy_network.ToySettings()), "validate_every": 5}
    run(folder, 20, **options)
    (folder / "best-00000010.pt").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"best-00000010\.pt is damaged.*the last weights are used"):
        result = run(folder, 20, **options)[1]
    assert (result.best_step, result.best_validation) == (20, None)


def test_time_that_is_up_ends_a_call_and_not_the_run(tmp_path, unbroken):
    result = run(tmp_path / "run", minutes=0)[1]
    assert (result.stopped, result.steps) == ("time", 5)
    model, result = run(tmp_path / "run")
    assert (result.stopped, result.steps, result.resumed_from) == ("done", 30, 5)
    assert_same_weights(model, unbroken[0])


def test_a_training_that_is_asked_to_stop_keeps_its_network_and_goes_on_later(tmp_path, unbroken):
    result = run(tmp_path / "run", on_progress=lambda row: row["step"] >= 15)[1]
    assert (result.stopped, result.steps) == ("asked", 15)
    model, result = run(tmp_path / "run")
    assert (result.stopped, result.steps, result.resumed_from) == ("done", 30, 15)
    assert_same_weights(model, unbroken[0])


def test_gradients_that_are_too_long_are_made_as_long_as_allowed(tmp_path):
    options = {"optimizer": "sgd", "learning_rate": 1.0, "validate": None, "log_every": 1}
    start = weights_of(network(dropout=0.0))
    for clip_norm in (0.01, None):
        folder = tmp_path / str(clip_norm)
        model, result = run(folder, 1, network(dropout=0.0), clip_norm=clip_norm, **options)
        moved = torch.cat([(tensor - start[name]).flatten() for name, tensor in model.named_parameters()])
        length = result.curve[0]["gradient_norm"]
        assert length > 0.1
        assert_allclose(float(moved.norm()), clip_norm or length, rtol=1e-3)


def test_the_learning_rate_follows_from_the_step():
    rates = [fit.learning_rate_at(step, 100, 0.1, "cosine", 10) for step in range(100)]
    assert_allclose(rates[:10], 0.01 * torch.arange(1, 11).numpy(), rtol=1e-6)
    assert_allclose([rates[10], rates[55]], [0.1, 0.05])
    assert all(later < sooner for sooner, later in itertools.pairwise(rates[10:]))
    assert rates[-1] < 1e-4
    assert {fit.learning_rate_at(step, 100, 0.1, "constant") for step in range(200)} == {0.1}


@pytest.mark.parametrize(
    "wanted, device, bf16, expected",
    [
        ("auto", "cuda", True, "bf16-mixed"),
        ("auto", "cuda", False, "32-true"),
        ("auto", "cpu", True, "32-true"),
        ("auto", "mps", False, "32-true"),
        ("32-true", "cuda", True, "32-true"),
        ("64-true", "cpu", False, "64-true"),
    ],
)
def test_half_precision_is_for_gpus_that_have_it(wanted, device, bf16, expected):
    assert fit.precision_for(wanted, device, bf16) == expected


def test_a_run_in_bfloat16_learns_too(tmp_path):
    result = run(tmp_path / "run", precision="bf16-mixed")[1]
    assert result.precision == "bf16-mixed"
    assert result.curve[-1]["loss"] < 0.8 * result.curve[0]["loss"]


@pytest.mark.slow(7)
def test_two_processes_learn_what_one_does(tmp_path):
    options = {"validate": None, "optimizer": "sgd", "learning_rate": 0.1, "clip_norm": 0.5}
    alone, expected = run(tmp_path / "one", 5, network(normalise=False, dropout=0.0), **options)
    done = subprocess.run(
        [sys.executable, "-m", "tests.neural.toy_network", str(tmp_path / "two"), "2", "-1"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = run_folder.RunFolder.again(tmp_path / "two").newest()
    moved = max(float((tensor - network(normalise=False).state_dict()[name]).abs().max())
                for name, tensor in alone.state_dict().items())  # fmt: skip
    assert moved > 1e-3
    for name, tensor in alone.state_dict().items():
        assert_allclose(found.model[name], tensor, atol=1e-3 * moved)
    (row,) = fit.read_curve(tmp_path / "two")
    for column in ("loss", "gradient_norm", "learning_rate"):
        assert_allclose(row[column], expected.curve[0][column], rtol=1e-4)


def test_processes_share_a_batch():
    whole = batches(3)["sources"]
    assert torch.equal(torch.cat([feed._share(whole, rank, 2) for rank in range(2)]), whole)
    with pytest.raises(ValueError, match="must be a multiple of the number of processes, 3, got 4 examples"):
        feed._share(whole, 0, 3)


def test_nothing_is_said_unless_asked_for(tmp_path, capfd):
    before = {name: logging.getLogger(name).level for name in ("lightning", "lightning.pytorch", "lightning.fabric")}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(tmp_path / "run", 5, validate=None)
    assert capfd.readouterr() == ("", "")
    assert {name: logging.getLogger(name).level for name in before} == before


@pytest.mark.parametrize("live", [False, True])
def test_a_line_says_how_far_it_is_where_that_is_wanted(tmp_path, capsys, monkeypatch, live):
    broken_off(tmp_path / "run", 7)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: live)
    run(tmp_path / "run", progress=True)
    out, shown = capsys.readouterr()
    assert not out
    lines = [line.strip() for line in shown.replace("\n", "\r").split("\r") if line]
    assert re.fullmatch(r"step 10/30  loss \d\.\d+  validation \d\.\d+  \d+\.\d min left", lines[0])
    assert re.fullmatch(r"step 30/30 .* 0\.0 min left", lines[-1])
    # A log has a line a minute, and the last.
    assert (len(lines), shown.count("\n")) == ((5, 1) if live else (2, 2))


def test_progress_is_told_row_by_row(tmp_path):
    rows = []
    result = run(tmp_path / "run", 15, on_progress=rows.append)[1]
    assert tuple(rows) == result.curve


def test_draws_inside_do_not_disturb_draws_outside(tmp_path):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    run(tmp_path / "run", 5, validate=None)
    assert torch.equal(torch.rand(3), expected)


def test_the_seed_decides_what_is_drawn_inside(tmp_path):
    losses = [run(tmp_path / f"run-{i}", 5, seed=seed)[1].curve[-1]["loss"] for i, seed in enumerate((1, 1, 2))]
    assert losses[0] == losses[1] != losses[2]


def test_ctrl_c_stops_the_training_and_nothing_else(tmp_path, unbroken):
    # Of a process in the background it may be ignored.
    old = signal.signal(signal.SIGINT, signal.default_int_handler)

    def press(row):
        if row["step"] == 15:
            signal.raise_signal(signal.SIGINT)

    try:
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "run", on_progress=press, checkpoint_minutes=0)
        assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, old)
    assert_same_weights(run(tmp_path / "run")[0], unbroken[0])


class Prepared(toy_network.ToyNetwork):
    """Wants to see its data once, before it is trained."""

    def __init__(self, settings):
        super().__init__(settings)
        self.register_buffer("scale", torch.zeros(()))
        self.times = 0

    def prepare(self, batches):
        self.times += 1
        self.scale.copy_(batches(0)["sources"].abs().max())


def test_a_network_is_prepared_once_in_a_run(tmp_path):
    first = Prepared(toy_network.ToySettings())
    broken_off(tmp_path / "run", 12, model=first)
    second = Prepared(toy_network.ToySettings())
    run(tmp_path / "run", model=second)
    assert (first.times, second.times) == (1, 0)
    assert second.scale == first.scale > 0


def test_tensorboard_is_used_where_it_is_installed(tmp_path, monkeypatch):
    found = fit.importlib.util.find_spec("tensorboard")
    assert (fit._tensorboard(tmp_path) is False) == (found is None)
    monkeypatch.setattr(fit.importlib.util, "find_spec", lambda name: None)
    assert fit._tensorboard(tmp_path) is False


def test_the_curve_has_whole_lines_only(tmp_path):
    assert fit.read_curve(tmp_path) == []
    (tmp_path / "curve.csv").write_text("step,loss,learning_rate\n5,1.5,\n10,1.")
    assert fit.read_curve(tmp_path) == [{"step": 5, "loss": 1.5}]


@pytest.mark.parametrize(
    "options, words",
    [
        ({"steps": 0}, "steps must be a whole number at least 1, got 0"),
        ({"optimizer": "adamm"}, "optimizer must be one of .* did you mean 'adam'"),
        ({"schedule": "linear"}, "schedule must be one of 'constant', 'cosine'"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0"),
        ({"clip_norm": -1}, "clip_norm must be a number above 0"),
        ({"patience": 0}, "patience must be a whole number at least 1"),
        ({"patience": 3, "validate": None}, "patience needs batches to validate with"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(tmp_path, options, words):
    with pytest.raises(ValueError, match=words):
        run(tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()
