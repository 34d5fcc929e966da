"""The pytest plugin: model files as fixtures, Hypothesis profiles, and a summary of what was measured.

Nothing of third parties is imported before a test asks for it, and a suite that asks for nothing sees nothing.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

MARKER = "ode(model, values): the model file, and the file of values, that the fixtures ode_problem and ode_values read"
PROPERTY = "odeanalysis"
TITLE = "measured by odeanalysis"

# --ode-profile: settings of Hypothesis
PROFILES: dict[str, dict[str, Any]] = {
    "quick": {"max_examples": 10, "deadline": None},
    "usual": {"max_examples": 100, "deadline": None},
    "thorough": {"max_examples": 1000, "deadline": None},
    "ci": {"max_examples": 100, "deadline": None, "derandomize": True, "print_blob": True},
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("odeanalysis").addoption("--ode-profile", choices=tuple(PROFILES), help="how many random examples Hypothesis tries")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    name = config.getoption("--ode-profile")
    if name is not None:
        settings = import_module("hypothesis").settings
        settings.register_profile(f"ode-{name}", **PROFILES[name])
        settings.load_profile(f"ode-{name}")


# ---------------------------------------------------------------- models


@pytest.fixture
def ode_problem(request: pytest.FixtureRequest) -> Any:
    """The problem of the model file that the marker `ode` names, relative to the file of the test."""
    return _late("odeanalysis.modeling.modelfile", "read")(_file(request, "model", 0))


@pytest.fixture
def ode_values(request: pytest.FixtureRequest) -> Any:
    """The values of the file that the marker `ode` names as `values`."""
    return _late("odeanalysis.modeling.valuefile", "read_values")(_file(request, "values", 1))


def _late(module: str, name: str) -> Any:
    return getattr(import_module(module), name)


def _file(request: pytest.FixtureRequest, key: str, place: int) -> Path:
    """That of the closest marker that names one: a test may leave to its class or module what it does not say."""
    for marker in request.node.iter_markers("ode"):
        given = [*marker.args[place : place + 1], *([marker.kwargs[key]] if key in marker.kwargs else [])]
        if given:
            return request.path.parent / given[0]
    raise pytest.UsageError(f"{request.node.nodeid} asks for {request.fixturename}: say @pytest.mark.ode({key}=FILE)")


# ---------------------------------------------------------------- what was measured


@pytest.fixture
def ode_record(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Records what a check returned, for the summary: `ode_record(assert_gradient(...))`; gives it back.

    Takes what `assert_gradient`, `taylor_slopes`, `assert_order` and `odeanalysis.check` return, and a survey of mutants.
    """

    def record(found: Any, title: str = "") -> Any:
        request.node.user_properties.append((PROPERTY, {"title": title, "said": "; ".join(_said(found))}))
        return found

    return record


def _said(found: Any) -> Iterator[str]:
    """What a result tells, by the attributes that it has."""
    told = [(words, getattr(found, name)) for name, words in TOLD.items() if hasattr(found, name)]
    if isinstance(found, list | tuple):
        told = [(_slopes, [one.central.measured for one in found])]
    if not told:
        raise TypeError(f"ode_record takes the result of a check, with slopes, orders or mutants; got {type(found).__name__} {found!r}")
    for words, value in told:
        yield from words(value, found)


def _slopes(slopes: Any, found: Any) -> Iterator[str]:
    measured = [slope for some in slopes.values() for slope in some] if isinstance(slopes, dict) else slopes
    yield f"slopes {', '.join('-' if slope != slope else f'{slope:.2f}' for slope in measured)}"


def _order(orders: Any, found: Any) -> Iterator[str]:
    yield f"order {found.measured:.2f}"


def _verdict(verdict: str, found: Any) -> Iterator[str]:
    yield verdict


def _mutants(mutants: Any, found: Any) -> Iterator[str]:
    if mutants is not None:
        yield from _survey(mutants.killed, mutants)


def _survey(killed: int, found: Any) -> Iterator[str]:
    """The kill rate among the mutants that are wrong gradients."""
    wrong = found.tried - len(found.equivalent)
    rate = f" ({100 * killed / wrong:.0f}%)" if wrong else ""
    yield f"mutants {killed} of {wrong} refused{rate}"


TOLD: dict[str, Callable[[Any, Any], Iterator[str]]] = {
    "verdict": _verdict,
    "slopes": _slopes,
    "orders": _order,
    "mutants": _mutants,
    "killed": _survey,
}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Lists what was recorded, in the order of the tests' names: the same for any number of workers."""
    lines = sorted({line for reports in terminalreporter.stats.values() for report in reports for line in _lines(report)})
    if not lines:
        return
    terminalreporter.section(TITLE)
    width = max(len(place) for place, _ in lines)
    for place, said in lines:
        terminalreporter.write_line(f"{place:<{width}}  {said}")


def _lines(report: Any) -> Iterator[tuple[str, str]]:
    for name, value in getattr(report, "user_properties", ()):
        if name == PROPERTY:
            yield f"{report.nodeid} {value['title']}".rstrip(), value["said"]
