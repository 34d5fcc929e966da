"""The worked example of docs/importing.md: its file is imported, and its commands print what the page shows."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.running import ROOT, run
from tests.examples.test_readmes import alike

PAGE = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (text,) = blocks("xml")
    (tmp_path / "enzyme.xml").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_commands_print_what_the_page_shows(folder: Path):
    (shown,) = blocks("console")
    commands = re.findall(r"^\$ odeanalysis (.*)\n((?:[^$].*\n)*)", shown, re.MULTILINE)
    assert [command.split()[0] for command, _ in commands] == ["import", "solve"]
    for command, text in commands:
        outcome = run(*command.split())
        assert outcome.code == 0 and outcome.err == ""
        assert all(alike(*pair) for pair in zip(text.split(), outcome.out.split(), strict=True))


def test_the_files_are_those_of_the_page(folder: Path):
    assert run("import", "enzyme.xml", "-o", "enzyme.toml", "--values", "enzyme.json", "--end", "8").code == 0
    assert (folder / "enzyme.toml").read_text(encoding="utf-8") == blocks("toml")[0]
    found = json.loads((folder / "enzyme.json").read_text(encoding="utf-8"))
    assert f"`enzyme.json` holds `{json.dumps(found)}`" in PAGE
