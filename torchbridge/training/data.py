"""Data modules whose batches can be made again: what a run sees does not depend on how often it was interrupted, or on its processes."""

from collections.abc import Sequence
from typing import Any

import lightning.pytorch as L
import numpy as np
import torch
from sklearn.datasets import load_digits

from odeanalysis.errors import ModelError
from torchbridge.training.loader import Loader
from torchbridge.training.shares import WHOLE, Share
from torchbridge.training.sources import Draw, Drawn, Rows, Source, Tensors, as_tensors, length, taken


class Data(L.LightningDataModule):
    """What data modules share.  batch_size: how many samples a step takes, all processes together."""

    def __init__(self, batch_size: int, seed: int):
        super().__init__()
        if batch_size < 1:
            raise ModelError(f"batch_size is {batch_size}; give a number of samples above 0")
        self.batch_size, self.seed = batch_size, seed

    @property
    def share(self) -> Share:
        """That of this process; everything where no trainer asks."""
        return WHOLE if self.trainer is None else Share(self.trainer.global_rank, self.trainer.world_size)

    def _trained_on(self, source: Source, **told: Any) -> Loader:
        """For epochs of training; where no trainer asks, the first one."""

        def epoch() -> int:
            return 0 if self.trainer is None else self.trainer.current_epoch

        def limit() -> float:
            return float("inf") if self.trainer is None else self.trainer.num_training_batches

        return Loader(source, epoch, limit, seed=self.seed, batch_size=self.batch_size, **told)

    def _passed_through(self, tensors: Tensors) -> Loader:
        """For a pass in the order of the rows."""
        self.share.check_some(length(tensors), self.batch_size)
        return Loader(Rows(tensors, self.batch_size, share=self.share), lambda: 0, lambda: float("inf"))


class TensorData(Data):
    """Tensors or arrays, split at random into three parts, for training, validation and test.

    data: tensors of one length, as a tuple (x, y) or by name.  split: the shares of the three parts, or how many samples each has.
    seed: of the split and of the order in training, which is another one in every epoch unless `shuffle` is False.
    drop_last: whether the last batch of an epoch of training is left out where it is shorter.
    Raises ModelError for data of several lengths, and for a split that has no samples for training or more than there are; when it is used
    by several processes that cannot share a batch evenly, as `Share` does.
    """

    def __init__(
        self,
        data: Any,
        batch_size: int,
        *,
        split: Sequence[float] = (0.8, 0.1, 0.1),
        seed: int = 0,
        shuffle: bool = True,
        drop_last: bool = False,
    ):
        super().__init__(batch_size, seed)
        self.shuffle, self.drop_last = shuffle, drop_last
        tensors = as_tensors(data)
        sizes = _sizes(split, length(tensors))
        order = torch.from_numpy(np.random.default_rng(seed).permutation(length(tensors)))
        self.parts = tuple(taken(tensors, rows) for rows in order[: sum(sizes)].split(sizes))
        self.sizes = sizes

    def train_dataloader(self) -> Loader:
        self.share.check_even(self.sizes[0], self.batch_size, self.drop_last)
        rows = Rows(self.parts[0], self.batch_size, self.seed if self.shuffle else None, self.drop_last, self.share)
        return self._trained_on(rows, samples=self.sizes[0])

    def val_dataloader(self) -> Any:
        return self._passed_through(self.parts[1]) if self.sizes[1] else []

    def test_dataloader(self) -> Any:
        return self._passed_through(self.parts[2]) if self.sizes[2] else []


class DrawnData(Data):
    """Data drawn afresh for every step.

    draw: (how many, a NumPy generator) -> tensors or arrays, as a tuple or by name: `generated.two_moons`, or your own.
    batches: how many make an epoch.  val, test: how many samples are drawn once for each of those.  seed: of all.
    """

    def __init__(self, draw: Draw, batch_size: int, *, batches: int = 100, val: int = 1024, test: int = 1024, seed: int = 0):
        super().__init__(batch_size, seed)
        self.draw, self.batches, self.val, self.test = draw, batches, val, test

    def train_dataloader(self) -> Loader:
        self.share.check_even(self.batch_size, self.batch_size, True)
        return self._trained_on(Drawn(self.draw, self.batch_size, self.batches, self.seed, self.share))

    def val_dataloader(self) -> Any:
        return self._once(self.val, 0)

    def test_dataloader(self) -> Any:
        return self._once(self.test, 1)

    def _once(self, count: int, stream: int) -> Any:
        if not count:
            return []
        return self._passed_through(as_tensors(self.draw(count, np.random.default_rng((self.seed, stream)))))


def digits(batch_size: int = 64, **options: Any) -> TensorData:
    """The 1797 digits of scikit-learn: images [n, 1, 8, 8] with values from 0 to 1, and classes 0 to 9.  options: as for `TensorData`."""
    images, label = load_digits(return_X_y=True)
    return TensorData((images.reshape(-1, 1, 8, 8) / 16, label), batch_size, **options)


def _sizes(split: Sequence[float], count: int) -> list[int]:
    """How many samples each part has; what shares leave by rounding goes to the first."""
    if len(split) != 3 or min(split) < 0:
        raise ModelError(f"split is {tuple(split)}; give three shares, or three numbers of samples")
    if all(isinstance(one, int) for one in split):
        sizes = [int(one) for one in split]
    else:
        rest = [int(one * count) for one in split[1:]]
        sizes = [round(sum(split) * count) - sum(rest), *rest]
    if not split[0] or sizes[0] < 1 or sum(sizes) > count:
        raise ModelError(f"split {tuple(split)} of {count} samples gives parts of {sizes}; leave some for training, take at most all")
    return sizes
