"""The page `docs/testing.md`: what its examples print is what stands behind them."""

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
SMALL = re.compile(r"\d(\.\d)?e-(0[5-9]|1\d)")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def printed() -> list[tuple[str, str]]:
    """For each text on the page, what the example before it printed."""
    space: dict[str, object] = {}
    found, said = [], ""
    for kind, body in BLOCK.findall(PAGE.read_text()):
        if kind == "text":
            found.append((body, said))
            continue
        out = StringIO()
        with redirect_stdout(out):
            exec(compile(body, PAGE.name, "exec"), space)
        said = out.getvalue()
    return found


def test_examples_print_what_the_page_says(printed: list[tuple[str, str]]):
    assert len(printed) >= 7
    for stands, said in printed:
        assert _trimmed(said) == _trimmed(stands)


def _trimmed(text: str) -> list[str]:
    """Lines, without what rounding makes of gaps and errors."""
    return [SMALL.sub("small", line).rstrip() for line in text.splitlines()]
