"""How Hypothesis prints what is drawn: as the code that makes it."""

from typing import Any

from hypothesis.vendor.pretty import RepresentationPrinter, for_type_by_name

from odeanalysis.errors import ModelError
from odeanalysis.testing.written import code


def printed_as_code(*kinds: type) -> None:
    """Lets Hypothesis print objects of these classes as code, wherever they come from; by their repr where they have none."""
    for kind in kinds:
        for_type_by_name(kind.__module__, kind.__name__, _print)


def _print(thing: Any, printer: RepresentationPrinter, cycle: bool) -> None:
    try:
        written = code(thing)
    except ModelError:
        written = repr(thing)
    for i, line in enumerate(written.splitlines()):
        if i:
            printer.break_()
        printer.text(line)
