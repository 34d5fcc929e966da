"""What the command line does when something goes wrong: one message on standard error, and an exit code."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from odeanalysis.errors import OdeAnalysisError, SolveError

WELL, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def say(message: str) -> None:
    """A message for the reader of standard error."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


def stop(message: str, code: int = BAD_INPUT) -> NoReturn:
    """Ends the command with a message and an exit code."""
    say(f"error: {message}")
    raise typer.Exit(code)


@contextmanager
def reported() -> Iterator[None]:
    """Turns the errors a user can mend into one message and an exit code: 1 for a failed solve, 2 for bad input."""
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            yield
        except SolveError as error:
            stop(str(error), FAILED)
        except OdeAnalysisError as error:
            stop(str(error))
        except BrokenPipeError:
            raise
        except OSError as error:
            stop(_file_message(error))
        except UnicodeDecodeError as error:
            stop(f"a file is not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}; save it as UTF-8")
        except RecursionError:
            stop("an input is nested too deeply; write it with fewer levels")
        except MemoryError:
            stop(
                "out of memory; use smaller shapes, a smaller batch or fewer steps",
                FAILED,
            )
        except KeyboardInterrupt:
            stop("interrupted", INTERRUPTED)


def _file_message(error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"{error.filename}: {reason}; give the path of a file" if error.filename else reason


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:  # the signature that `warnings` calls
    say(f"warning: {message}")
