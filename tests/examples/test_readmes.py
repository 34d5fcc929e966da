"""What the pages of the examples show is what the commands print."""

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.running import ROOT, run

BLOCK = re.compile(r"```console\n\$ odeanalysis (.*?)\n(.*?)```", re.DOTALL)
PAGES = sorted(ROOT.glob("examples/*/README.md"))
SHOWN = [(page, command, text) for page in PAGES for command, text in BLOCK.findall(page.read_text(encoding="utf-8"))]
# rounding, step counts and iterations differ between machines; what they decide does not
NOISE, DIGITS, COUNT = 1e-4, 1e-3, 3


def test_the_pages_show_commands():
    assert len(SHOWN) >= 4


@pytest.mark.parametrize(("page", "command", "text"), SHOWN, ids=[command for _, command, _ in SHOWN])
def test_a_page_shows_what_the_command_prints(page: Path, command: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(page.parent)
    arguments = [str(tmp_path / word) if word.endswith(".png") else word for word in shlex.split(command)]
    outcome = run(*arguments)
    assert outcome.code == 0, outcome.err
    assert all(Path(word).stat().st_size > 10_000 for word in arguments if word.endswith(".png"))
    shown, printed = text.split(), outcome.out.split()
    assert len(shown) == len(printed)
    assert not [pair for pair in zip(shown, printed, strict=True) if not alike(*pair)]


def alike(shown: str, printed: str) -> bool:
    """The same word, or numbers that agree as far as machines do."""
    a, b = number(shown), number(printed)
    if a is None or b is None:
        return shown == printed
    larger = max(abs(a), abs(b))
    is_count = "." not in shown and "e" not in shown
    return abs(a - b) <= DIGITS * larger or larger < NOISE or (is_count and larger <= COUNT * min(abs(a), abs(b)))


def number(word: str) -> float | None:
    try:
        return float(word.strip("[](),"))
    except ValueError:
        return None
