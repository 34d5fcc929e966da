"""Every piece of Python and TOML in the documentation runs."""

import re
from pathlib import Path

import numpy as np
import pytest

import odeanalysis as oda

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    return [body for kind, body in BLOCK.findall(page.read_text()) if kind == language]


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name)
def test_python_runs(page: Path):
    """The blocks of a page run one after the other, as a reader would type them; their own assertions hold."""
    space: dict[str, object] = {}
    for body in blocks(page, "python"):
        exec(compile(body, page.name, "exec"), space)
    assert space


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "toml")], ids=lambda page: page.name)
def test_model_files_are_read_and_solved(page: Path):
    """Each model file of a page is read, and has a finite value and gradient at values drawn for it."""
    for body in blocks(page, "toml"):
        problem = oda.loads(body)
        found = oda.evaluate(problem, {leaf.name: _value(problem, leaf) for leaf in (*problem.model.names, *problem.data)})
        assert np.isfinite(found.value)


def _value(problem: oda.Problem, leaf: object):
    counts = {name: len(one.at) for one in problem.objective.observations for name in one.data}
    return np.full((counts[leaf], *getattr(leaf, "shape", ())), 1.5) if leaf in counts else np.full(getattr(leaf, "shape", ()), 2.0)


def test_links_lead_somewhere():
    """Links between the pages name files that exist."""
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
