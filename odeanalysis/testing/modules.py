"""Written modules in tests: loaded from their file, and made to take and give what the library does."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from hypothesis import reject

from odeanalysis.errors import ModelError, SolveError
from odeanalysis.generation.module import generate
from odeanalysis.modeling.model import Objective, Problem
from odeanalysis.modeling.values import bind
from odeanalysis.testing.arguments import Array
from odeanalysis.testing.gradient import NotMeasurable, assert_gradient

ROUNDING = 1e-10
SMALL = 1e-3  # of the largest gradient: smaller ones are what cancellation leaves


def load_module(file: str | Path) -> ModuleType:
    """The module that a file holds, as `odeanalysis generate` writes it. Raises ModelError where there is none."""
    path = Path(file)
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ModelError(f"{path} is no Python file; write one with `odeanalysis generate MODEL -o {path}`")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def assert_same(found: Any, known: tuple[float, Mapping[str, Array]], *, rtol: float = ROUNDING) -> None:
    """Asserts that two results (value, {name: gradient}) agree: relative to a gradient's largest entry, or a thousandth of that of all.

    found: with numbers, arrays or tensors. Raises AssertionError, which names the entry that differs most.
    """
    value, gradients = found
    if set(gradients) != set(known[1]):
        raise AssertionError(f"gradients in {', '.join(gradients)} where {', '.join(known[1])} are due")
    pairs = {"the value": (value, known[0])} | {f"the gradient in {name!r}": (gradients[name], one) for name, one in known[1].items()}
    size = max((float(np.max(np.abs(one), initial=0)) for one in known[1].values()), default=0.0)
    for what, (one, other) in pairs.items():
        _assert_close(what, np.asarray(one), np.asarray(other), rtol, 0.0 if what == "the value" else size)


def _assert_close(what: str, found: Array, known: Array, rtol: float, size: float) -> None:
    if found.shape != known.shape:
        raise AssertionError(f"{what} has shape {found.shape} where {known.shape} is due")
    scale = max(float(np.max(np.abs(known), initial=0)), SMALL * size)
    gaps = np.abs(found - known)
    worst = np.unravel_index(int(np.argmax(gaps)), gaps.shape) if gaps.size else ()
    if gaps.size and not gaps[worst] <= rtol * scale:
        place = f" at {[*map(int, worst)]}" if worst else ""
        raise AssertionError(f"{what} is {found[worst]:.12g}{place} where {known[worst]:.12g} is due")


def written_module(problem: Problem, target: str = "numpy") -> ModuleType:
    """The module that `odeanalysis generate` would write of a problem. Raises TargetError as `generate` does."""
    module = ModuleType(problem.name)
    exec(compile(generate(problem, target), f"<{problem.name}>", "exec"), module.__dict__)
    return module


def names(problem: Problem) -> tuple[str, ...]:
    """The names that have values: parameters, inputs, data."""
    return tuple(leaf.name for leaf in (*problem.model.names, *problem.data))


def scaled(problem: Problem, factor: Any) -> Problem:
    """The problem with all its costs times a factor."""
    objective = problem.objective
    seen = tuple(replace(one, cost=factor * one.cost) for one in objective.observations)
    return replace(problem, objective=Objective(factor * objective.terminal, factor * objective.running, seen))


def assert_batched(function: Any, values: Mapping[str, Any], problem: Problem, *, rtol: float = ROUNDING) -> None:
    """Asserts that the value and gradient of a batch are those of its samples together, as the problem's reduction says.

    function: values -> (value, {name: gradient}). Raises AssertionError, which names the entry that differs most.
    """
    bound = bind(problem, values)
    count, arrays = bound.batch or 1, bound.arrays
    samples = [{name: np.array(one[b] if name in bound.batched else one) for name, one in arrays.items()} for b in range(count)]
    share, each = 1 / count if problem.reduction == "mean" else 1.0, [*map(function, samples)]
    gradients = {}
    for name in arrays:
        parts = [share * np.asarray(found[name]) for _, found in each]
        gradients[name] = np.stack(parts) if name in bound.batched else np.sum(parts, axis=0)
    assert_same(function(values), (sum(share * float(value) for value, _ in each), gradients), rtol=rtol)


def assert_transposed(module: ModuleType, values: Mapping[str, Any], *, seed: int = 0) -> None:
    """Asserts that a module's `hamiltonian_gradient` is that of H = l + a^T f, made of its `field`, at random states and costates.

    Raises AssertionError, which names the entry that is wrong, and NotMeasurable where H has a kink.
    """
    random = np.random.default_rng(seed)
    names = {name: np.asarray(values[name], dtype=float) for name in (*module.PARAMETERS, *module.INPUTS)}
    states = {name: random.uniform(0.2, 1.0, shape) for name, shape in module.STATES.items()}
    seeds = [random.standard_normal((1, *shape)) for shape in (*module.STATES.values(), *([()] if module.RUNNING else []))]
    depth = np.array([random.uniform(0.1, 0.9)])
    moved = {**({"depth": depth[0]} if module.MOVES else {}), **states, **names}
    held = _called(module, module.flags, depth, _named(module, names))

    def hamiltonian(point: Mapping[str, Any]) -> float:
        here = np.array([point["depth"]]) if module.MOVES else depth
        slopes = _called(module, module.field, here, [*_batched(point, module.STATES), *_named(module, point), *held])
        return float(sum(np.sum(seed * slope) for seed, slope in zip(seeds, slopes, strict=True)))

    given = [*_batched(moved, module.STATES), *_named(module, moved), *held, *seeds]
    found = dict(zip(moved, _called(module, module.hamiltonian_gradient, depth, given), strict=True))
    for name, slope in zip(module.STATES, _called(module, module.costate, depth, given), strict=True):
        _assert_close(f"the costate's slope of {name!r}", slope, -found[name], ROUNDING, 0.0)
    assert_gradient(hamiltonian, {name: _unbatched(found[name], one) for name, one in moved.items()}, at=moved, seed=seed)


def _unbatched(found: Array, like: Any) -> Array:
    """What belongs to one sample, in its shape."""
    return np.broadcast_to(found[0] if found.ndim > np.ndim(like) else found, np.shape(like))


def _batched(point: Mapping[str, Any], names: Iterable[str]) -> list[Array]:
    """Values of a batch of one sample."""
    return [np.asarray(point[name])[None] for name in names]


def _named(module: ModuleType, point: Mapping[str, Any]) -> list[Array]:
    """Parameters as they are, inputs of one sample."""
    return [*(np.asarray(point[name]) for name in module.PARAMETERS), *_batched(point, module.INPUTS)]


def _called(module: ModuleType, function: Any, depth: Array, arguments: Iterable[Any]) -> list[Array]:
    """What a function of the module gives for arrays, as arrays."""
    made = module._arrays({str(i): one for i, one in enumerate((depth, *arguments))})
    return [np.asarray(one) for one in function(*made.values())]


@contextmanager
def measurable() -> Iterator[None]:
    """Leaves out drawn values at which differences measure nothing: beside kinks, or where noise is too large."""
    try:
        yield
    except NotMeasurable:
        reject()


@contextmanager
def solvable() -> Iterator[None]:
    """Leaves out drawn values that the library refuses, or for which its solve fails: as `hypothesis.assume` does."""
    try:
        yield
    except (ModelError, SolveError):
        reject()
