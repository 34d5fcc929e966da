"""`odeint` and `odeint_adjoint`: the values of torchdiffeq's functions, of closed forms, and of steps taken by hand."""

import inspect

import pytest
import torch

import torchbridge
from odeanalysis.tableaus.conditions import verify_order
from tests.torchbridge.facade_cases import ADAPTIVE, DOUBLE, FIXED, OURS, PEERS, PROBLEMS, REFERENCES, Decay, Spiral, double
from torchbridge.facade.methods import ADAPTIVE_HEUN, FEHLBERG2, HEUN3

ROUNDING = 1e-13
ORDERS = {"fehlberg2": 2, "adaptive_heun": 2, "bosh3": 3}


def error(found: torch.Tensor, exact: torch.Tensor) -> float:
    """The largest error, over the largest entry."""
    return float(((found - exact).abs().max() / exact.abs().max()).detach())


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("method", ["dopri5", "dopri8", "tsit5", "bosh3"])
@pytest.mark.parametrize("way", [1, -1], ids=["forward", "backward"])
def test_problems_with_closed_forms(problem, method, way, name):
    """At ten times, to a hundred times the tolerance, which lets errors of the steps add up."""
    func = PROBLEMS[problem]()
    t = torch.linspace(1, 3, 10, dtype=DOUBLE)
    t = t if way > 0 else t.flip(0)
    exact = func.exact(t).detach()
    loose = method in ORDERS
    found = OURS[name](func, exact[0], t, method=method, rtol=1e-5 if loose else 1e-7, atol=1e-7 if loose else 1e-9)
    assert found.shape == exact.shape and found.dtype == DOUBLE
    assert error(found, exact) < (1e-3 if loose else 1e-5)


@pytest.mark.parametrize("method", ADAPTIVE)
def test_float32_stays_float32(method):
    func = PROBLEMS["rotation"]().float()
    t = torch.linspace(1, 2, 5)
    found = torchbridge.odeint(func, torch.ones(6), t, method=method, rtol=1e-4, atol=1e-5)
    assert found.dtype == torch.float32
    assert error(found.double(), PROBLEMS["rotation"]().exact(t.double()).detach()) < 1e-2


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("interp", ["linear", "cubic"])
@pytest.mark.parametrize("method", FIXED)
@pytest.mark.parametrize("t", [[0, 0.33, 0.34, 0.7, 1.9], [2, 1.2, 0.5, -1], [0, 0.5, 1], [1, 0]], ids=str)
def test_given_steps_are_the_same_steps(method, interp, reference, t):
    """Of a size that does not divide the domain, with what is read between them; to rounding."""
    func, y0 = Decay(), double([1.2, -0.4])
    asked = {"method": method, "options": {"step_size": 0.13, "interp": interp}}
    found = torchbridge.odeint(func, y0, double(t), **asked)
    expected = REFERENCES[reference](func, y0, double(t), **asked)
    assert torch.allclose(found, expected, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("method", FIXED)
def test_without_a_step_size_there_is_a_step_from_time_to_time(method, reference):
    func, y0, t = Decay(), double([1.2, -0.4]), double([0, 0.3, 0.35, 1.1])
    found = torchbridge.odeint(func, y0, t, method=method)
    assert torch.allclose(found, REFERENCES[reference](func, y0, t, method=method, options={}), rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("method", ["dopri5", "dopri8", "bosh3"])
def test_the_times_between_are_as_good_as_the_last(method):
    """Of 200, with the steps that two times take: the states there do not depend on how many are asked for."""
    func, y0 = Decay(), double(1.0)
    few, many = double([0, 6]), torch.linspace(0, 6, 200, dtype=DOUBLE)
    found, ends = (torchbridge.odeint(func, y0, t, method=method, rtol=1e-6, atol=1e-8).detach() for t in (many, few))
    wrong = (found - func.exact(y0, many).detach()).abs()
    assert torch.equal(found[-1], ends[-1])
    assert wrong[1:-1].max() < 3 * wrong[1:].max() and wrong.max() < 2e-5
    for peer in PEERS.values():
        theirs = (peer.odeint(func, y0, many, method=method, rtol=1e-6, atol=1e-8).detach() - func.exact(y0, many).detach()).abs()
        assert theirs.max() < 1e-2  # what it reads between steps is not of the order of dopri8 and bosh3


@pytest.mark.parametrize("name", OURS)
def test_many_times_cost_few_evaluations(name):
    """At most as many more as there are steps times the stages of one; a step to each time would cost 6000."""
    counts = []
    for times in (2, 1000):
        calls = []
        func = Decay()
        func.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        OURS[name](func, double(1.0), torch.linspace(0, 6, times, dtype=DOUBLE))
        counts.append(len(calls))
    assert counts[1] < 2.1 * counts[0] < 1000


@pytest.mark.parametrize("method", ["dopri5", "rk4"])
@pytest.mark.parametrize("name", OURS)
def test_tuples_are_solved_together(method, name):
    """A number, a matrix and nothing at all, each with its shape."""
    one, other = Decay(0.7), Decay(-0.3)
    state = (double(1.0), double([[1.0, 2.0], [3.0, 4.0]]), torch.zeros(0, 3, dtype=DOUBLE))
    t = torch.linspace(0, 2, 41, dtype=DOUBLE)

    def func(t, y):
        return one(t, y[0]), other(t, y[1]), y[2]

    more = {"adjoint_params": ()} if name == "odeint_adjoint" else {}
    found = OURS[name](func, state, t, method=method, **more)
    assert isinstance(found, tuple) and [tuple(one.shape) for one in found] == [(41,), (41, 2, 2), (41, 0, 3)]
    assert torch.allclose(found[0], one.exact(state[0], t), rtol=0, atol=1e-6)
    assert torch.allclose(found[1], other.exact(state[1], t), rtol=0, atol=1e-6)


def test_complex_states():
    """y' = i w y turns: values and the gradient of a real loss in w, which is complex conjugation's affair as everywhere in torch."""
    w, y0 = double(1.3, grad=True), torch.tensor([1 + 0.5j], dtype=torch.complex128)
    t = torch.linspace(0, 2, 7, dtype=DOUBLE)
    for fn in OURS.values():
        more = {"adjoint_params": (w,)} if fn is torchbridge.odeint_adjoint else {}
        found = fn(lambda t, y: 1j * w * y, y0, t, **more)
        exact = torch.exp(1j * w * t)[:, None] * y0
        slopes = [torch.autograd.grad((one.real**3).sum(), w, retain_graph=True)[0] for one in (found, exact)]
        assert torch.allclose(found, exact, rtol=0, atol=1e-6) and torch.allclose(*slopes, rtol=0, atol=1e-5)


def test_one_time_is_the_start():
    y0 = double([1.0, 2.0], grad=True)
    for fn in OURS.values():
        found = fn(Decay(), y0, double([0.3]))
        assert torch.equal(found, y0[None]) and torch.autograd.grad(found.sum(), y0)[0].sum() == 2


@pytest.mark.parametrize("tableau", [HEUN3, ADAPTIVE_HEUN, FEHLBERG2], ids=lambda one: one.name)
def test_methods_stated_here_have_their_order(tableau):
    verify_order(tableau)


@pytest.mark.parametrize("method", ADAPTIVE)
def test_peers_agree_within_the_tolerances(method):
    """With the closed form, always; with torchdiffeq, where it knows the method."""
    func, y0 = Spiral().double(), double([[2.0, 0.5]])
    t = torch.linspace(0, 2, 4, dtype=DOUBLE)
    tight = torchbridge.odeint(func, y0, t, rtol=1e-11, atol=1e-13)
    loose = torchbridge.odeint(func, y0, t, method=method, rtol=1e-5, atol=1e-7)
    assert error(loose, tight) < 1e-3
    for peer in PEERS.values() if method != "tsit5" else ():
        assert error(peer.odeint(func, y0, t, method=method, rtol=1e-5, atol=1e-7), loose) < 2e-3


@pytest.mark.parametrize("name", ["odeint", "odeint_adjoint", "odeint_event"])
def test_signatures_are_the_same(name):
    """Names, kinds and defaults; as written down here, and of the library that is installed."""
    written = {
        "odeint": "func y0 t | rtol=1e-07 atol=1e-09 method=None options=None event_fn=None",
        "odeint_adjoint": "func y0 t | rtol=1e-07 atol=1e-09 method=None options=None event_fn=None adjoint_rtol=None adjoint_atol=None "
        "adjoint_method=None adjoint_options=None adjoint_params=None",
        "odeint_event": "func y0 t0 | event_fn reverse_time=False odeint_interface=odeint **kwargs",
    }[name]
    for library in (torchbridge, *PEERS.values()):
        assert _signature(getattr(library, name)) == written


def _signature(function) -> str:
    words, keyword = [], False
    for one in inspect.signature(function).parameters.values():
        if one.kind is one.KEYWORD_ONLY and not keyword:
            words, keyword = [*words, "|"], True
        default = one.default if not callable(one.default) else one.default.__name__
        stars = "**" if one.kind is one.VAR_KEYWORD else ""
        words.append(stars + one.name + ("" if one.default is one.empty else f"={default}"))
    return " ".join(words)
