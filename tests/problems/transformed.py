"""What transforms of depth, of volume and of costs make of a model."""

import odeanalysis as oda
from odeanalysis.modeling.transforms import adaptive_depth, flow, log_abs_det, regularize, total_jacobian, unit_domain
from tests.problems.registry import case, drawn, names

s = oda.depth


def own_depths() -> oda.Problem:
    """A switch and a signal on domains of every sample's own, which run forward, backward, and have no length."""
    w, k, c, x, z = names("w k c x z")
    model = oda.Model({z: oda.where(s < c, k * z + x, s - z)}, {z: x + s**2}, (0.1, 1), (w, k, c), (x,))
    model = adaptive_depth(oda.galerkin(model, {"k": oda.Monomial(2)}), w * x)
    return oda.Problem(model, oda.Objective(s * z**2, k * z, (oda.Observation((0.1,), (z - s) ** 2),)))


OWN_DEPTHS = {"w": 1.3, "k": [0.4, -0.7], "c": 0.4, "x": [0.6, -0.5, 0.0, 0.1]}


@case(**OWN_DEPTHS)
def adaptive():
    return own_depths()


@case(**OWN_DEPTHS)
def adaptive_on_the_unit_domain():
    return unit_domain(own_depths())


@case(w=0.8, a=0.6, node=0.5, k=[0.5, -0.3], x=[0.4, -0.9], seen=[0.2, 0.1])
def stacked_on_the_unit_domain():
    """Pieces and observations that the samples meet at different values of sigma."""
    w, a, node, k, x, z, seen = names("w a node k x z seen")
    model = oda.Model({z: k * z + a * s}, {z: x}, (0, 1), (w, a, node, k), (x,))
    model = adaptive_depth(oda.stacked(model, ["k"], [-1, node, 3]), w + x**2)
    return unit_domain(oda.Problem(model, oda.Objective(z**2, z * k, (oda.Observation((0, 0.6), (z - seen) ** 2, (seen,)),))))


@case(w=-1.4, g=0.3, x=[0.5, -0.8])
def penalised_in_both_directions():
    """A cost on a derivative along abs(ds), on domains that run forward and backward."""
    w, g, x, z, v = names("w g x z v")
    model = adaptive_depth(oda.Model({z: oda.sin(z) + s}, {z: x}, (0, 1), (w, g), (x,)), w * x)
    problem = oda.Problem(model, oda.Objective(z**2))
    return regularize(problem, g**2, term=(v - g) ** 2, field={v: z}, measure="absolute")


@case(W=drawn(21, 3, 2), b=drawn(22, 3), V=drawn(23, 2, 3), x=drawn(24, 2, 2), eps=[[1.0, -1.0], [1.0, 1.0]])
def estimated_volume():
    """Hutchinson's estimates of a divergence and of a Jacobian's norm, with the same noise."""
    z, x, b, ld = oda.block("z", 2), oda.block("x", 2), oda.block("b", 3), oda.block("ld")
    W, V = oda.block("W", 3, 2), oda.block("V", 2, 3)
    model = flow(oda.Model({z: V @ oda.tanh(W @ z + b) + s * z}, {z: x}, (0, 1), (W, b, V), (x,)), "z", "ld", "eps")
    return regularize(oda.Problem(model, oda.Objective(oda.sumsq(z) / 2 - ld)), 0.1, 0.2, ["z"], noise="eps")


@case(A=drawn(25, 2, 2), B=drawn(26, 2, 2), c=drawn(27, 2, 2))
def conditioned_volume():
    """The determinant of the total derivative in a condition at which the path starts and on which the field depends."""
    z, c, J = oda.block("z", 2), oda.block("c", 2), oda.block("J", 2, 2)
    A, B = oda.block("A", 2, 2), oda.block("B", 2, 2)
    model = total_jacobian(oda.Model({z: oda.tanh(A @ z + s * c) / 2 + B @ c / 3}, {z: c}, (1, 0), (A, B), (c,)), "z", "c", "J")
    return oda.Problem(model, oda.Objective(oda.sumsq(z) / 2 - log_abs_det(J)))
