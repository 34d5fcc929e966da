"""Work counted in calls of Python functions, so that a test of what takes very long neither takes long nor measures time."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class TooMuch(BaseException):
    """More calls than were allowed; no `Exception`, so that nobody on the way handles it."""


@contextmanager
def at_most(calls: int) -> Iterator[None]:
    """Raises TooMuch where the block calls Python functions more often."""
    left = [calls]

    def tick(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            left[0] -= 1
            if left[0] < 0:
                sys.setprofile(None)
                raise TooMuch

    before = sys.getprofile()
    sys.setprofile(tick)
    try:
        yield
    finally:
        sys.setprofile(before)
