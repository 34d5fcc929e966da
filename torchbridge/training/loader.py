"""A loader that can go on in the middle of an epoch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from odeanalysis.errors import ModelError
from torchbridge.training.sources import Source, Tensors


@dataclass(eq=False)
class Epoch:
    """The number of an epoch, which Lightning sets on what a loader has for its `sampler`."""

    number: int = 0

    def set_epoch(self, epoch: int) -> None:
        self.number = epoch


class Loader:
    """The batches of a source, for Lightning's `Trainer`: it begins where a checkpoint says that the training had come to.

    limit: how many batches of an epoch are used, where not all are; it is asked when a checkpoint is made.
    told: what the batches depend on, kept in the checkpoint. Raises ModelError for a checkpoint that says something else.
    """

    batch_sampler = None  # Lightning asks for it where there is a sampler

    def __init__(self, source: Source, limit: Callable[[], float] = lambda: float("inf"), **told: Any):
        self.source, self.limit, self.told = source, limit, told
        self.sampler = Epoch()
        self._next = 0
        self._begins = 0

    def __len__(self) -> int:
        return len(self.source)

    def __iter__(self) -> Iterator[Tensors]:
        begins, self._begins = self._begins, 0
        for place in range(begins, len(self)):
            self._next = place + 1
            yield self.source.batch(self.sampler.number, place)

    def state_dict(self) -> dict[str, Any]:
        """The place of the batch that comes next, 0 behind the last one."""
        return {"next": self._next % int(min(len(self), self.limit())), **self.told}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, value in self.told.items():
            if state.get(name) != value:
                raise ModelError(
                    f"the checkpoint was made with {name} = {state.get(name)}, the data have {name} = {value}: the batches that "
                    "follow would be others; give the same data, or start anew"
                )
        self._begins = self._next = state["next"]
