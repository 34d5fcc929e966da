"""Batches are functions of seed, epoch and place; points and digits are what they are said to be."""

import re
import subprocess
import sys
from collections.abc import Iterable

import numpy as np
import pytest
import torch
from sklearn.datasets import make_moons

from odeanalysis.errors import ModelError
from torchbridge.training import DrawnData, TensorData, check_installed, digits, rings, two_moons
from torchbridge.training.loader import Loader
from torchbridge.training.shares import Share
from torchbridge.training.sources import Drawn, Rows, as_tensors

pytestmark = pytest.mark.xdist_group("training")
ROWS = (torch.arange(11), torch.arange(11) * 10)


def epoch(source, number: int = 0) -> list[list[int]]:
    return [source.batch(number, place)[0].tolist() for place in range(len(source))]


def flat(parts: Iterable[list[int]]) -> list[int]:
    return [one for part in parts for one in part]


# ---------------------------------------------------------------- sources


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("seed", [None, 3])
def test_an_epoch_has_every_row_once(seed, drop_last):
    source = Rows(ROWS, 4, seed, drop_last)
    seen = flat(epoch(source, 5))
    assert len(set(seen)) == len(seen) == (8 if drop_last else 11) and len(source) == (2 if drop_last else 3)
    assert (seed is None) == (seen == sorted(seen)[: len(seen)])
    x, y = source.batch(5, 1)
    assert torch.equal(y, 10 * x)


def test_the_order_is_that_of_the_seed_and_the_epoch_in_whatever_turn_batches_are_asked_for():
    one, again, other = Rows(ROWS, 4, 3), Rows(ROWS, 4, 3), Rows(ROWS, 4, 4)
    forward = [epoch(one, number) for number in range(3)]
    backward = [epoch(again, number) for number in (2, 1, 0)]
    assert forward == backward[::-1] and forward[0] != forward[1] and epoch(other) != forward[0]


def test_samples_drawn_afresh_are_those_of_seed_epoch_and_place():
    one, again, other = (Drawn(two_moons, 6, 3, seed) for seed in (1, 1, 2))
    found = {(number, place): one.batch(number, place)[0] for number in range(2) for place in range(3)}
    assert all(torch.equal(again.batch(*place)[0], batch) for place, batch in reversed(found.items()))
    assert len({float(batch.sum()) for batch in found.values()}) == 6 and not torch.equal(other.batch(0, 0)[0], found[0, 0])


@pytest.mark.parametrize("make", [lambda share: Rows(ROWS, 4, 3, share=share), lambda share: Drawn(two_moons, 4, 2, 1, share)])
def test_processes_share_the_batches_of_one(make):
    whole, parts = make(Share()), [make(Share(rank, 2)) for rank in range(2)]
    for place in range(len(whole)):
        together = torch.cat([part.batch(1, place)[0] for part in parts])
        assert sorted(together.tolist()) == sorted(whole.batch(1, place)[0].tolist())


def test_data_of_any_form_become_tensors():
    assert [one.dtype for one in as_tensors((np.zeros((2, 1)), np.zeros(2, dtype=int), torch.zeros(2).double()))] == [
        torch.float32,
        torch.int64,
        torch.float64,
    ]
    named = Rows(as_tensors({"x": np.arange(4), "y": np.arange(4)}), 2).batch(0, 1)
    assert isinstance(named, dict) and named["y"].tolist() == [2, 3] and len(as_tensors(np.zeros(3))) == 1


# ---------------------------------------------------------------- loaders


def test_a_loader_goes_on_where_another_one_was():
    """Behind the last batch comes the first one of the next epoch."""
    one = loader(4)
    batches, seen = iter(one), []
    for _ in range(len(one)):
        seen.append(next(batches)[0].tolist())
        other = loader(4)
        other.load_state_dict(one.state_dict())
        rest = [batch[0].tolist() for batch in other]
        assert [*seen, *rest] == epoch(one.source, 4) if len(seen) < 6 else rest == seen
    assert [batch[0].tolist() for batch in one] == seen != [batch[0].tolist() for batch in loader(5)]


def loader(number: int) -> Loader:
    """Of an epoch."""
    return Loader(Rows(ROWS, 2, 3), lambda: number, lambda: 6)


# ---------------------------------------------------------------- data modules


@pytest.mark.parametrize(("split", "sizes"), [((0.5, 0.25, 0.25), [7, 2, 2]), ((7, 3, 1), [7, 3, 1]), ((0.9, 0, 0), [10, 0, 0])])
def test_parts_are_disjoint_and_those_of_the_seed(split, sizes):
    one, again, other = (TensorData(ROWS, 4, split=split, seed=seed) for seed in (0, 0, 1))
    parts = [part[0].tolist() for part in one.parts]
    assert [len(part) for part in parts] == sizes and len(set(flat(parts))) == sum(sizes)
    assert parts == [part[0].tolist() for part in again.parts] != [part[0].tolist() for part in other.parts]


def test_validation_and_test_pass_through_all_samples_in_one_order():
    data = TensorData(ROWS, 2, split=(4, 4, 3))
    for one, part in ((data.val_dataloader(), data.parts[1]), (data.test_dataloader(), data.parts[2])):
        assert flat(batch[0].tolist() for batch in one) == part[0].tolist()
    drawn = DrawnData(two_moons, 4, batches=3, val=6, test=5)
    sums = [
        [float(batch[0].sum()) for batch in loader] for loader in (drawn.val_dataloader(), drawn.val_dataloader(), drawn.test_dataloader())
    ]
    assert sums[0] == sums[1] != sums[2] and len(drawn.train_dataloader()) == 3
    assert DrawnData(two_moons, 4, val=0, test=0).val_dataloader() == DrawnData(two_moons, 4, test=0).test_dataloader() == []


def test_rows_keep_their_order_where_they_are_not_to_be_shuffled():
    data = TensorData(ROWS, 4, split=(11, 0, 0), shuffle=False)
    for number in range(2):
        assert flat(epoch(data.train_dataloader().source, number)) == data.parts[0][0].tolist()


WRONG = {
    "lengths": (lambda: TensorData((torch.zeros(3), torch.zeros(4)), 2), "data of 3 and 4 samples; give tensors whose first axes"),
    "nothing": (lambda: TensorData((), 2), "data of no samples"),
    "kind": (lambda: TensorData(3, 2), "data are int; give tensors or arrays, as a tuple or by name"),
    "batch": (lambda: TensorData(ROWS, 0), "batch_size is 0; give a number of samples above 0"),
    "split": (lambda: TensorData(ROWS, 2, split=(0.5, 0.5)), re.escape("split is (0.5, 0.5); give three shares")),
    "too many": (lambda: TensorData(ROWS, 2, split=(9, 2, 1)), re.escape("split (9, 2, 1) of 11 samples gives parts of [9, 2, 1]")),
    "none": (lambda: TensorData(ROWS, 2, split=(0, 0.5, 0.5)), "leave some for training"),
    "drawn": (lambda: Drawn(lambda count, rng: rng.normal(size=count + 1), 4, 1).batch(0, 0), "draw gives 5 samples, not the 4 that"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_told(case):
    call, message = WRONG[case]
    with pytest.raises(ModelError, match=message):
        call()


# ---------------------------------------------------------------- points and digits


def test_moons_are_half_circles_as_those_of_scikit_learn():
    points, label = two_moons(400, np.random.default_rng(0), noise=0.0)
    known, _ = make_moons(2000)
    assert max(np.linalg.norm(known - point, axis=1).min() for point in points) < 0.01
    assert np.allclose(np.linalg.norm(points - np.where(label[:, None] == 0, [0, 0], [1, 0.5]), axis=1), 1)
    noisy, _ = two_moons(4000, np.random.default_rng(0), noise=0.2)
    assert abs(np.linalg.norm(noisy[::2], axis=1).std() - 0.2) < 0.02


@pytest.mark.parametrize("dim", [2, 3])
def test_rings_are_between_their_radii_and_even(dim):
    """Evenly spread: the volume within the middle radius of a ring holds half of it."""
    points, label = rings(6000, np.random.default_rng(0), dim=dim)
    radius = np.linalg.norm(points, axis=1)
    assert radius[label == 0].max() <= 0.5 and radius[label == 1].min() >= 1 and radius.max() <= 2 and label.mean() == 0.5
    middle = ((1 + 2**dim) / 2) ** (1 / dim)
    assert abs((radius[label == 1] < middle).mean() - 0.5) < 0.03 and np.abs(points.mean(0)).max() < 0.05


def test_digits_are_images_with_classes():
    data = digits(100, seed=1)
    x, y = data.parts[0]
    assert x.shape[1:] == (1, 8, 8) and x.dtype == torch.float32 and 0 == x.min() < x.max() == 1
    assert sum(data.sizes) == 1797 and set(y.tolist()) == set(range(10))


# ---------------------------------------------------------------- what must be there


def test_a_missing_package_is_told_with_what_to_install():
    with pytest.raises(
        ModuleNotFoundError, match=re.escape("torchbridge.training needs no_such_package; run: pip install -c constraints.txt")
    ):
        check_installed(("torch", "no_such_package"))


def test_nothing_of_it_is_imported_before_it_is_asked_for():
    told = "import sys, torchbridge; print([name for name in ('lightning', 'torchmetrics', 'sklearn') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout.strip() == "[]"
