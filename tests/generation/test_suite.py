"""Written test files pass for right gradients and claims, and fail for wrong ones."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import Phase

import odeanalysis as oda
from odeanalysis.generation import generate
from odeanalysis.generation.suite import Files, suite
from tests.cases import CASES
from tests.generation.modules import TARGETS
from tests.generation.test_text import ruff

DECAY = """
name = "decay"
domain = [0, 1]
[state]
z = [2]
[parameters]
k = [2]
[inputs]
x = [2]
[ranges]
k = [0.1, 0.9]
x = [0.2, 1]
[field]
z = "-k*z"
[initial]
z = "x"
[objective]
running = "sumsq(z)/2"
terminal = "z[0]**2"
[[objective.observations]]
at = [0.5]
data = { seen = [] }
cost = "(z[1] - log(seen))**2"
[claims]
positive = ["z"]
decreasing = ["sumsq(z)"]
"""


LIBRARY, DIFFERENCES, PRODUCTS, BATCHES = (
    "test_it_is_the_gradient_of_the_library",
    "test_it_is_what_differences_measure",
    "test_products_with_the_derivatives_of_the_field",
    "test_a_batch_is_its_samples",
)


# what some tests are repeated for
OF = {LIBRARY: ("rk4", "tsit5", "dopri8", "heun2"), DIFFERENCES: ("k", "x", "seen")}


def files(folder: Path, text: str = DECAY, changed: tuple[str, str] = ("", ""), target: str = "numpy") -> ModuleType:
    """The test file of a model and of its module, in which a text may be changed, as a module. It does not shrink what it finds."""
    (folder / "model.toml").write_text(text, encoding="utf-8")
    problem = oda.read(folder / "model.toml")
    module = generate(problem, target)
    assert changed[0] in module
    (folder / "gradient.py").write_text(module.replace(*changed) if changed[0] else module, encoding="utf-8")
    written, note = suite(problem, Files("model.toml", "gradient.py"))
    assert note == ""
    found = ModuleType("written")
    found.__file__ = str(folder / "test_model.py")
    found.__dict__["Phase"] = Phase
    exec(compile(written.replace("deadline=None", "deadline=None, phases=[Phase.generate]"), found.__file__, "exec"), found.__dict__)
    return found


def gradient_tests(found: ModuleType, *names: str) -> Iterator[Callable[[], None]]:
    """The tests of these names, that of differences once for each name of a value."""
    for name in names:
        one = getattr(found, name)
        yield from (partial(one, of) for of in OF[name]) if name in OF else [one]


@pytest.mark.parametrize("target", TARGETS)
def test_right_gradients_and_claims_pass(tmp_path: Path, target: str):
    found = files(tmp_path, target=target)
    for one in gradient_tests(found, LIBRARY, DIFFERENCES, PRODUCTS, BATCHES):
        one()
    found.test_it_controls_its_steps_as_the_library_does()
    found.test_every_route_to_it_agrees()
    found.test_ten_times_the_loss_has_ten_times_the_gradient()
    assert [str(claim) for claim in found.PROBLEM.claims] == ["z stays above 0", "sumsq(z) never rises"]
    for claim in found.PROBLEM.claims:
        found.test_what_is_claimed_of_it(claim)


# what is changed in the module, and which tests have to see it
CHANGES = {
    "a sign of dH": (("[..., None] * z - a_z * k", "[..., None] * z + a_z * k"), (LIBRARY, DIFFERENCES, PRODUCTS)),
    "a factor of the costate at S": (("2.0 * _weight * z[..., 0]", "3.0 * _weight * z[..., 0]"), (LIBRARY, DIFFERENCES)),
    "a sign of a jump": (("-_t1 * _weight / seen", "_t1 * _weight / seen"), (LIBRARY, DIFFERENCES)),
    "the costate equation": (("tuple(-part for", "tuple(part for"), (PRODUCTS,)),
    "a number of a method": (('"b": (0.5, 0.5),', '"b": (0.4, 0.5),'), (LIBRARY,)),
    "the field": (("(-k * z,", "(-k * z * 1.01,"), (LIBRARY, PRODUCTS)),
    "the weights of stages on the way back": (("a[j][i] for j in", "a[j][0] for j in"), (LIBRARY, DIFFERENCES)),
    "the share of a sample": (("batch, 1.0 / (batch or 1)", "batch, 1.0"), (BATCHES,)),
}


@pytest.mark.parametrize(("changed", "seen"), CHANGES.values(), ids=CHANGES)
def test_a_changed_line_is_seen(tmp_path: Path, changed: tuple[str, str], seen: tuple[str, ...]):
    found = files(tmp_path, changed=changed)
    for name in seen:
        with pytest.raises(AssertionError):
            for one in gradient_tests(found, name):
                one()


def test_a_claim_that_is_broken_is_told_in_words(tmp_path: Path):
    found = files(tmp_path, DECAY.replace("decreasing", "increasing"))
    with pytest.raises(AssertionError, match=r"sumsq\(z\) never falls"):
        found.test_what_is_claimed_of_it(found.PROBLEM.claims[1])


def test_logarithms_of_data_are_given_positive_numbers(tmp_path: Path):
    """And ranges in which solves are wild are made narrower."""
    found = files(tmp_path)
    assert found.RANGES == {"seen": (0.1, 1.0)}
    wild = oda.loads(DECAY.replace("k = [0.1, 0.9]", "k = [1e-3, 1e6]"))
    text, note = suite(wild, Files("model.toml"))
    assert '"k": (' in text and note == ""


def test_models_that_cannot_be_solved_are_said_to_be():
    _, note = suite(oda.loads(DECAY.replace('"-k*z"', '"log(-exp(k*z))"')), Files("model.toml"))
    assert note == "solves for values drawn at random fail; give RANGES in the test file"


ODD = {
    "no parameters": {"[parameters]\nk = [2]": "", "k = [0.1, 0.9]\n": "", "-k*z": "-z"},
    "ends that may meet": {"domain = [0, 1]": 'domain = ["k[0]", "k[1]"]', "at = [0.5]": 'at = ["(k[0] + k[1])/2"]'},
}


@pytest.mark.parametrize("changed", ODD.values(), ids=ODD)
def test_odd_models_pass(tmp_path: Path, changed: dict[str, str]):
    text = DECAY
    for old, new in changed.items():
        text = text.replace(old, new)
    found = files(tmp_path, text)
    for one in gradient_tests(found, LIBRARY, PRODUCTS, BATCHES):
        one()
    found.test_every_route_to_it_agrees()


def test_without_a_module_one_is_made_then():
    text, _ = suite(oda.loads(DECAY), Files("deep/model.toml"))
    assert 'PROBLEM = oda.read(HERE / "deep/model.toml")\nMODULE = testing.written_module(PROBLEM)\n' in text


@pytest.mark.parametrize("name", ["predator_prey", "network_batch", "moving_switch", "kinks"])
def test_test_files_are_formatted(name: str):
    text, _ = suite(CASES[name].problem(), Files("model.toml", "module.py"))
    assert ruff("format", "--isolated", "-", text=text) == text
    assert ruff("check", "--isolated", "-", text=text) == "All checks passed!\n"
