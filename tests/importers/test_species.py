"""What a species' id means, and what it starts from, in every combination of units; stoichiometries of level 2 and of rules."""

from itertools import product
from pathlib import Path

import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.importers.imported import Imported
from tests.importers.documents import HEAD, K, imported, math, sbml

GIVEN = {"amount": 'initialAmount="6"', "concentration": 'initialConcentration="6"', "nothing": ""}


def decay(only_amounts: bool, given: str, dimensions: int = 3, *, boundary: bool = False, kinetics: str = "<ci>A</ci>") -> str:
    """A decays in a pot of size V into B, at the rate that its id means."""
    whole, fixed = str(only_amounts).lower(), f'boundaryCondition="{str(boundary).lower()}"'
    return sbml(
        '<model id="m"><listOfCompartments>'
        f'<compartment id="V" spatialDimensions="{dimensions}" size="2" constant="true"/></listOfCompartments><listOfSpecies>'
        f'<species id="A" compartment="V" {GIVEN[given]} hasOnlySubstanceUnits="{whole}" {fixed} constant="false"/>'
        '<species id="B" compartment="V" initialAmount="0" hasOnlySubstanceUnits="true" boundaryCondition="false" constant="false"/>'
        '</listOfSpecies><listOfReactions><reaction id="R" reversible="false">'
        '<listOfReactants><speciesReference species="A" stoichiometry="1" constant="true"/></listOfReactants>'
        '<listOfProducts><speciesReference species="B" stoichiometry="1" constant="true"/></listOfProducts>'
        f"<kineticLaw>{math(kinetics)}</kineticLaw></reaction></listOfReactions></model>"
    )


def equations(found: Imported, name: str) -> tuple[str, str]:
    """The right side and the start of a state, as text."""
    model = found.model
    return next(
        (oda.text(right), oda.text(start))
        for (state, right), (_, start) in zip(model.field, model.initial, strict=True)
        if state.name == name
    )


@pytest.mark.parametrize(("only_amounts", "given"), [*product([True, False], GIVEN)])
def test_an_id_means_an_amount_or_a_concentration(only_amounts: bool, given: str, tmp_path: Path):
    """The amount n decays at the rate A: n' = -A, where A is n or n/V."""
    found = imported(tmp_path, decay(only_amounts, given))
    slope, start = equations(found, "A")
    assert slope == ("-A" if only_amounts else "-A/V")
    wanted = {(True, "concentration"): "A0*V", (False, "amount"): "A0/V"}
    assert start == wanted.get((only_amounts, given), "A0")
    assert found.values.get("A0") == (None if given == "nothing" else 6)
    assert found.missing == (("A0",) if given == "nothing" else ())
    assert ("# no value is given for A0\n" in found.text) == (given == "nothing")


def test_where_there_is_no_space_there_are_no_concentrations(tmp_path: Path):
    assert equations(imported(tmp_path, decay(False, "amount", dimensions=0)), "A") == ("-A", "A0")


@pytest.mark.parametrize("given", ["amount", "concentration"])
def test_a_boundary_species_is_a_constant_of_the_same_meaning(given: str, tmp_path: Path):
    found = imported(tmp_path, decay(False, given, boundary=True))
    assert [state.name for state in found.model.states] == ["B"]
    assert equations(found, "B")[0] == ("A_0/V" if given == "amount" else "A").replace("A_0", "A0")
    assert found.values["A0" if given == "amount" else "A"] == 6


def test_a_name_for_a_start_is_one_that_is_free(tmp_path: Path):
    text = decay(True, "amount").replace('id="V"', 'id="A0"').replace('compartment="V"', 'compartment="A0"')
    found = imported(tmp_path, text.replace("<ci>A</ci>", "<apply><times/><ci>A</ci><ci>A0</ci></apply>"))
    assert equations(found, "A") == ("-A*A0", "A_start") and found.values == {"A0": 2, "A_start": 6, "B0": 0}


LEVEL_2 = f"""{HEAD}
<sbml xmlns="http://www.sbml.org/sbml/level2/version4" level="2" version="4"><model id="m">
<listOfCompartments><compartment id="V" size="2"/></listOfCompartments>
<listOfSpecies>
  <species id="A" compartment="V" initialConcentration="1"/>
  <species id="B" compartment="V" initialAmount="1"/>
</listOfSpecies>
<listOfParameters><parameter id="k" value="3"/></listOfParameters>
<listOfReactions><reaction id="R" reversible="false">
  <listOfReactants><speciesReference species="A"/></listOfReactants>
  <listOfProducts>
    <speciesReference species="B"><stoichiometryMath>{math(K)}</stoichiometryMath></speciesReference>
  </listOfProducts>
  <kineticLaw>{math("<ci>A</ci>")}<listOfParameters><parameter id="k" value="5"/></listOfParameters></kineticLaw>
</reaction></listOfReactions>
</model></sbml>"""


def test_a_stoichiometry_of_level_2_may_be_a_formula_and_is_1_by_default(tmp_path: Path):
    """The formula stands outside the kinetic law, whose own k it does not see."""
    found = imported(tmp_path, LEVEL_2)
    assert equations(found, "A") == ("-A/V", "A0") and equations(found, "B") == ("A*k/V", "B0/V")
    assert found.unused == ("R_k",) and found.values["k"] == 3


def test_the_end_is_the_one_that_is_asked_for(tmp_path: Path):
    (tmp_path / "file.xml").write_text(decay(True, "amount"))
    assert oda.from_sbml(tmp_path / "file.xml").model.domain == (0, 10)
    assert oda.from_sbml(tmp_path / "file.xml", -2.5).model.domain == (0, sp.Rational(-5, 2))
    with pytest.raises(oda.ModelError, match="nan"):
        oda.from_sbml(tmp_path / "file.xml", float("nan"))
