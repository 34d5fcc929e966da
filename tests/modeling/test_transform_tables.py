"""Transforms in model files: each table equals the transform in Python, what it makes is written again, wrong ones are refused."""

from typing import Any

import pytest

import odeanalysis as oda
from odeanalysis.errors import ModelError
from odeanalysis.modeling.bases import Chebyshev, Fourier, Hat, Legendre, Monomial, Radial, Spline
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.transforms import TRANSFORMS, adaptive_depth, flow, galerkin, regularize, stacked, total_jacobian, unit_domain
from odeanalysis.modeling.writing import dumps
from odeanalysis.symbolic import expressions as ex
from tests.modeling.test_augmented_files import TABLES as AUGMENTED

k, p, y, v = (ex.block(name) for name in "kpyv")

HEAD = """
domain = [0, 1]
[state]
y = []
[parameters]
k = []
p = []
[field]
y = "-k*y"
[initial]
y = "p"
[objective]
terminal = "y"
running = "k"
[[transforms]]
"""
TABLES: dict[str, Any] = {
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "fourier"\nterms = 3\nperiod = 0.7': lambda m: galerkin(m, {"k": Fourier(3, 0.7)}),
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "fourier"\nterms = 3\nperiod = "2*p"': lambda m: galerkin(
        m, {"k": Fourier(3, 2 * ex.block("p"))}
    ),
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "chebyshev"\nterms = 3': lambda m: galerkin(m, {"k": Chebyshev(3)}),
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "legendre"\nterms = 3\ninterval = [0, 2]': lambda m: galerkin(
        m, {"k": Legendre(3, (0, 2))}
    ),
    'kind = "galerkin"\nparameters = ["k", "p"]\nbasis = "monomial"\nterms = 2': lambda m: galerkin(
        m, {"k": Monomial(2), "p": Monomial(2)}
    ),
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "hat"\nknots = [0, 0.5, 1]': lambda m: galerkin(m, {"k": Hat([0, 0.5, 1])}),
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "spline"\nknots = [0, 0.5, 1]\ndegree = 2': lambda m: galerkin(
        m, {"k": Spline([0, 0.5, 1], 2)}
    ),
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "radial"\ncenters = [0, 1]\nwidth = 0.5': lambda m: galerkin(
        m, {"k": Radial([0, 1], 0.5)}
    ),
    'kind = "stacked"\nparameters = ["k"]\nnodes = [0, "p/2", 1]': lambda m: stacked(m, ["k"], [0, ex.block("p") / 2, 1]),
    'kind = "adaptive_depth"\ndepth = "2*p - 1"': lambda m: adaptive_depth(m, 2 * p - 1),
    'kind = "flow"\nstate = "y"\nlog_det = "ld"': lambda m: flow(m, "y", "ld"),
    'kind = "flow"\nstate = ["y"]\nlog_det = "ld"\nnoise = "e"': lambda m: flow(m, "y", "ld", "e"),
    'kind = "flow"\nstate = "y"\nlog_det = "ld"\nnoise = ["e"]': lambda m: flow(m, "y", "ld", "e"),
    'kind = "total_jacobian"\nstate = "y"\nwrt = "p"\njacobian = "J"': lambda m: total_jacobian(m, "y", "p", "J"),
    'kind = "regularize"\nkinetic = 0.01\njacobian = "p**2"\nstates = ["y"]': lambda m: regularize(
        m, 0.01, ex.block("p") ** 2, states=["y"]
    ),
    'kind = "regularize"\njacobian = 2\nnoise = "e"\nmeasure = "absolute"': lambda m: regularize(
        m, jacobian=2, noise="e", measure="absolute"
    ),
    'kind = "regularize"\nterm = "(v - p)**2*s"\nfield = { v = "y" }': lambda m: regularize(
        m, term=(v - p) ** 2 * ex.depth, field={"v": "y"}
    ),
    'kind = "unit_domain"': unit_domain,
}


def by_hand() -> Any:
    return Model({y: -k * y}, {y: p}, (0, 1), [k, p])


@pytest.mark.parametrize("table", TABLES)
def test_a_table_equals_the_transform_in_python(table: str):
    found, objective = oda.loads(HEAD + table), Objective(terminal=y, running=k)
    kind = table.split('"')[1]
    if TRANSFORMS[kind].stage == "problem":
        assert found == TABLES[table](Problem(by_hand(), objective))
    else:
        assert found == Problem(TABLES[table](by_hand()), objective)


@pytest.mark.parametrize("table", [table for table in TABLES if "galerkin" not in table and "stacked" not in table])
def test_what_a_table_makes_is_written_and_read_again(table: str):
    """Functions of depth have no place in a file; all else that transforms make has."""
    problem = oda.loads(HEAD + table)
    assert oda.loads(dumps(problem)) == problem


def test_every_transform_is_read_from_tables():
    tables = (*TABLES, *AUGMENTED)
    assert {kind for kind in TRANSFORMS if any(f'kind = "{kind}"' in table for table in tables)} == set(TRANSFORMS)


WRONG_TABLES = {
    'kind = "galerkin"\nbasis = "monomial"\nterms = 2': r"transforms\[0\] has no parameters; add parameters",
    'kind = "galerkin"\nparameters = ["k"]': r"transforms\[0\] has no basis; add basis",
    'kind = "galerkin"\nparameters = "k"\nbasis = "hat"': r"transforms\[0\]\.parameters is a string",
    'kind = "galerkin"\nparameters = [3]\nbasis = "hat"': r"transforms\[0\]\.parameters\[0\] is a whole number",
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "hats"': r"transforms\[0\]\.basis is 'hats', which is no basis; did you mean 'hat'",
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "hat"\nperiod = 1': r"\(basis 'hat'\) has the key 'period'.*knots",
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "hat"': r"\(basis 'hat'\) has no knots; add knots",
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "hat"\nknots = 3': r"transforms\[0\]: knots is 3; give a list",
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "monomial"\nterms = 2.5': r"terms is 5/2; give a whole number",
    'kind = "galerkin"\nparameters = ["q"]\nbasis = "monomial"\nterms = 2': r"'q' is no parameter or input",
    'kind = "galerkin"\nparameters = ["k", "k"]\nbasis = "monomial"\nterms = 2': r"'k' twice; name each once",
    'kind = "stacked"\nparameters = ["k"]\nnodes = [0, 0.5]': r"nodes from 0 to 1/2 do not contain the end 1 of the domain",
    'kind = "stacked"\nparameters = ["k"]\nnodes = 2': r"transforms\[0\]\.nodes is a whole number",
    'kind = "flow"\nstate = "y"': r"transforms\[0\] has no log_det; add log_det",
    'kind = "flow"\nstate = "y"\nlog_det = "sin"': r"log_det|'sin'",
    'kind = "flow"\nstate = "y"\nlog_det = "ld"\nnoise = 3': r"transforms\[0\]\.noise is a whole number",
    'kind = "flow"\nstate = "y"\nlog_det = "ld"\nnoise = "k"': r"transforms\[0\]: noise is 'k', a name that 'model' has already",
    'kind = "adaptive_depth"': r"transforms\[0\] has no depth; add depth",
    'kind = "adaptive_depth"\ndepth = "y"': r"transforms\[0\]: the depth of 'model' uses 'y', which is no parameter or input",
    'kind = "adaptive_depth"\ndepth = "1 + s"': r"transforms\[0\]: the depth of 'model' uses 's', which is no parameter or input",
    'kind = "adaptive_depth"\ndepth = [1]': r"transforms\[0\]\.depth is an array",
    'kind = "total_jacobian"\nstate = "y"\nwrt = "p"': r"transforms\[0\] has no jacobian; add jacobian",
    'kind = "total_jacobian"\nstate = "y"\nwrt = "q"\njacobian = "J"': r"transforms\[0\]: 'q' is no parameter or input",
    'kind = "unit_domain"\ndepth = 1': r"transforms\[0\] \(unit_domain\) has the key 'depth'",
    'kind = "regularize"': r"no weight above 0 and no term; give kinetic, jacobian or term",
    'kind = "regularize"\nterm = "v"': r"transforms\[0\]\.term.*'v'",
    'kind = "regularize"\nterm = "v"\nfield = { v = 3 }': r"transforms\[0\]\.field\.v is a whole number",
    'kind = "regularize"\nterm = "v"\nfield = ["v"]': r"transforms\[0\]\.field is an array",
    'kind = "regularize"\nterm = "v"\nfield = { v = "q" }': r"transforms\[0\]: 'q' is no state",
    'kind = "regularize"\nkinetic = 1\nmeasure = "both"': r"transforms\[0\]: measure is 'both'; use one of",
    'kind = "regularize"\nkinetic = 1\nstates = ["w"]': r"'w' is no state of 'model'",
    'kind = "regularize"\nkinetic = "z"': r"transforms\[0\]\.kinetic",
}


@pytest.mark.parametrize("table", WRONG_TABLES)
def test_wrong_tables_are_refused_by_key(table: str):
    with pytest.raises(ModelError, match=WRONG_TABLES[table]):
        oda.loads(HEAD + table)
