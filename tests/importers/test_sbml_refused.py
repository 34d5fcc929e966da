"""What a model cannot say is refused by name, and what is built to do harm is refused soon; nothing is dropped."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import odeanalysis as oda
from odeanalysis.errors import OdeAnalysisError
from odeanalysis.importers.sbml import formulas, guard, library
from tests.importers.documents import (
    CORE,
    HEAD,
    ONE,
    TIME,
    K,
    X,
    apply,
    called,
    choice,
    document,
    function,
    imported,
    math,
    parameter,
    rule,
    sbml,
    slope,
    start,
    symbol,
    written,
)
from tests.importers.references import REFERENCES

LATER = choice((ONE, apply("lt", ONE, TIME)))
TWO_K = document().replace("</listOfParameters>", parameter("k", "1") + "</listOfParameters>")
TRIGGER = f'<trigger initialValue="true" persistent="true">{math("<true/>")}</trigger>'
EVENT = f'<listOfEvents><event id="dose" useValuesFromTriggerTime="true">{TRIGGER}</event></listOfEvents>'
COMP = 'xmlns:comp="http://www.sbml.org/sbml/level3/version1/comp/version1" comp:required="true"'
OWN = 'xmlns:own="http://www.sbml.org/sbml/level3/version1/own/version1" own:required="true"'


POT = """
<listOfCompartments><compartment id="pot" spatialDimensions="3" size="2" constant="POT_IS_CONSTANT"/></listOfCompartments>
<listOfSpecies><species id="A" compartment="pot" initialAmount="1" hasOnlySubstanceUnits="false" SPECIES/></listOfSpecies>
RULES
<listOfReactions>
  <reaction id="R" reversible="false" ATTRIBUTES>
    <listOfReactants><speciesReference species="A" STOICHIOMETRY constant="true"/></listOfReactants>
    LAW
  </reaction>
</listOfReactions>
"""
REACTION = {
    "POT_IS_CONSTANT": "true",
    "SPECIES": 'boundaryCondition="false" constant="false"',
    "RULES": "",
    "ATTRIBUTES": "",
    "STOICHIOMETRY": 'stoichiometry="1"',
    "LAW": f"<kineticLaw>{math('<ci>A</ci>')}</kineticLaw>",
}


def reaction(**changes: str) -> str:
    """A reaction R that uses up the species A of a pot, with changes."""
    text = POT
    for word, part in {**REACTION, **changes}.items():
        text = text.replace(word, part)
    return sbml(f'<model id="m">{text}</model>')


def rules(text: str) -> str:
    return f"<listOfRules>{text}</listOfRules>"


def version_1(text: str) -> str:
    """A document of level 3 version 2 as one of version 1."""
    return text.replace("version2/core", "version1/core").replace('version="2"', 'version="1"')


TWICE = '<localParameter id="q" value="1"/>' * 2
LOCAL = f"<kineticLaw>{math('<ci>q</ci>')}<listOfLocalParameters>{TWICE}</listOfLocalParameters></kineticLaw>"
FIXED = 'boundaryCondition="false" constant="true"'
DEEP_NOTES = "<notes>" + "<b>" * 30_000 + "</b>" * 30_000 + "</notes><listOfParameters>"

# a document, and the words that its refusal must hold
REFUSED: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "event": (document(more=EVENT), ("event 'dose'",)),
    "nameless event": (document(more=EVENT.replace('id="dose"', "")), ("event number 1",)),
    "algebraic rule": (document(rules=f'<algebraicRule metaid="balance">{math(X)}</algebraicRule>'), ("algebraic rule 'balance'",)),
    "constraint": (document(more=f"<listOfConstraints><constraint>{math('<true/>')}</constraint></listOfConstraints>"), ("constraint",)),
    "fast reaction": (version_1(reaction(ATTRIBUTES='fast="true"')), ("fast reaction 'R'",)),
    "delay": (document(symbol("delay", X, ONE)), ("'x'", "delay is not supported")),
    "rateOf": (document(symbol("rateOf", X)), ("'x'", "rateOf is not supported")),
    "floor": (document(apply("floor", X)), ("floor is not supported", "jumps")),
    "ceiling": (document(apply("ceiling", X)), ("ceiling",)),
    "rem": (document(apply("rem", X, K)), ("rem",)),
    "quotient": (document(apply("quotient", X, K)), ("quotient",)),
    "factorial": (document(apply("factorial", X)), ("factorial",)),
    "equality": (document(choice((ONE, apply("eq", X, K)))), ("eq is not supported",)),
    "inequality": (document(choice((ONE, apply("neq", X, K)))), ("neq is not supported",)),
    "no otherwise": (document(choice((ONE, apply("lt", TIME, K)), otherwise="")), ("otherwise",)),
    "jump in the state": (document(choice((ONE, apply("lt", X, K)))), ("'x'", "jumps when the state crosses")),
    "condition as a number": (document(apply("lt", X, K)), ("condition", "where a number is meant")),
    "number as a condition": (document(choice((ONE, K))), ("number", "where a condition is meant")),
    "lambda": (document("<lambda><bvar><ci>q</ci></bvar><ci>q</ci></lambda>"), ("lambda",)),
    "one to compare": (document(choice((ONE, apply("lt", TIME)))), ("comparison", "two numbers")),
    "two arguments of not": (document(choice((ONE, f"<apply><not/>{apply('lt', TIME, K) * 2}</apply>"))), ()),
    "not known": (document("<ci>zeta</ci>"), ("'zeta' is not declared",)),
    "no function": (document(called("zeta", X)), ("'zeta' is not defined",)),
    "global in a function": (document(called("f", X), functions=function("f", K, "a")), ("'f' uses 'k'",)),
    "too many arguments": (document(called("f", X, X), functions=function("f", X, "x")), ("'f' takes 1",)),
    "no formula": (document().replace(math(K), ""), ("the rule for 'x' has no formula",)),
    "id twice": (TWO_K, ("'k' is given twice",)),
    "rule twice": (document(rules=rule("rate", "x", ONE)), ("'x' has two",)),
    "rule for a constant": (document(parameters=parameter("c", "1", True), rules=rule("rate", "c", ONE)), ("'c' is declared constant",)),
    "rule for nothing": (document(rules=rule("assignment", "c", ONE)), ("'c', which is not declared",)),
    "rule and start": (document(rules=rule("assignment", "k", ONE), starts=start("k", ONE)), ("'k' has an assignment rule and",)),
    "nothing changes": (sbml('<model id="m"/>'), ("nothing changes",)),
    "no value but infinite": (document().replace('value="2"', 'value="INF"'), ("'k' is inf",)),
    "compartment with a rule": (
        reaction(POT_IS_CONSTANT="false", RULES=rules(rule("rate", "pot", ONE))),
        ("compartment 'pot' varies",),
    ),
    "no kinetic law": (reaction(LAW=""), ("reaction 'R' has no kinetic law",)),
    "constant species": (reaction(SPECIES=FIXED), ("'R' changes species 'A'", "constant")),
    "species with a rule": (reaction(RULES=rules(rule("rate", "A", ONE))), ("'R' changes species 'A'", "rule")),
    "no stoichiometry": (reaction(STOICHIOMETRY=""), ("stoichiometry of 'A' is not given",)),
    "parameter twice": (reaction(LAW=LOCAL), ("'R' has two parameters 'q'",)),
    "no compartment": (reaction().replace('compartment="pot"', 'compartment="pan"'), ("'A' is in the compartment 'pan'",)),
    "package": (document(spaces=COMP), ("package 'comp'",)),
    "unknown package": (document(spaces=OWN), ("package",)),
    "level 1": (f'{HEAD}<sbml xmlns="http://www.sbml.org/sbml/level1" level="1" version="2"><model name="m"/></sbml>', ("level 1",)),
    "other XML": ("<html/>", ("no SBML",)),
    "no XML": ("x' = -k*x", ("no XML",)),
    "empty": ("", ("no XML",)),
    "cut off": (document()[:300], ("no XML", "line 3")),
    "no model": (f'{HEAD}<sbml xmlns="{CORE}" level="3" version="2"/>', ("no model",)),
    "UTF-16": (document().encode("utf-16"), ("UTF-8",)),
    "other encoding": (document(head='<?xml version="1.0" encoding="ISO-8859-1"?>'), ("'ISO-8859-1'", "UTF-8")),
    "zero byte": (document("<ci>k\0</ci>"), ("no XML",)),
    "infinity": (document("<infinity/>"), ("inf is no finite number",)),
    "no number": (document("<notanumber/>"), ("nan is no finite number",)),
    "division by 0": (document(apply("divide", X, "<cn>0</cn>")), ("division by zero",)),
    "root of -1": (document(apply("root", "<cn>-1</cn>")), ("not a real number",)),
    "long integer": (document(f'<cn type="integer">{"9" * 30}</cn>'), ("integer",)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_supported_is_refused_by_name(name: str, tmp_path: Path):
    text, words = REFUSED[name]
    with pytest.raises(oda.ModelError) as refused:
        imported(tmp_path, text)
    said = str(refused.value)
    assert "file.xml" in said and len(said) < 1000 and not [word for word in words if word not in said], said


# ---------------------------------------------------------------- built to do harm

NINE = "<cn>9</cn>"
TOWER = apply("power", NINE, apply("power", NINE, apply("power", NINE, NINE)))
AT_START = apply("power", NINE, apply("power", NINE, apply("plus", NINE, TIME)))
ENTITIES = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10 if i else "ha"}">' for i in range(10))
GROWING = function("f0", apply("plus", X, apply("sin", X)), "x") + "".join(
    function(f"f{i}", called(f"f{i - 1}", called(f"f{i - 1}", X)), "x") for i in range(1, 40)
)
MANY = [f"p{i}" for i in range(2000)]
CHAIN = "".join(rule("assignment", one, f"<ci>{other}</ci>") for one, other in zip(MANY, ["x", *MANY], strict=False))
SWELLING = "".join(
    rule("assignment", one, apply("plus", f"<ci>{other}</ci>", apply("sin", f"<ci>{other}</ci>")))
    for one, other in zip(MANY[:60], ["x", *MANY], strict=False)
)
CIRCLE = rule("assignment", "p0", "<ci>p1</ci>") + rule("assignment", "p1", "<ci>p0</ci>")
STARTS = start("p0", "<ci>p1</ci>") + start("p1", "<ci>p0</ci>")


def parameters(count: int) -> str:
    return "".join(map(parameter, MANY[:count]))


HOSTILE: dict[str, tuple[str, tuple[str, ...]]] = {
    "entities": (document(head=f"{HEAD}<!DOCTYPE sbml [{ENTITIES}]>", law="<ci>&e9;</ci>"), ("document type", "line 1")),
    "outside file": (document(head=f'{HEAD}<!DOCTYPE sbml SYSTEM "file:///etc/hostname">'), ("document type",)),
    "long sum": (document(apply("plus", *[X] * 60_000)), ("more than 8000 parts", "line 3")),
    "deep formula": (document("<apply><sin/>" * 30_000 + X + "</apply>" * 30_000), ("inside each other",)),
    "deep notes": (document().replace("<listOfParameters>", DEEP_NOTES), ("inside each other",)),
    "many elements": (document().replace("<listOfParameters>", f"<notes>{'<b/>' * 300_001}</notes>"), ("300000 elements",)),
    "deep enough to print": (document("<apply><sin/>" * 150 + X + "</apply>" * 150), ("nests more than 100 levels",)),
    "long name": (document(f"<ci>{'x' * 10**6}</ci>"), ("256 characters",)),
    "long number": (document(f"<cn>{'1' * 10**6}</cn>"), ("256 characters",)),
    "long id": (document(parameters=parameter("x" * 10**6)), ("longer than 256",)),
    "function of itself": (document(called("f", X), functions=function("f", called("f", X), "x")), ("f -> f",)),
    "functions in a circle": (
        document(called("f", X), functions=function("f", called("g", X), "x") + function("g", called("f", X), "x")),
        ("f -> g -> f",),
    ),
    "functions that grow": (document(called("f39", X), functions=GROWING), ("more than 8000 parts",)),
    "rules in a circle": (document("<ci>p0</ci>", parameters=parameters(2), rules=CIRCLE), ("depends on itself", "p0")),
    "starts in a circle": (document("<ci>p0</ci>", parameters=parameters(2), starts=STARTS), ("depends on itself", "p0")),
    "rules in a long chain": (document("<ci>p1999</ci>", parameters=parameters(2000), rules=CHAIN), ("too deeply",)),
    "rules that grow": (document("<ci>p59</ci>", parameters=parameters(60), rules=SWELLING), ("more than 8000 parts", "the rule for 'p")),
    "powers of powers": (document(TOWER), ("too large",)),
    "powers at the start": (document(starts=start("x", AT_START)), ("too large", "initial assignment of 'x'")),
    "large power of a sum": (document(apply("power", apply("plus", X, ONE), "<cn>1000000</cn>")), ("exponent 1000000",)),
    "xor of many": (document(choice((ONE, apply("xor", *[apply("lt", TIME, f"<cn>{i}</cn>") for i in range(60)])))), ("parts",)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_would_take_long_is_refused(name: str, tmp_path: Path):
    text, words = HOSTILE[name]
    with pytest.raises(oda.ModelError) as refused:
        imported(tmp_path, text)
    said = str(refused.value)
    assert len(said) < 1000 and not [word for word in words if word not in said], said


def test_a_file_is_read_up_to_its_limit_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(guard, "FILE_LIMIT", 100)
    with pytest.raises(oda.ModelError, match="longer than 100 bytes"):
        imported(tmp_path, document())


def test_the_work_on_formulas_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(formulas.Work.__init__, "__defaults__", (5,))
    assert imported(tmp_path, document(apply("plus", X, K, ONE))).model.states
    with pytest.raises(oda.ModelError, match="once every call of a function stands in them"):
        imported(tmp_path, document(apply("plus", X, K, ONE, ONE, ONE)))


def test_functions_that_call_each_other_twice_are_read_once_each(tmp_path: Path):
    """2^60 calls, were they all made."""
    functions = function("f0", apply("plus", X, X), "x")
    functions += "".join(function(f"f{i}", apply("plus", *[called(f"f{i - 1}", X)] * 2), "x") for i in range(1, 60))
    assert str(slope(imported(tmp_path, document(called("f59", X), functions=functions)))) == f"{2**60}*x"


def test_a_sum_of_thousands_of_terms_is_a_sum(tmp_path: Path):
    assert str(slope(imported(tmp_path, document(apply("plus", *[X] * 5000))))) == "5000*x"


def test_without_libsbml_the_message_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(library, "find_spec", lambda name: None)
    with pytest.raises(OdeAnalysisError, match=r"pip install 'odeanalysis\[sbml\]'"):
        imported(tmp_path, document())


SOURCES = [one.path.read_text(encoding="utf-8") for one in REFERENCES.values()]
TOKENS = [
    "",
    "<",
    ">",
    "/>",
    '"',
    "&lt;",
    "&",
    "0",
    "-1",
    "1e999",
    "true",
    "false",
    "k",
    "<ci>k</ci>",
    "<cn>2</cn>",
    "<apply/>",
    "</apply>",
]
TOKENS += ["<apply><power/>", "<piecewise>", "</piece>", "<true/>", 'id="S"', "constant", "<bvar>", "\n", "é", "\0"]


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_file_with_changes_is_imported_or_refused(tmp_path: Path, data: st.DataObject):
    text = data.draw(st.sampled_from(SOURCES))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.sampled_from(TOKENS)) + text[at + data.draw(st.sampled_from([0, 0, 1, 4, 9])) :]
    try:
        found = oda.from_sbml(written(tmp_path, text))
        assert oda.loads(found.text).model == found.model
    except oda.ModelError as error:
        assert str(error) and len(str(error)) < 2000
