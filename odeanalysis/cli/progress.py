"""Progress on standard error, shown for whatever takes longer than a second."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from odeanalysis.cli.errors import say

if TYPE_CHECKING:
    from odeanalysis.numerics.solvers.listening import Reached

QUIET = 1.0
TICK = 0.2


class Progress:
    """What a command is doing. `update` and `reach` may be called at any time from the thread that works.

    What the command itself says by `update` comes before how far the solve that now runs has come.
    """

    def __init__(self, task: str):
        self.task, self.detail = task, ""
        self.reached: Reached | None = None
        self.began = time.monotonic()
        self.done = threading.Event()

    def update(self, detail: str) -> None:
        self.detail = detail

    def reach(self, reached: "Reached") -> None:
        self.reached = reached

    @property
    def line(self) -> str:
        seconds = time.monotonic() - self.began
        underway = self.reached is not None and self.reached.depth != self.reached.end
        detail = self.detail or (str(self.reached) if underway else "")
        return f"{self.task} ... {seconds:.0f} s{f', {detail}' if detail else ''}"


@contextmanager
def progress(task: str) -> Iterator[Progress]:
    """Shows the task and its seconds: a changing line on a terminal, else a line at 1, 2, 4, ... seconds."""
    shown = Progress(task)
    show = _on_terminal if sys.stderr.isatty() else _in_log
    thread = threading.Thread(target=show, args=(shown,), daemon=True)
    thread.start()
    try:
        yield shown
    finally:
        shown.done.set()
        thread.join()


def _on_terminal(shown: Progress) -> None:
    if shown.done.wait(QUIET):
        return
    width = 0
    while not shown.done.wait(TICK):
        line = shown.line
        sys.stderr.write(f"\r{line:<{width}}")
        sys.stderr.flush()
        width = len(line)
    sys.stderr.write(f"\r{'':<{width}}\r")
    sys.stderr.flush()


def _in_log(shown: Progress) -> None:
    pause = QUIET
    while not shown.done.wait(pause):
        say(shown.line)
        pause = time.monotonic() - shown.began
