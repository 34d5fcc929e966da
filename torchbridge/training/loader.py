"""A loader that can go on in the middle of an epoch."""

from collections.abc import Callable, Iterator
from typing import Any

from odeanalysis.errors import ModelError
from torchbridge.training.sources import Source, Tensors


class Loader:
    """The batches of a source, for Lightning's `Trainer`: it begins where a checkpoint says that the training had come to.

    epoch: gives the number of the one that begins.  limit: gives how many batches of it are used.
    told: what the batches depend on, kept in the checkpoint. Raises ModelError for a checkpoint that says something else.
    """

    def __init__(self, source: Source, epoch: Callable[[], int], limit: Callable[[], float], **told: Any):
        self.source, self.epoch, self.limit, self.told = source, epoch, limit, told
        self._next = 0
        self._begins = 0

    def __len__(self) -> int:
        return len(self.source)

    def __iter__(self) -> Iterator[Tensors]:
        begins, self._begins, epoch = self._begins, 0, self.epoch()
        for place in range(begins, len(self)):
            self._next = place + 1
            yield self.source.batch(epoch, place)

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
