"""Networks in formulas: what is derived of one by its name is what is derived of its formula; texts, and what is refused."""

from typing import Any

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.errors import LanguageError, ModelError, TargetError
from odeanalysis.numerics.gradients.program import summed
from odeanalysis.numerics.networks import OnArrays
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.calculus.divergence import divergence, hutchinson
from odeanalysis.symbolic.calculus.forward import jvp
from odeanalysis.symbolic.calculus.reverse import vjp
from odeanalysis.symbolic.calculus.rules import PULLBACKS
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.language import parse
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.printing.latex import latex
from odeanalysis.symbolic.printing.text import text
from odeanalysis.symbolic.rewrite import substitute
from odeanalysis.targets.callables import compile_numpy
from odeanalysis.targets.loops import program as loops
from tests.targets.bound import DECLARED, KNOWN, NET, WEIGHTS, ByHand, bound, stated
from tests.targets.formulas import random_values, sizes

u, v, w = ex.block("u", 3), ex.block("v", 2), WEIGHTS


def pair(build: Any) -> tuple[Formula, Formula]:
    """A formula of the network by its name, and of its own formula."""
    opaque, known = (oda.formula("f", [u, v, w], {"y": build(one)}) for one in (KNOWN, stated))
    return opaque, known


BUILDS = {
    "alone": lambda net: net(u, v, w),
    "of others": lambda net: oda.tanh(net(u * u, oda.sin(v), 2 * w)) * u,
    "twice": lambda net: net(net(u, v, w)[0], v, w) + net(u, v, w),
    "of itself": lambda net: net(u, net(u, v, w) @ u, w),
}
DERIVATIVES = {"value": lambda f: f, "vjp": vjp, "jvp": jvp}


@pytest.mark.parametrize("derived", DERIVATIVES)
@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("batch", [(), (1,), (4,), (2, 3)], ids=str)
def test_what_is_derived_of_a_name_is_what_is_derived_of_the_formula(build: str, derived: str, batch: tuple[int, ...]):
    """With weights that samples share, and with weights of their own."""
    opaque, known = (DERIVATIVES[derived](one) for one in pair(BUILDS[build]))
    for own in (False, True):
        rng = np.random.default_rng(7)
        leads = [batch if own or leaf.name != w.name else () for leaf in known.inputs]
        values = [rng.normal(size=lead + sizes(leaf.shape)) for lead, leaf in zip(leads, known.inputs, strict=True)]
        for found, expected in zip(bound(opaque)(*values), compile_numpy(known)(*values), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


SUMS = {
    "one": lambda net, a: net(u, v, w),
    "a scalar factor": lambda net, a: a * net(u, v, w),
    "terms with other factors": lambda net, a: oda.sin(a) * net(u, v, w) + 3 * net(u * u, v, a * w) + a * w[0],
    "a condition": lambda net, a: oda.where(a > 0, net(u, v, a * w), 2 * net(u, v, w)),
}


@pytest.mark.parametrize("moving", [("u",), ("v",), ("a",), ("_bar_y",), ("u", "v", "a", "_bar_y"), ("net_weights",), ()], ids=str)
@pytest.mark.parametrize("build", SUMS)
def test_sums_over_the_batch(build: str, moving: tuple[str, ...]):
    """Whichever of the values have a batch axis."""
    a = ex.block("a")
    both = (oda.formula("f", [u, v, w, a], {"y": SUMS[build](net, a)}) for net in (KNOWN, stated))
    opaque, known = (summed(vjp(one), frozenset((w.name, "a", "v"))) for one in both)
    rng = np.random.default_rng(3)
    values = [rng.normal(size=((5,) if leaf.name in moving else ()) + sizes(shape_of(leaf))) for leaf in known.inputs]
    for found, expected in zip(bound(opaque)(*values), compile_numpy(known)(*values), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_the_two_derivatives_at_one_place_share_it():
    """One pass forward, and the network once for its value."""
    lines = oda.emit(vjp(pair(BUILDS["alone"])[0])).splitlines()
    assert [line.strip() for line in lines] == [
        "def f_vjp(u, v, net_weights, _bar_y, net):",
        "_v1 = net.at((0, 1, 2), u, v, net_weights)",
        "return (_v1.vjp(_bar_y, 0), _v1.vjp(_bar_y, 1), _v1.vjp(_bar_y, 2))",
    ]


def test_a_place_is_told_the_derivatives_that_are_wanted_there():
    c, d, e = ex.block("c", 2, 3), ex.block("d", 3), ex.block("e", 2)
    first = ex.apply("net", (("vjp", 0), ("vjp", 1)), (2,), u, v, w, c, d)
    second = ex.apply("net", (("vjp", 1), ("vjp", 0)), (3,), u, v, w, c, e)
    shown = oda.emit(oda.formula("f", [u, v, w, c, d, e], {"one": first, "two": second}))
    assert "net.vjp(0).at((1,), u, v, net_weights, c)" in shown and "net.vjp(1).at((0,), u, v, net_weights, c)" in shown


def test_a_derivative_along_nothing_is_nothing():
    assert ex.apply("net", (("vjp", 0),), (3,), u, v, w, ex.zeros(2, 3)) == ex.zeros(3)
    assert substitute(ex.apply("net", (("jvp", 0),), (2, 3), u, v, w, u), {u: ex.zeros(3)}) == ex.zeros(2, 3)


def field(net: Any) -> Formula:
    return oda.formula("field", [u, v, w], {"z": net(u, v, w)[0] * u + net(u * u, v, w)[1]})


def test_the_divergence_is_a_sum_of_jvps():
    opaque, known = (divergence(field(net), {u: "z"}) for net in (KNOWN, stated))
    values = random_values(known, 1)
    np.testing.assert_allclose(bound(opaque)(*values)[0], compile_numpy(known)(*values)[0], rtol=1e-12)
    assert str(opaque).count(".jvp0(") == 6 and ".vjp" not in str(opaque)


def test_the_divergence_is_estimated_by_one_vjp_of_each_use():
    noise = ex.block("noise", 3)
    opaque, known = (hutchinson(field(net), {u: "z"}, noise) for net in (KNOWN, stated))
    values = random_values(known, 1)
    np.testing.assert_allclose(bound(opaque)(*values)[0], compile_numpy(known)(*values)[0], rtol=1e-12)
    assert str(opaque).count(".vjp0(") == 2 and ".jvp" not in str(opaque)


# ---------------------------------------------------------------- proofs and texts


def proved() -> bool:
    z, k = ex.block("z", 2), ex.block("k")
    net = oda.Network("g", [(2,), (2,)], (2,), size=2)
    model = oda.Model({z: net(z, oda.concat(k, z[0])) - k * net(z * k, z)}, {z: oda.ones(2)}, (0, 1), [k, net.weights])
    return oda.prove(oda.adjoint(oda.Problem(model, oda.Objective(terminal=oda.sumsq(z))))).holds


def test_derivations_are_proved_for_any_network(monkeypatch: pytest.MonkeyPatch):
    """Its entries are functions of which SymPy knows nothing. A rule that is wrong in one argument is noticed."""
    assert proved()
    rule = PULLBACKS[nodes.Apply]
    monkeypatch.setitem(PULLBACKS, nodes.Apply, lambda node, out, c, i: ex.mul(2 if i == 4 else 1, rule(node, out, c, i)))
    assert not proved()


def test_a_network_prints_by_its_name():
    first = vjp(pair(BUILDS["alone"])[0])
    assert text(first.output["u"]) == "net.vjp0(u, v, net_weights, _bar_y)"
    assert text(jvp(first, {v: ex.block("t", 2)}).output["u"]) == "net.vjp0.jvp1(u, v, net_weights, _bar_y, t)"
    start = r"\mathrm{D}_{0} \mathrm{net}\left(\mathbf{u}, \mathbf{v}, \mathbf{net}_{\mathrm{weights}}\right)"
    assert latex(first.output["u"]) == start + r"^{\top} \bar{\mathbf{y}}"
    assert latex(jvp(pair(BUILDS["alone"])[0], {u: ex.block("t", 3)}).output["y"]) == start + r" \mathbf{t}"
    with pytest.raises(LanguageError, match="net"):
        parse(text(first.output["u"]), {leaf.name: leaf for leaf in first.inputs})


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: oda.Network("net", [(3,)], ()), r"'net' needs inputs, and no shape \(\)"),
        (lambda: oda.Network("net", [], (3,)), "'net' needs inputs"),
        (lambda: oda.Network("1net", [(3,)], (3,)), "'1net' cannot name a network"),
        (lambda: NET(v, u), r"'net' takes shapes \(3,\), \(2,\), got \(2,\), \(3,\)"),
        (lambda: NET(u), r"'net' takes shapes \(3,\), \(2,\), got \(3,\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(make: Any, message: str):
    with pytest.raises(ModelError, match=message):
        make()


class Wrong(ByHand):
    """Returns the wrong shape in one of its methods."""

    def __init__(self, method: str):
        self.method = method

    def call(self, u: Any, v: Any, w: Any) -> Any:
        return super().call(u, v, w)[0] if self.method == "call" else super().call(u, v, w)

    def vjp(self, arrays: Any, cotangent: Any) -> Any:
        return super().vjp(arrays, cotangent)[: 2 if self.method == "vjp" else 3]


@pytest.mark.parametrize(("method", "derived", "message"), [("call", lambda f: f, r"value has \(2, 3\)"), ("vjp", vjp, "vjp has")])
def test_a_wrong_shape_is_refused_with_the_network(method: str, derived: Any, message: str):
    program = derived(pair(BUILDS["alone"])[0])
    with pytest.raises(ModelError, match=f"network 'net': for .* its {message}"):
        compile_numpy(program)(*random_values(program, 0), OnArrays(DECLARED, Wrong(method)))


def test_second_derivatives_on_arrays_are_refused():
    program = jvp(vjp(pair(BUILDS["alone"])[0]))
    with pytest.raises(TargetError, match="'net' is differentiated twice"):
        bound(program)(*random_values(program, 0))


def test_the_target_of_loops_refuses_a_network_by_its_name():
    with pytest.raises(TargetError, match=r"'loops' cannot write Apply.*net\(u, v, net_weights\)"):
        loops.program(pair(BUILDS["alone"])[0])
