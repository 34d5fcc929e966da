"""A run that is killed at any moment goes on from its last checkpoint to the same losses, to the last bit.

Its batches are shuffled, its field has noise, and drop-out and a schedule of the learning rate go with it; the noise has a generator of its
own. The processes are real, and so are the signals that kill them.
"""

import os
import signal
import time
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from odeanalysis.errors import ModelError
from tests.torchbridge.training_runs import DATA, PATIENCE, ended, entropy, run, started, trainer
from torchbridge.training import SupervisedTask, TensorData, WholeFiles

pytestmark = [pytest.mark.xdist_group("training"), pytest.mark.filterwarnings("ignore")]
KILLED = -signal.SIGKILL

# what is trained -> the data, options of the run, and (where, step) at which it is killed, each time from the checkpoint before
RUNS: dict[str, tuple[str, dict[str, Any], list[tuple[str, int]]]] = {
    "rows": ("rows", {}, [("backward", 0), ("batch", 3), ("batch", 5), ("validation", 5), ("epoch", 5), ("epoch", 10)]),
    "samples drawn afresh": ("drawn", {}, [("batch", 2), ("backward", 7)]),
    "a checkpoint now and then": ("rows", {"every": 4}, [("backward", 3), ("batch", 9)]),
    "a number of steps": ("rows", {"max_epochs": None, "max_steps": 12}, [("batch", 6), ("batch", 9)]),
    "parts of epochs": ("rows", {"limit_train_batches": 4, "max_epochs": None, "max_steps": 11}, [("batch", 3), ("batch", 5)]),
    "steps of two batches": ("rows", {"accumulate_grad_batches": 2}, [("batch", 4), ("batch", 5)]),
    "validation within epochs": ("rows", {"val_check_interval": 2}, [("batch", 4), ("batch", 9)]),
}


def losses(folder: Path) -> list[str]:
    return (folder / "losses").read_text().splitlines()


@cache
def uninterrupted(data: str, **options: Any) -> tuple[str, ...]:
    with TemporaryDirectory() as folder:
        run(Path(folder), data, **options)
        return tuple(losses(Path(folder)))


def check_same(found: list[str], whole: tuple[str, ...]) -> None:
    """Nothing else was seen, all was seen, and the run ended as it should."""
    assert not set(found) ^ set(whole)
    assert found[-3:] == list(whole[-3:])


@pytest.mark.parametrize("kind", RUNS)
def test_a_killed_run_goes_on_to_the_same_losses(kind, tmp_path):
    data, options, moments = RUNS[kind]
    for moment in moments:
        assert ended(started(run, tmp_path, data, moment, **options)) == KILLED, moment
    run(tmp_path, data, **options)
    check_same(losses(tmp_path), uninterrupted(data, **options))


def test_a_run_killed_from_outside_goes_on_to_the_same_losses(tmp_path):
    """Wherever it happens to be."""
    options: dict[str, Any] = {"max_epochs": 5}
    until = time.monotonic() + PATIENCE
    for lines in (4, 17):
        process = started(run, tmp_path, "rows", **options)
        while not (tmp_path / "losses").exists() or len(losses(tmp_path)) < lines:
            assert process.is_alive() and time.monotonic() < until
            time.sleep(0.005)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        assert ended(process) == KILLED
    run(tmp_path, "rows", **options)
    check_same(losses(tmp_path), uninterrupted("rows", **options))


LONGER = {"epochs": ("max_epochs", (2, 2, 3), {}), "steps": ("max_steps", (7, 7, 15), {"max_epochs": None, "every": 4})}


@pytest.mark.parametrize("unit", LONGER)
def test_a_run_that_has_ended_stays_so_and_can_be_made_longer(unit, tmp_path):
    name, lengths, options = LONGER[unit]
    for length in lengths:
        run(tmp_path, "rows", **{**options, name: length})
    assert losses(tmp_path) == list(uninterrupted("rows"))


# ---------------------------------------------------------------- what a checkpoint must be


def test_a_checkpoint_that_is_half_written_leaves_the_one_before(tmp_path, monkeypatch):
    path, files = tmp_path / "last.ckpt", WholeFiles()
    files.save_checkpoint({"step": 1}, path)

    def half(self: Any, checkpoint: dict[str, Any], path: str, storage_options: Any = None) -> None:
        Path(path).write_bytes(b"PK")
        raise KeyboardInterrupt

    monkeypatch.setattr(TorchCheckpointIO, "save_checkpoint", half)
    with pytest.raises(KeyboardInterrupt):
        files.save_checkpoint({"step": 2}, path)
    assert torch.load(path) == {"step": 1}


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    run(tmp_path, "rows", max_epochs=1)
    task = SupervisedTask(torch.nn.Linear(2, 3), entropy)
    message = (
        r"the checkpoint is of another model \(network.bias: none there, \(3,\) here; network.flow.field.0.bias: \(6,\) there, none here;"
    )
    with pytest.raises(ModelError, match=message + r".* and 5 more\); give the model that it was made with"):
        trainer(max_epochs=2).fit(task, datamodule=DATA["rows"](), ckpt_path=tmp_path / "last.ckpt")


def test_a_run_with_two_ends_is_refused(tmp_path):
    """It would end an epoch early when it goes on."""
    with pytest.raises(ModelError, match="max_steps = 9 and max_epochs = 3: Lightning miscounts epochs when such a run goes on; give one"):
        run(tmp_path, "rows", max_epochs=3, max_steps=9)


@pytest.mark.parametrize(("changed", "said"), [({"seed": 1}, "seed = 0"), ({"batch_size": 8}, "batch_size = 9")])
def test_a_checkpoint_of_other_batches_is_refused(changed, said):
    before, after = (
        TensorData(torch.zeros(50, 2), **{"batch_size": 9, "seed": 0, **options}).train_dataloader() for options in ({}, changed)
    )
    with pytest.raises(ModelError, match=f"the checkpoint was made with {said}, the data have .*; give the same data, or start anew"):
        after.load_state_dict(before.state_dict())
