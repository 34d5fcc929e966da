"""`check`: verdicts and their exit codes, mutants, and routes of other backends."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from odeanalysis.cli import backends
from odeanalysis.numerics.gradients.evaluate import evaluate
from odeanalysis.verification import certificate
from tests.cli.running import CONTRACT, Outcome, run

KEYS = {"verdict", "routes", "slopes", "mutants", "error_bar"}
CLOSED = CONTRACT / "closed_form"


def check(folder: Path, *options: str) -> Outcome:
    return run("check", folder / "model.toml", folder / "values.json", *options)


@pytest.mark.parametrize("folder", sorted(CONTRACT.iterdir()), ids=lambda path: path.name)
def test_the_contracts_gradients_are_certified(folder: Path):
    outcome = check(folder, "--json")
    assert outcome.code == 0, outcome
    found = outcome.document
    assert set(found) >= KEYS and found["verdict"] == "confirmed"
    assert max(found["routes"].values()) < 1e-5 and min(found["slopes"]) >= 1.9 and found["error_bar"] < 1e-5


def test_mutants_are_counted():
    found = check(CLOSED, "--mutants", "--json").document["mutants"]
    assert found["tried"] == found["killed"] + len(found["equivalent"]) > 10 and found["survivors"] == []


def test_without_mutants_none_were_tried():
    assert check(CLOSED, "--json").document["mutants"] == {"tried": 0, "killed": 0, "survivors": []}


def test_the_certificate_for_people_names_every_check():
    outcome = check(CLOSED)
    assert outcome.code == 0
    assert not [words for words in ("route independent", "Taylor slope 3", "confirmed", "error bar") if words not in outcome.out]


@pytest.mark.parametrize("verdict", ["refuted", "inconclusive"])
def test_only_a_confirmed_gradient_ends_well(monkeypatch: pytest.MonkeyPatch, verdict: str):
    real, passed = certificate.check, {"refuted": False, "inconclusive": None}[verdict]

    def broken(*arguments, **options):
        found = real(*arguments, **options)
        return replace(found, verdict=verdict, checks=(*found.checks, certificate.Check("made up", 2.0, 1.0, passed)))

    monkeypatch.setattr(certificate, "check", broken)
    outcome = check(CLOSED, "--json")
    assert outcome.code == 1 and outcome.document["verdict"] == verdict
    assert verdict in outcome.err and "made up is 2, its bound 1" in outcome.err


def doubled(*arguments, **options):
    """A backend whose gradients are twice too large."""
    found = evaluate(*arguments, **options)
    return replace(found, gradients={name: 2 * array for name, array in found.gradients.items()})


@pytest.mark.parametrize(("backend", "code", "verdict"), [(evaluate, 0, "confirmed"), (doubled, 1, "refuted")])
def test_a_registered_backend_is_one_route_more(monkeypatch: pytest.MonkeyPatch, backend, code: int, verdict: str):
    entry = SimpleNamespace(name="other", load=lambda: backend)
    monkeypatch.setattr(backends, "entry_points", lambda group: [entry] if group == "odeanalysis.backends" else [])
    outcome = check(CLOSED, "--backend", "other", "--json")
    assert outcome.code == code and outcome.document["verdict"] == verdict
    assert (outcome.document["routes"]["other"] < 1e-6) == (code == 0)
