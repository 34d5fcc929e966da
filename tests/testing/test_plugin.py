"""The pytest plugin, in suites of users: each is run in a process of its own."""

import pytest

from tests.cli.running import GROWTH

pytest_plugins = ["pytester"]

HEAVY = ("sympy", "numpy", "scipy", "numba", "torch", "hypothesis")
TITLE = "measured by odeanalysis"
SUITE = """
import math
import pytest
import odeanalysis as oda
from odeanalysis.testing import assert_gradient, assert_order, taylor_slopes

pytestmark = pytest.mark.ode("growth.toml")

@pytest.mark.ode(values="values.json")
def test_gradient(ode_problem, ode_values, ode_record):
    def loss(values):
        return oda.evaluate(ode_problem, values, oda.Settings("rk4", steps=4)).value
    gradient = oda.evaluate(ode_problem, ode_values, oda.Settings("rk4", steps=4)).gradients
    found = ode_record(assert_gradient(loss, gradient, at=ode_values), "of growth")
    assert found.gap < 1e-6

@pytest.mark.ode(values="values.json")
def test_certificate(ode_problem, ode_values, ode_record):
    assert ode_record(oda.check(ode_problem, ode_values, mutants=True, terms=3)).verdict == "confirmed"

def test_slopes_and_order(ode_record):
    ode_record(taylor_slopes(math.exp, math.exp, at=0.5, directions=2), "exp")
    ode_record(assert_order(lambda n: (1 + 1 / n) ** n, 1, exact=math.e), "compound interest")

def test_nothing(ode_problem):
    assert ode_problem.name == "growth"
"""
OWN_PROFILE = """
from hypothesis import settings
settings.register_profile("own", max_examples=3)
settings.load_profile("own")
"""
PLAIN = "def test_plain():\n    assert True\n"


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makefile(".toml", growth=GROWTH)
    pytester.makefile(".json", values='{"theta": 0.4, "z0": 1.2}')
    pytester.makepyfile(test_growth=SUITE)
    return pytester


def section(found: pytest.RunResult) -> list[str]:
    """The lines of the summary's section."""
    lines = [line.rstrip() for line in found.outlines]
    starts = [i for i, line in enumerate(lines) if TITLE in line]
    if not starts:
        return []
    (start,) = starts
    return [line for line in lines[start + 1 :] if line.startswith("test_")]


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "xdist"])
def test_the_summary_lists_what_was_recorded(suite: pytest.Pytester, workers: list[str]):
    found = suite.runpytest_subprocess("--strict-markers", *workers)
    found.assert_outcomes(passed=4)
    certificate, gradient, order, slopes = section(found)
    assert certificate.startswith("test_growth.py::test_certificate") and "confirmed; slopes 2.0" in certificate
    assert "mutants " in certificate and certificate.endswith("refused (100%)")
    assert "test_gradient of growth" in gradient and gradient.count("3.0") + gradient.count("2.9") == 4
    assert "compound interest" in order and order.endswith("order 0.99")
    assert "exp" in slopes and slopes.endswith("slopes 3.00, 3.00")


def test_a_suite_that_records_nothing_sees_nothing(pytester: pytest.Pytester):
    pytester.makepyfile(test_plain=PLAIN)
    found = pytester.runpytest_subprocess()
    found.assert_outcomes(passed=1)
    assert not section(found) and TITLE not in found.stdout.str()


def test_the_plugin_imports_nothing_heavy(pytester: pytest.Pytester):
    """Neither where it is loaded by its entry point, nor in a suite that uses the record alone."""
    pytester.makepyfile(
        test_plain=f"import sys\ndef test_plain(ode_record):\n    assert not [name for name in {HEAVY!r} if name in sys.modules]\n"
    )
    pytester.runpytest_subprocess("-p", "no:hypothesispytest").assert_outcomes(passed=1)


def test_failures_are_listed_too(pytester: pytest.Pytester):
    pytester.makepyfile(
        test_growth="import types\ndef test_it(ode_record):\n"
        "    ode_record(types.SimpleNamespace(slopes=[1.0, float('nan')]))\n    assert False\n"
    )
    found = pytester.runpytest_subprocess()
    found.assert_outcomes(failed=1)
    assert section(found) == ["test_growth.py::test_it  slopes 1.00, -"]


def test_what_is_no_result_is_refused(pytester: pytest.Pytester):
    pytester.makepyfile(test_growth="def test_it(ode_record):\n    ode_record(3)\n")
    found = pytester.runpytest_subprocess()
    found.stdout.fnmatch_lines(["*TypeError: ode_record takes the result of a check*got int 3*"])


@pytest.mark.parametrize(("fixture", "key"), [("ode_problem", "model"), ("ode_values", "values")])
def test_a_fixture_without_a_marker_says_what_to_do(pytester: pytest.Pytester, fixture: str, key: str):
    pytester.makepyfile(test_growth=f"def test_it({fixture}):\n    pass\n")
    found = pytester.runpytest_subprocess()
    found.assert_outcomes(errors=1)
    found.stdout.fnmatch_lines([f"*test_it asks for {fixture}: say @pytest.mark.ode({key}=FILE)*"])


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "xdist"])
@pytest.mark.parametrize(("profile", "examples"), [("quick", 10), ("usual", 100), ("thorough", 1000)])
def test_profiles_choose_how_many_examples(pytester: pytest.Pytester, profile: str, examples: int, workers: list[str]):
    """Also before the profile that a conftest loads."""
    pytester.makeconftest(OWN_PROFILE)
    pytester.makepyfile(
        test_some="from hypothesis import settings\ndef test_it():\n"
        f"    assert settings.default.max_examples == {examples} and settings.default.deadline is None\n"
    )
    pytester.runpytest_subprocess("--ode-profile", profile, *workers).assert_outcomes(passed=1)


def test_without_the_option_the_suites_own_profile_stays(pytester: pytest.Pytester):
    pytester.makeconftest(OWN_PROFILE)
    pytester.makepyfile(test_some="from hypothesis import settings\ndef test_it():\n    assert settings.default.max_examples == 3\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_an_unknown_profile_is_refused(pytester: pytest.Pytester):
    found = pytester.runpytest_subprocess("--ode-profile", "endless")
    assert found.ret != 0 and "quick" in found.stderr.str()
