"""`check`: verdicts and their exit codes, mutants, and routes of other backends."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from odeanalysis.cli import backends
from odeanalysis.numerics.gradients.evaluate import evaluate
from odeanalysis.verification.certificate import certificate, invariant
from odeanalysis.verification.mutation.survey import Fate, Survey
from tests.cli.running import CONTRACT, GROWTH, Outcome, files, run

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
    assert (found["method"], found["steps"], found["left_out"]) == ("heun2", 6, 0)


def test_terms_that_are_left_out_are_said_and_can_be_tried(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(certificate, "TERMS", 5)
    some = check(CLOSED, "--mutants", "--json").document["mutants"]
    every = check(CLOSED, "--all-terms", "--json").document["mutants"]
    assert some["left_out"] > 5 and every["left_out"] == 0 and every["tried"] > some["tried"]
    outcome = check(CLOSED, "--mutants")
    assert "6 steps of heun2" in outcome.out and f"those of {some['left_out']} terms of the derivation; --all-terms" in outcome.out


def table_of(out: str) -> list[list[str]]:
    """The rows of the table of mutants, as cells."""
    lines = out.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("made wrong"))
    return [re.split(" {3,}", line) for line in lines[head + 1 :]]


def test_every_mutant_is_listed_with_the_checks_that_refuse_it():
    """In the same order in both formats, each check under the name that it has in the table of checks."""
    document = check(CLOSED, "--mutants", "--json").document
    found, names = document["mutants"], {one["name"] for one in document["checks"]}
    assert len(found["each"]) == len({one["title"] for one in found["each"]}) == found["tried"]
    assert all(one["refused_by"] and names.issuperset(one["refused_by"]) for one in found["each"])
    dropped = next(one for one in found["each"] if one["changed"] == "_bar_z dropped" and one["in"] == "initial: z0")
    checks = ["route complex step", "Taylor slope 1", "Taylor slope 2", "Taylor slope 3"]
    assert dropped == {**dropped, "refused_by": checks, "elsewhere": False, "equivalent": None}

    rows = table_of(check(CLOSED, "--mutants").out)
    assert [row[1] for row in rows] == [one["in"] for one in found["each"]]
    assert ["_bar_z dropped", "initial: z0", "route complex step, Taylor slope 1, 2, 3"] in rows


FATES = (
    Fate("a sign in z", "a sign", "step: z"),
    Fate("a term in z", "a term", "step: z", equivalent="zero wherever it is computed"),
    Fate("a factor", "a factor", "initial, step", ("Taylor slope 2", "Taylor slope 3"), elsewhere=True),
    Fate("a shape", "a shape", "", ("the derivation itself",)),
)


def test_mutants_that_pass_are_named_and_so_is_why_others_may(monkeypatch: pytest.MonkeyPatch):
    survey = Survey(4, 2, 1, {"a term in z": "zero wherever it is computed"}, ("a sign in z",), method="heun2", steps=6, each=FATES)
    monkeypatch.setattr(certificate, "survey", lambda *arguments: survey)
    outcome, each = check(CLOSED, "--mutants"), check(CLOSED, "--mutants", "--json").document["mutants"]["each"]
    assert outcome.code == 1 and "inconclusive: mutants that pass is 1, not <= 0" in outcome.err
    assert "2 of 4 refused, 1 of them only at other values" in outcome.out
    assert table_of(outcome.out) == [
        ["a sign", "step: z", "PASSES"],
        ["a term", "step: z", "equivalent: zero wherever it is computed"],
        ["a factor", "initial, step", "at other values: Taylor slope 2, 3"],
        ["a shape", "the derivation itself"],
    ]
    assert [(one["refused_by"], one["elsewhere"], one["equivalent"]) for one in each] == [
        ([], False, None),
        ([], False, "zero wherever it is computed"),
        (["Taylor slope 2", "Taylor slope 3"], True, None),
        (["the derivation itself"], False, None),
    ]


def test_long_terms_are_shortened_in_the_table_alone(monkeypatch: pytest.MonkeyPatch):
    what = " + ".join(f"x{i}" for i in range(99)) + " with its sign flipped"
    survey = Survey(1, 1, each=(Fate(what, what, "step: z", ("Taylor slope 1",)),))
    monkeypatch.setattr(certificate, "survey", lambda *arguments: survey)
    assert check(CLOSED, "--mutants", "--json").document["mutants"]["each"][0]["changed"] == what
    ((shown, *_),) = table_of(check(CLOSED, "--mutants").out)
    assert len(shown) <= 60 and shown.startswith("x0 + x1 ") and shown.endswith("x98 with its sign flipped")


def test_without_mutants_none_were_tried():
    assert check(CLOSED, "--json").document["mutants"] == {"tried": 0, "killed": 0, "survivors": []}


def test_the_certificate_for_people_names_every_check():
    outcome = check(CLOSED)
    assert outcome.code == 0
    said = ("route independent", "Taylor slope 3", "Hessian slope 3", "Hamiltonian between nodes", "confirmed", "error bar")
    assert not [words for words in said if words not in outcome.out]


def test_the_table_says_which_bounds_are_floors():
    """Slopes must not fall below their bound; all else, a zero gradient's slope among it, must not rise above. JSON has neither sign."""
    lines = [line for line in check(CLOSED).out.splitlines() if "e+" in line or "e-" in line]
    signs = {line.split("  ")[0]: re.findall("[<>]=", line) for line in lines if "=" in line}
    floors = {f"{kind} slope {i}" for kind in ("Taylor", "Hessian") for i in (1, 2, 3)}
    assert {"zero gradient refused", "route independent", "invariant along the path"} | floors <= set(signs)
    assert signs == {name: [">=" if name in floors else "<="] for name in signs}
    assert all(set(one) == {"name", "measured", "bound", "passed"} for one in check(CLOSED, "--json").document["checks"])


def test_an_exact_remainder_is_said_to_be_exact(tmp_path: Path):
    model, values = files(tmp_path, GROWTH.replace("theta*z", "theta").replace("theta**2*z**2", "z"))
    outcome, document = run("check", model, values), run("check", model, values, "--json").document
    assert document["exact"] == [True, True, True] and document["slopes"] == [2, 2, 2]
    assert [line.split()[-1] for line in outcome.out.splitlines() if line.startswith("Taylor")] == ["exact"] * 3


def test_a_path_says_where_its_invariants_change_most():
    document = check(CLOSED, "--json").document
    assert document["invariant"]["worst"] < 1e-13 and 0 <= document["invariant"]["depth"] <= 1.5
    assert document["hamiltonian"]["worst"] < 1e-9
    assert check(CONTRACT / "network_batch", "--json").document["hamiltonian"] is None


def test_a_broken_invariant_says_where(monkeypatch: pytest.MonkeyPatch):
    right = invariant.step_cotangents

    def wrong(run, k, *rest):
        depth = invariant.step_values(run, k)["s"][0]
        return (1.001 if 0.7 < depth < 0.75 else 1.0) * right(run, k, *rest)

    monkeypatch.setattr(invariant, "step_cotangents", wrong)
    outcome = check(CLOSED)
    assert outcome.code == 1 and "refuted: invariant along the path is" in outcome.err
    assert 0.6 < float(outcome.err.split("near depth ")[1].split(")")[0]) < 0.8


def test_fixed_steps_are_compared_with_a_route_that_uses_none_of_our_calculus():
    document = check(CLOSED, "--steps", "7", "--method", "rk4", "--json").document
    assert document["verdict"] == "confirmed" and document["routes"]["independent"] < 1e-6
    assert set(document["skipped"]) == {"adjoint", "forward"}


@pytest.mark.parametrize("verdict", ["refuted", "inconclusive"])
def test_only_a_confirmed_gradient_ends_well(monkeypatch: pytest.MonkeyPatch, verdict: str):
    real, passed = certificate.check, {"refuted": False, "inconclusive": None}[verdict]

    def broken(*arguments, **options):
        found = real(*arguments, **options)
        return replace(found, verdict=verdict, checks=(*found.checks, certificate.Check("made up", 2.0, 1.0, passed)))

    monkeypatch.setattr(certificate, "check", broken)
    outcome = check(CLOSED, "--json")
    assert outcome.code == 1 and outcome.document["verdict"] == verdict
    assert verdict in outcome.err and "made up is 2, not <= 1" in outcome.err


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
