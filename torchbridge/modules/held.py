"""The parameters that a module has when a solve begins, kept for its way back.

`torch.func.functional_call` lends a module other parameters for one call; the gradient comes after that, when the module has its own again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

Entry = tuple[dict[str, Any], str, Tensor | None]


class Held:
    """The parameters and buffers of a module as they are now, as objects: values that training writes into them are seen."""

    def __init__(self, module: nn.Module):
        tables = [table for one in module.modules() for table in (one._parameters, one._buffers)]
        self.entries: list[Entry] = [(table, key, value) for table in tables for key, value in table.items()]

    @contextmanager
    def back(self) -> Iterator[None]:
        """The module with these again, where it has others by now."""
        lent = [(table, key, table.get(key)) for table, key, value in self.entries if table.get(key) is not value]
        if not lent:
            yield
            return
        for table, key, value in self.entries:
            table[key] = value
        try:
            yield
        finally:
            for table, key, value in lent:
                table[key] = value
