"""`odeanalysis import`: a model file and values that the other commands take as they are."""

import json
from pathlib import Path

import pytest

import odeanalysis as oda
from tests.cli.running import run
from tests.importers.documents import document, math, parameter, written
from tests.importers.references import REFERENCES


@pytest.mark.parametrize("name", REFERENCES)
def test_what_is_written_is_taken_by_the_other_commands(name: str, tmp_path: Path):
    model, values = tmp_path / "model.toml", tmp_path / "values.json"
    outcome = run("import", REFERENCES[name].path, "-o", model, "--values", values, "--end", "1.5")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    solved = run("solve", model, values, "--points", "2", "--json")
    assert solved.code == 0 and solved.document["depth"] == [0, 1.5]
    assert list(solved.document["states"]) == list(REFERENCES[name].states)
    state = REFERENCES[name].states[-1]
    model.write_text(model.read_text(encoding="utf-8").replace('terminal = "0"', f'terminal = "{state}**2"'), encoding="utf-8")
    found = run("gradient", model, values, "--json").document
    assert found["value"] == pytest.approx(solved.document["states"][state][-1] ** 2) and set(found["gradients"]) == set(
        REFERENCES[name].values
    )


def test_the_text_goes_to_the_screen_where_no_file_is_named(tmp_path: Path):
    outcome = run("import", REFERENCES["driven"].path)
    assert outcome.code == 0 and outcome.out == oda.from_sbml(REFERENCES["driven"].path).text
    assert outcome.err == "note: the file gives 3 values; write them with --values VALUES\n"
    model = tmp_path / "model.toml"
    assert run("import", REFERENCES["driven"].path, "--output", model).out == ""
    assert model.read_text(encoding="utf-8") == outcome.out


def test_values_are_those_of_the_file(tmp_path: Path):
    values = tmp_path / "values.json"
    outcome = run("import", REFERENCES["driven"].path, "--values", values)
    assert outcome.err == "" and json.loads(values.read_text(encoding="utf-8")) == REFERENCES["driven"].values


def test_parameters_without_values_are_told_of(tmp_path: Path):
    path = written(tmp_path, document("<ci>q</ci>", parameters=parameter("q")))
    outcome = run("import", path, "--values", tmp_path / "values.json")
    assert outcome.code == 0 and outcome.err == "note: the file gives no value for q; add them to the values\n"
    assert "# no value is given for q\n" in outcome.out


EVENTS = f"""<listOfEvents><event useValuesFromTriggerTime="true">
<trigger initialValue="true" persistent="true">{math("<true/>")}</trigger></event></listOfEvents>"""
WRONG: dict[str, tuple[list[str], str]] = {
    "no file": (["none.xml"], "none.xml: no such file"),
    "no SBML": (["model.toml"], "model.toml, line 1: this is no XML"),
    "no folder": (["file.xml", "-o", "no/model.toml"], "-o no/model.toml: there is no folder"),
    "no folder for values": (["file.xml", "--values", "no/v.json"], "--values no/v.json: there is no folder"),
    "over itself": (["file.xml", "-o", "./file.xml"], "FILE and -o name one file"),
    "both in one": (["file.xml", "-o", "m", "--values", "m"], "-o and --values name one file"),
    "end no number": (["file.xml", "--end", "soon"], "--end soon: give a number"),
    "end infinite": (["file.xml", "--end", "inf"], "inf"),
    "event": (["event.xml"], "event number 1 is not supported"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_refused_and_nothing_is_written(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    text = document()
    Path("file.xml").write_text(text, encoding="utf-8")
    Path("event.xml").write_text(document(more=EVENTS), encoding="utf-8")
    Path("model.toml").write_text('name = "m"\n', encoding="utf-8")
    before = sorted(path.name for path in tmp_path.iterdir())
    arguments, words = WRONG[name]
    outcome = run("import", *arguments)
    assert outcome.code == 2 and outcome.out == "" and words in outcome.err and outcome.err.startswith("error: "), outcome.err
    assert sorted(path.name for path in tmp_path.iterdir()) == before and Path("file.xml").read_text(encoding="utf-8") == text


def test_a_place_that_cannot_be_written_is_one_message(tmp_path: Path):
    outcome = run("import", REFERENCES["driven"].path, "-o", tmp_path)
    assert outcome.code == 2 and "is a directory" in outcome.err
