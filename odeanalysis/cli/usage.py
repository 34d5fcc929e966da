"""What is wrong with a command line, in the words of all our messages."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, get_args

from typer.exceptions import TyperException

from odeanalysis.cli.errors import stop
from odeanalysis.errors import question

WANTED = {int: "give a whole number", float: "give a number, as in 1e-6"}  # by the type of an option


@contextmanager
def usage_reported() -> Iterator[None]:
    """Turns what typer finds wrong with options and arguments into one message and exit code 2."""
    try:
        yield
    except TyperException as error:
        stop(_told(error))


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """That there is no command or option of a name, and which there are."""
    known = list(known)
    return f"there is no {kind} {name!r}; {question(name, known)}use one of {', '.join(known)}"


def _told(error: Any) -> str:
    """What typer found, and what to do: of a text that is no value, of an option that is not there, else in typer's words."""
    context, option, cause = getattr(error, "ctx", None), getattr(error, "param", None), error.__cause__
    name = getattr(error, "option_name", None)
    if option is not None and hasattr(cause, "errors"):
        return _no_value(option.opts[0], option.type_descriptor.annotation, cause.errors()[0]["input"])
    if name is not None and context is not None:
        return unknown("option", name, [one for parameter in context.command.params for one in parameter.opts if one.startswith("--")])
    said = error.format_message().rstrip(".")
    return f"{said[:1].lower()}{said[1:]}; the option -h shows what there is"


def _no_value(option: str, wanted: Any, given: str) -> str:
    choices = get_args(wanted)
    if choices:
        return f"{option} {given!r}: {question(given, choices)}use one of {', '.join(choices)}"
    return f"{option} {given}: {WANTED[wanted]}"
