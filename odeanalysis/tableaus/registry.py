"""Methods by name; a method's file is read when it is first asked for."""

from collections.abc import Iterator, Mapping
from importlib import import_module

from odeanalysis.errors import ModelError, question
from odeanalysis.tableaus.coefficients import Tableau

EXPLICIT = ("euler", "midpoint", "heun2", "rk4", "rk4_38", "bosh3", "dopri5", "tsit5", "dopri8")
STIFF = ("radau", "rosenbrock23", "rodas5p", "kvaerno5")
NAMES = (*EXPLICIT, *STIFF)


class Methods(Mapping[str, Tableau]):
    """All methods by name, in the order of NAMES."""

    def __getitem__(self, name: str) -> Tableau:
        if name not in NAMES:
            raise KeyError(name)
        return getattr(import_module(f"odeanalysis.tableaus.methods.{name}"), name.upper())

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)

    def __repr__(self) -> str:
        return f"METHODS({', '.join(NAMES)})"


METHODS = Methods()


def tableau(name: str) -> Tableau:
    """The method of that name; ModelError that lists all names where there is none."""
    if name not in NAMES:
        raise ModelError(f"there is no method {name!r}; {question(name, NAMES)}take one of {', '.join(NAMES)}")
    return METHODS[name]
