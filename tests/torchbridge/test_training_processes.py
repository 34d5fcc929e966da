"""Two processes of one machine, each with half of a batch, take the steps that one takes with the whole batch."""

from typing import Any

import pytest
import torch

from odeanalysis.errors import ModelError
from tests.torchbridge.training_processes import PROCESSES, TASKS, Caught, free_port, process, trained
from tests.torchbridge.training_runs import DATA, ended, started
from torchbridge.training.shares import Share

pytestmark = [pytest.mark.xdist_group("training"), pytest.mark.filterwarnings("ignore")]
SAME = 1e-12  # relative, in float64: the order of sums
RTOL = 1e-4  # of the solves that control their error
COMMON = "steps common to a batch"

Found = dict[str, tuple[list[dict[str, torch.Tensor]], dict[str, torch.Tensor], float]]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[Found]:
    """What each of the two processes has found."""
    folder, port = tmp_path_factory.mktemp("processes"), free_port()
    running = [started(process, rank, port, folder) for rank in range(PROCESSES)]
    assert [ended(one) for one in running] == [0] * PROCESSES
    return [torch.load(folder / f"{rank}.pt") for rank in range(PROCESSES)]


def differences(alone: Caught, found: Any) -> list[float]:
    """Of the gradients of every step, and of the parameters behind the last one: the largest, relative to the largest entry."""
    gradients, parameters, _ = found
    assert len(alone.gradients) == len(gradients) == 2
    pairs = [*zip(alone.gradients, gradients, strict=True), (alone.parameters, parameters)]
    return [max(_apart(one[name], other[name]) for name in one) for one, other in pairs]


def _apart(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().max() / one.abs().max().clamp_min(1e-300))


def test_means_of_validation_are_those_of_all_samples(both):
    alone = trained("fixed steps").val_loss
    assert [found["fixed steps"][2] for found in both] == pytest.approx([alone] * PROCESSES, rel=SAME)


@pytest.mark.parametrize("kind", [kind for kind in TASKS if kind != COMMON])
def test_two_processes_have_the_gradients_of_one(kind, both):
    alone = trained(kind)
    for found in both:
        assert max(differences(alone, found[kind])) < SAME


def test_steps_common_to_half_a_batch_are_other_steps(both):
    """Their gradients agree as far as the tolerance says, and no further."""
    *gradients, parameters = differences(trained(COMMON), both[0][COMMON])
    assert 1e-10 < max(gradients) < 10 * RTOL and parameters < RTOL
    for one, other in zip(both[0][COMMON][0], both[1][COMMON][0], strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_parameter_that_a_field_does_not_use_holds_no_process_up(both):
    """It is told, and its gradient is 0, not missing: nobody waits for it."""
    with pytest.warns(UserWarning, match="spare do not reach the value of the field: their gradients are 0"):
        alone = trained("fixed steps")
    (name,) = [name for name in alone.parameters if "spare" in name]
    assert not alone.gradients[0][name].any() and not both[1]["fixed steps"][0][0][name].any()


# ---------------------------------------------------------------- shares


@pytest.mark.parametrize("count", [8, 7, 2])
def test_shares_make_the_batch(count):
    rows = torch.arange(count)
    parts = [Share(rank, 3).of(rows) for rank in range(3)]
    assert sorted(torch.cat(parts).tolist()) == rows.tolist()
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_means_of_uneven_shares_are_not_the_mean_of_the_batch():
    """Which is why uneven batches are refused."""
    batch = torch.tensor([1.0, 2.0, 6.0])
    means = [Share(rank, 2).of(batch).mean() for rank in range(2)]
    assert sum(means) / 2 != batch.mean()


UNEVEN = {
    "the last batch": ((22, 8, False), "a batch of 6 samples has no even shares for 4 .*, and drop_last=True"),
    "every batch": ((20, 10, False), "a batch of 10 samples has no even shares for 4 processes"),
    "fewer samples than a batch": ((6, 8, True), "a batch of 6 samples has no even shares for 4 processes"),
}


@pytest.mark.parametrize("case", UNEVEN)
def test_uneven_batches_are_refused(case):
    arguments, message = UNEVEN[case]
    with pytest.raises(ModelError, match=message):
        Share(0, 4).check_even(*arguments)


def test_even_batches_are_not():
    for arguments in ((20, 8, False), (22, 8, True), (16, 8, False), (4, 8, False)):
        Share(0, 4).check_even(*arguments)
    Share().check_even(7, 3, False)


def test_a_process_without_samples_is_refused():
    with pytest.raises(ModelError, match="the last batch has 1 samples for 2 processes: 9 samples in batches of 4; give another"):
        Share(0, 2).check_some(9, 4)
    Share(0, 2).check_some(10, 4)


def test_data_modules_refuse_before_they_train():
    """Also of validation."""
    data: Any = DATA["rows"]()
    for processes, loader, message in ((2, data.train_dataloader, "a batch of 9"), (3, data.val_dataloader, "1 samples for 3 processes")):
        data.trainer = Several(processes)
        with pytest.raises(ModelError, match=message):
            loader()


class Several:
    """What a data module asks of a trainer."""

    def __init__(self, processes: int):
        self.global_rank, self.world_size, self.num_training_batches = 0, processes, 1
