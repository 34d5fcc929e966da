"""Which samples of a batch a process takes."""

from dataclasses import dataclass

from torch import Tensor

from odeanalysis.errors import ModelError


@dataclass(frozen=True)
class Share:
    """Every `processes`-th sample from the one numbered `rank`: the processes' shares together are the batch.

    Processes take the mean of their gradients. Of losses that are means over samples this is the mean over the batch where the shares are
    of one size, and another number where they are not: `check_even` refuses those.
    """

    rank: int = 0
    processes: int = 1

    def of(self, rows: Tensor) -> Tensor:
        """The share of the rows of a batch."""
        return rows[self.rank :: self.processes]

    def check_some(self, count: int, batch_size: int) -> None:
        """Raises ModelError where a process has no sample of some batch."""
        last = count % batch_size or batch_size
        if min(last, count) < self.processes:
            raise ModelError(
                f"the last batch has {min(last, count)} samples for {self.processes} processes: {count} samples in batches of "
                f"{batch_size}; give another batch size or number of samples"
            )

    def check_even(self, count: int, batch_size: int, drop_last: bool) -> None:
        """Raises ModelError where a batch of an epoch over `count` samples cannot be shared out evenly."""
        sizes = {min(batch_size, count), 0 if drop_last and count > batch_size else count % batch_size}
        for size in sizes:
            if size % self.processes:
                raise ModelError(
                    f"a batch of {size} samples has no even shares for {self.processes} processes, and the mean of their gradients would "
                    f"not be that of the batch: {count} samples in batches of {batch_size}; give a batch size that {self.processes} divides"
                    f"{'' if size == batch_size else ', and drop_last=True'}"
                )


WHOLE = Share()
