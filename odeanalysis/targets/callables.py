"""Formulas as callables: the emitted text is compiled, and shown in tracebacks as any other source."""

import hashlib
import linecache
from collections.abc import Callable
from typing import Any, Protocol

from odeanalysis.symbolic.formula import Formula
from odeanalysis.targets import numpy_


class Module(Protocol):
    """The text of a module that defines a function of a name."""

    @property
    def name(self) -> str: ...
    @property
    def text(self) -> str: ...


def compile_numpy(formula: Formula) -> Callable[..., tuple[Any, ...]]:
    """A function of the formula's inputs, in order, that returns the tuple of its outputs, in order.

    Arguments are NumPy arrays or scalars of the inputs' shapes behind any leading batch axes, which broadcast. The attribute
    `text` is the module that was run. Raises TargetError for a node that cannot be written.
    """
    return compiled(numpy_.program(formula))


def compiled(program: Module) -> Callable[..., tuple[Any, ...]]:
    """The function that a program defines; the attribute `text` is the module that was run."""
    text = program.text
    filename = f"<{program.name} {hashlib.sha1(text.encode()).hexdigest()[:12]}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__name__": __name__}
    exec(compile(text, filename, "exec"), namespace)
    function = namespace[program.name]
    function.text = text
    return function
