"""Backends by name: what evaluates a problem.

Those from elsewhere register through the entry-point group `odeanalysis.backends`.
"""

from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from odeanalysis.cli.errors import stop

if TYPE_CHECKING:
    from odeanalysis.modeling.model import Problem
    from odeanalysis.numerics.gradients.evaluate import Evaluation, Sensitivity
    from odeanalysis.numerics.gradients.settings import Settings

GROUP = "odeanalysis.backends"
OURS = "numpy"
MISSING = {
    "fused": "backend 'fused' is not part of this version; use --backend numpy",
    "torch": "backend 'torch' is not registered by any installed package, although PyTorch is there; "
    "reinstall odeanalysis with pip install 'odeanalysis[torch]', or use --backend numpy",
}
NO_TORCH = "backend 'torch' needs PyTorch, which is not installed; run pip install 'odeanalysis[torch]', or use --backend numpy"


class Backend(Protocol):
    """Evaluates a problem, as `odeanalysis.evaluate` does."""

    def __call__(
        self,
        problem: "Problem",
        values: Mapping[str, Any],
        settings: "Settings | None" = None,
        sensitivity: "Sensitivity | None" = None,
        wrt: Iterable[str] | None = None,
    ) -> "Evaluation": ...


def backend(name: str) -> Backend:
    """The backend of a name; ends the command, saying what to do, where there is none."""
    if name == OURS:
        from odeanalysis.numerics.gradients.evaluate import evaluate

        return evaluate
    if name == "torch" and find_spec("torch") is None:
        stop(NO_TORCH)
    found = [entry for entry in entry_points(group=GROUP) if entry.name == name]
    return found[0].load() if found else stop(_missing(name))


def _missing(name: str) -> str:
    known = ", ".join([OURS, *MISSING])
    return MISSING.get(name, f"no backend is named {name!r}; choose one of {known}")
