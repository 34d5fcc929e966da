"""Parameters and inputs as functions of depth: theta(s) = sum_j alpha_j psi_j(s).

Source: Massaroli et al. 2020, Sec. 3 (spectral discretisation) and Cor. 1.
"""

from collections.abc import Mapping
from typing import Any

from odeanalysis.errors import ModelError
from odeanalysis.modeling import tables
from odeanalysis.modeling.bases import BASES, Basis, Dilated
from odeanalysis.modeling.bases.basis import Domain, keys
from odeanalysis.modeling.model import Model
from odeanalysis.modeling.transforms.transform import Parse, Table, Transform, checked, located, texts, vary
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import maximum, minimum
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.rewrite import leaves

EXAMPLES = {"parameters": 'parameters = ["W"]', "basis": 'basis = "fourier"'}
DILATION = ("scale", "shift")
BASIS_KEYS = tuple(dict.fromkeys(key for basis in BASES.values() for key in keys(basis)))
KEYS = {"parameters": True, "basis": True, **dict.fromkeys((*BASIS_KEYS, *DILATION), False)}


def galerkin(model: Model, bases: Mapping[str | Leaf, Basis]) -> Model:
    """Makes parameters or inputs functions of depth, each in a basis of its own.

        theta(s) = sum_j theta[j] psi_j(s)

    bases: name (or leaf) -> basis.  The value of each name gains a leading axis `terms`, its coefficients; wherever the model and an
    objective stated afterwards use the name, they mean its value at their depth.  That learned knots and nodes increase is checked for
    each sample.
    Raises ModelError for a name that is no parameter or input, that varies with depth already, or on which a depth rests.
    """
    for name, basis in dict(bases).items():
        if not isinstance(basis, Basis):
            raise ModelError(f"galerkin gives {getattr(name, 'name', name)!r} the basis {basis!r}; give one such as Fourier(5, period=1)")
        functions = basis.functions(model.depth, model.domain)
        model = vary(model, name, basis.terms, lambda coefficient, f=functions: combination(f, coefficient), "galerkin")
        if leaves(*basis.rising):
            model = model.with_(nodes=tuple(dict.fromkeys((*model.nodes, enclosing(basis.rising, model.domain)))))
    return model


def enclosing(depths: tuple[Any, ...], domain: Domain) -> tuple[Any, ...]:
    """The depths with one below and one above, so that they contain the domain: as `Model.nodes` they then only have to increase."""
    below, above = depths[0], depths[-1]
    for end in domain:
        below, above = minimum(below, end), maximum(above, end)
    return (below - 1, *depths, above + 1)


def combination(functions: tuple[Any, ...], coefficient: Any) -> Any:
    """sum_j coefficient[j] psi_j: a scalar product, a product with a matrix, or for higher ranks a sum of slices."""
    rank = len(shape_of(coefficient))
    if rank <= 2:
        return (ex.dot if rank == 1 else ex.matmul)(ex.concat(*functions), coefficient)
    return ex.add(*(ex.mul(function, ex.index(coefficient, j)) for j, function in enumerate(functions)))


def from_table(model: Model, table: Table, where: str, parse: Parse) -> Model:
    """A table of a model file: parameters, basis, the keys of that basis, and scale and shift for any."""
    given = checked(table, where, KEYS, EXAMPLES)
    names = texts(given.pop("parameters"), f"{where}.parameters", EXAMPLES["parameters"])
    basis = basis_from(given, where, parse)
    with located(where):
        return galerkin(model, dict.fromkeys(names, basis))


def basis_from(given: dict[str, Any], where: str, parse: Parse) -> Basis:
    """The basis that a table names, made from the table's other keys, dilated where it has scale or shift."""
    name = tables.text(given.pop("basis"), f"{where}.basis", EXAMPLES["basis"])
    if name not in BASES:
        raise ModelError(f"{where}.basis is {tables.show(name)}, which is no basis; {tables.suggestion(name, BASES)}")
    moved = {key: parse(given.pop(key), f"{where}.{key}") for key in DILATION if key in given}
    known = keys(BASES[name])
    tables.only(given, (*known, *DILATION), f"{where} (basis {name!r})")
    for key, needed in known.items():
        if needed:
            tables.required(given, key, f"{where} (basis {name!r})", key)
    with located(where):
        basis = BASES[name](**{key: _value(value, f"{where}.{key}", parse) for key, value in given.items()})
        return Dilated(basis, **moved) if moved else basis


def _value(value: Any, where: str, parse: Parse) -> Any:
    if isinstance(value, list):
        return tuple(parse(one, f"{where}[{i}]") for i, one in enumerate(value))
    return parse(value, where)


TRANSFORM = Transform("model", KEYS, from_table)
