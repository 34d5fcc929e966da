"""The border to the code of users: claims, and the files and packages that they stand in, may raise anything."""

from collections.abc import Iterator
from contextlib import contextmanager


class Raised(Exception):
    """What the code of a user raised, in words: its class and what it says."""


@contextmanager
def border() -> Iterator[None]:
    """Within it runs code of users, whose errors are told, so that other claims go on.

    Here alone every error is caught: which classes a user has, and what they extend, cannot be known. A wish to stop passes.
    Raises Raised for whatever else was raised.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise Raised(f"{type(error).__name__}: {error}") from error
