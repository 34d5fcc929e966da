"""Options: each does what torchdiffeq says that it does, or is refused, or told of."""

import warnings

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import torchbridge
from odeanalysis.errors import ModelError, SolveError
from tests.torchbridge.facade_cases import DOUBLE, OURS, PEERS, Decay, Spiral, double

LIBRARIES = {"ours": torchbridge, **PEERS}


class Told(nn.Module):
    """y' = -20 (y - cos t), which notes its steps: (event, t0, dt)."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[tuple[str, float, float]] = []

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return -20 * (y - torch.cos(t))

    def callback_step(self, t0, y0, dt):
        self.notes.append(("step", float(t0), float(dt)))

    def callback_accept_step(self, t0, y0, dt):
        self.notes.append(("accept", float(t0), float(dt)))

    def callback_reject_step(self, t0, y0, dt):
        self.notes.append(("reject", float(t0), float(dt)))

    def of(self, event: str) -> np.ndarray:
        """[N, 2]: where the steps of an event began, and their sizes."""
        return np.array([note[1:] for note in self.notes if note[0] == event])


def told(times=(0.0, 2.0), library=torchbridge, method="dopri5", **options) -> Told:
    func = Told()
    library.odeint(func, double([0.0]), double(list(times)), method=method, options=options, rtol=1e-5, atol=1e-7)
    return func


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("times", [(0.0, 2.0), (0.5, 0.0)], ids=["forward", "backward"])
def test_callbacks_are_told_of_every_step(times, library):
    """Each try is accepted or rejected; sizes are positive in both directions, and accepted steps join each other."""
    func = told(times, LIBRARIES[library], first_step=0.4)
    tries, accepted, rejected = (func.of(event) for event in ("step", "accept", "reject"))
    assert len(tries) == len(accepted) + len(rejected) and len(rejected) > 0
    assert (tries[:, 1] > 0).all()
    way = np.sign(times[1] - times[0])
    np.testing.assert_allclose(accepted[1:, 0], accepted[:-1, 0] + way * accepted[:-1, 1], rtol=0, atol=1e-12)


def test_callbacks_of_given_steps_and_of_tuples():
    """Given steps are neither accepted nor rejected, which is said; a tuple is told as one; nobody is told twice, gradients or not."""
    seen = []

    class Pair(Told):
        def forward(self, t, y):
            return -y[0], y[1]

        def callback_step(self, t0, y0, dt):
            seen.append((type(y0), len(y0), float(dt)))

    for solve in OURS.values():
        seen.clear()
        with pytest.warns(UserWarning, match="callback_accept_step, callback_reject_step will not be called"):
            found = solve(Pair(), (double(1.0, grad=True), double(2.0)), double([0.0, 1.0]), method="euler", options={"step_size": 0.25})
        found[0].sum().backward()
        assert seen == [(tuple, 2, 0.25)] * 4


def test_callbacks_of_a_backward_solve_are_not_called_and_told_of():
    class Backward(Decay):
        def callback_step_adjoint(self, t0, y0, dt): ...

    with pytest.warns(UserWarning, match="callback_step_adjoint will not be called"):
        torchbridge.odeint_adjoint(Backward(), double([1.0]), double([0.0, 1.0]))


@pytest.mark.parametrize("library", LIBRARIES)
def test_first_step(library):
    func = told(library=LIBRARIES[library], first_step=0.0123)
    assert abs(func.of("step")[0, 1] - 0.0123) < 1e-15
    assert abs(told(library=LIBRARIES[library]).of("step")[0, 1] - 0.0123) > 1e-3


@pytest.mark.parametrize("library", LIBRARIES)
def test_max_step(library):
    """Also of a last step, where little more than one is left."""
    most, times = 0.005, (0.0, 0.200025)
    largest = told(times, LIBRARIES[library], max_step=most, first_step=most).of("step")[:, 1]
    assert largest.max() <= most * (1 + 1e-12) < told(times, LIBRARIES[library]).of("step")[:, 1].max()


@pytest.mark.parametrize("library", LIBRARIES)
def test_min_step_accepts_what_it_cannot_make_smaller(library):
    """But for a last step that is cut in two, so that none is tiny."""
    func = told(library=LIBRARIES[library], min_step=0.15)
    assert not len(func.of("reject")) and func.of("accept")[:, 1].min() >= 0.075 - 1e-12
    assert len(told(library=LIBRARIES[library]).of("reject"))


@pytest.mark.parametrize("library", LIBRARIES)
def test_safety_and_factors(library):
    """Steps grow by ifactor and shrink by dfactor at most; a smaller safety takes more steps."""
    func = told(library=LIBRARIES[library], ifactor=1.25, dfactor=0.8, first_step=0.3)
    sizes = func.of("step")[:-2, 1]
    ratios = sizes[1:] / sizes[:-1]
    assert ratios.max() <= 1.25 + 1e-12 and ratios.min() >= 0.8 - 1e-12
    assert ratios.max() > 1.2 and ratios.min() < 0.81
    counts = [len(told(library=LIBRARIES[library], safety=safety).of("accept")) for safety in (0.9, 0.4)]
    assert counts[1] > 1.1 * counts[0]


def test_max_num_steps():
    with pytest.raises(SolveError, match=r"the end is not reached within options\['max_num_steps'\]"):
        told(max_num_steps=5)


class Jump(nn.Module):
    """y' = 1 before t = 1/2 and 1000 after; notes the times at which it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        self.seen.append(float(t.detach()))
        return torch.ones_like(y) * (1 if t < 0.5 else 1000)


@pytest.mark.parametrize("option", ["step_t", "jump_t"])
@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE], ids=str)
@pytest.mark.parametrize("times", [[0.0, 0.25, 0.5, 1.0], [1.0, 0.0]], ids=str)
@pytest.mark.parametrize("method", ["dopri5", "dopri8", "bosh3"])
def test_a_field_that_jumps_where_a_step_ends(method, times, dtype, option):
    """It is seen from inside on either side: exact to rounding, in few evaluations, and never asked at the jump itself."""
    counts = []
    for options in ({}, {option: double([0.7, 0.5, 7.0])}):
        func = Jump()
        y0 = torch.zeros(1, dtype=dtype)
        rtol = 1e-4 if dtype == torch.float32 else 1e-7
        found = torchbridge.odeint(func, y0, double(times), method=method, options=options, rtol=rtol, atol=rtol / 100)
        counts.append(len(func.seen))
    exact = [1000 * (t - 0.5) + 0.5 if t > 0.5 else t for t in times]
    expected = torch.tensor(exact, dtype=dtype) - exact[0]
    assert torch.allclose(found[:, 0], expected, rtol=0, atol=1e-3 if dtype == torch.float32 else 1e-11)
    assert counts[1] < 0.6 * counts[0] and 0.5 not in func.seen[1:-1]


def test_the_gradient_passes_a_jump():
    """y' = k before t = 1/2 and k^2 after, at y(1) = k/2 + k^2/2, and in between."""
    for name, solve in OURS.items():
        k, t = double(3.0, grad=True), double([0.0, 0.25, 0.75, 1.0], grad=True)
        more = {"adjoint_params": (k,)} if name == "odeint_adjoint" else {}
        found = solve(
            lambda t, y, k=k: (k if t < 0.5 else k**2) * torch.ones_like(y), double([0.0]), t, options={"jump_t": double([0.5])}, **more
        )
        slopes = torch.autograd.grad(found[1:].sum(), (k, t))
        assert abs(slopes[0] - (0.25 + 0.5 + 0.25 * 6 + 0.5 + 0.5 * 6)) < 1e-9
        assert torch.allclose(slopes[1], double([-9.0, 3.0, 9.0, 9.0]), rtol=0, atol=1e-9)


def test_breaks_are_given_once():
    with pytest.raises(ModelError, match="repeated times"):
        told(step_t=double([0.5]), jump_t=double([0.5, 1.0]))


@pytest.mark.parametrize("method", ["euler", "heun2", "rk4"])
def test_perturb_sees_each_piece_from_inside(method):
    """Steps that end at the jump are exact on either side; without it some stages see the wrong piece."""
    wrong = []
    for perturb in (True, False):
        found = torchbridge.odeint(
            Jump(), double([0.0]), double([0.0, 1.0]), method=method, options={"step_size": 0.25, "perturb": perturb}
        )
        wrong.append(abs(float(found[-1]) - 500.5))
    assert wrong[0] < 1e-10 and (wrong[1] > 1 or method == "euler")


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("end", [1.0, -1.0])
def test_grid_constructor(library, end):
    """Steps end where it says; it sees func, y0 and t as they were given, and the first and last times have to be its ends."""
    func, y0, t = Decay(), double([1.0]), double([0.0, 0.45 * end, end])
    seen = []

    def grid(func, y0, t):
        seen.append((float(y0), t.tolist()))
        return torch.linspace(float(t[0]), float(t[-1]), 11, dtype=DOUBLE)

    found = LIBRARIES[library].odeint(func, y0, t, method="rk4", options={"grid_constructor": grid})
    same = torchbridge.odeint(func, y0, t, method="rk4", options={"step_size": 0.1})
    assert seen == [(1.0, t.tolist())] and torch.allclose(found, same, rtol=0, atol=1e-13)


def test_norm_gets_the_state_as_it_was_given():
    """A tensor, or a tuple of tensors, of scaled errors; ten times the norm takes more steps."""
    seen = []

    def spied(factor):
        def norm(state):
            blocks = (state,) if isinstance(state, Tensor) else state
            seen.append((type(state).__name__, [tuple(one.shape) for one in blocks]))
            return factor * torch.stack([one.abs().max() for one in blocks]).max()

        return norm

    counts = []
    for factor in (1, 1000):
        func = Told()
        torchbridge.odeint(func, double([0.0, 1.0]), double([0.0, 1.0]), method="dopri5", options={"norm": spied(factor)})
        counts.append(len(func.notes))
    assert counts[1] > 1.5 * counts[0] and set(map(str, seen)) == {"('Tensor', [(2,)])"}
    seen.clear()
    torchbridge.odeint(lambda t, y: (y[0], -y[1]), (double(1.0), double([[1.0]])), double([0.0, 1.0]), options={"norm": spied(1)})
    assert set(map(str, seen)) == {"('tuple', [(), (1, 1)])"}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_tuple_is_as_bad_as_its_worst_tensor(library):
    """One fast number beside a thousand that rest: the mean over all would hide it."""
    steps = {}
    for apart in (True, False):
        func = Told()
        rest = torch.zeros(1000, dtype=DOUBLE)
        state = (double([0.0]), rest) if apart else torch.cat([double([0.0]), rest])

        class Both(Told):
            def forward(self, t, y, func=func, apart=apart):
                return (func(t, y[0]), 0 * y[1]) if apart else torch.cat([func(t, y[:1]), 0 * y[1:]])

        both = Both()
        LIBRARIES[library].odeint(both, state, double([0.0, 1.0]))
        steps[apart] = len(both.of("accept"))
    assert steps[True] > 1.3 * steps[False]


def test_tolerances_of_each_entry_and_of_each_tensor():
    """A huge tolerance takes an entry, or a tensor of a tuple, out of the control of errors."""

    def steps(y0, **tolerances):
        func = Told()
        if isinstance(y0, tuple):
            inner = func.forward
            vars(func)["forward"] = lambda t, y: (inner(t, y[0]), -y[1])
        else:
            inner = func.forward
            vars(func)["forward"] = lambda t, y: torch.stack([inner(t, y[0]), -y[1]])
        torchbridge.odeint(func, y0, double([0.0, 1.0]), **tolerances)
        return len(func.of("accept"))

    both, pair = double([0.0, 1.0]), (double(0.0), double(1.0))
    for y0, tolerance in ((both, double([1e6, 1e-9])), (pair, (1e6, 1e-9)), (pair, [double(1e6), 1e-9])):
        assert steps(y0, rtol=1e-7, atol=tolerance) < 0.5 * steps(y0, rtol=1e-7, atol=1e-9)
    assert steps(both, rtol=torch.tensor(1e-7), atol=torch.tensor(1e-9)) == steps(both, rtol=1e-7, atol=1e-9)


REFUSED = {
    "dtype": ("dopri5", {"dtype": torch.float32}, "dtype = torch.float32 for times"),
    "both": ("rk4", {"step_size": 0.1, "grid_constructor": lambda f, y, t: t}, "step_size and grid_constructor both"),
    "size": ("rk4", {"step_size": -0.1}, "step_size = -0.1"),
    "interp": ("rk4", {"interp": "spline"}, "take one of linear, cubic"),
    "grid": ("rk4", {"grid_constructor": lambda f, y, t: t[:-1]}, "grid_constructor gives 1 times"),
    "order": ("rk4", {"grid_constructor": lambda f, y, t: double([0.0, 0.7, 0.2, 1.0])}, "in strict order"),
    "first": ("dopri5", {"first_step": 0.0}, "a first step of size 0.0"),
    "bounds": ("dopri5", {"min_step": 1.0, "max_step": 0.5}, "steps between 1.0 and 0.5"),
    "safety": ("dopri5", {"safety": 2.0}, "cannot control steps"),
    "breaks": ("dopri5", {"jump_t": double(0.5)}, r"jump_t has shape \(\)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_options_that_cannot_be_honoured_are_refused(case):
    method, options, message = REFUSED[case]
    func = Decay().float() if case == "dtype" else Decay()
    y0 = torch.ones(1) if case == "dtype" else double([1.0])
    with pytest.raises(ModelError, match=message):
        torchbridge.odeint(func, y0, double([0.0, 1.0]), method=method, options=options)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(("method", "options"), [("dopri5", {"step_size": 0.1}), ("rk4", {"first_step": 0.1}), ("dopri5", {"stepsize": 1})])
def test_unknown_options_are_told_of(library, method, options):
    with pytest.warns(UserWarning, match="(?i)unexpected"):
        LIBRARIES[library].odeint(Decay(), double([1.0]), double([0.0, 1.0]), method=method, options=options)


@pytest.mark.parametrize("library", LIBRARIES)
def test_known_options_are_accepted_in_silence(library):
    """Those with which torchdiffeq is told to do what it does anyway, and all of the backward solve that there is none of."""
    options = {"first_step": None, "safety": 0.9, "ifactor": 10.0, "dfactor": 0.2, "max_num_steps": 10**6, "dtype": DOUBLE}
    func, y0, t = Spiral().double(), double([[1.0, 0.5]], grad=True), double([0.0, 0.5])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        states = LIBRARIES[library].odeint_adjoint(
            func, y0, t, method="dopri5", options=options, adjoint_rtol=1e-5, adjoint_atol=1e-7, adjoint_options={"norm": "seminorm"}
        )
        other = LIBRARIES[library].odeint_adjoint(
            func, y0, t, method="rk4", options={"step_size": 0.1}, adjoint_method="euler", adjoint_options={"step_size": 0.1}
        )
        assert torch.autograd.grad(states[-1].sum() + other[-1].sum(), y0)[0].abs().max() > 0.1
