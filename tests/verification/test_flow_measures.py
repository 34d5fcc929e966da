"""The means by which flows are measured: two routes to paths, Picard's iteration, degrees, spheres, residual networks."""

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.verification.flows import paths, picard, residual, sphere_maps, spheres
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.exact_flows import J, pulled, stacked_linear, swept, turning
from odeanalysis.verification.strategies.flows import CONSTANT, SPECTRAL, STACKED, flows
from odeanalysis.verification.strategies.scalar_fields import at_each_depth, lipschitz

X = np.array([[0.3, -1.2], [1.0, 0.5]])


# ---------------------------------------------------------------- paths


@pytest.mark.parametrize("kind", [CONSTANT, SPECTRAL, STACKED])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_both_routes_find_the_same_paths(kind, n):
    (one,) = draw(flows(n, (kind,)), 1, seed=n)
    x = np.random.default_rng(n).normal(size=(2, n))
    found = [solve(one, x, (0.0, 0.3, 0.4, 1.0)) for solve in paths.WAYS.values()]
    assert found[0].shape == (2, 4, n) and found[0] == pytest.approx(found[1], abs=1e-8)
    assert found[0][:, 0] == pytest.approx(x, abs=1e-12) and one.dimension == n


@pytest.mark.parametrize("solve", paths.WAYS.values(), ids=paths.WAYS)
def test_known_flows_end_where_they_should(solve):
    assert solve(turning(2, 0.0), X)[:, 0] == pytest.approx(-X, abs=1e-9)
    assert solve(pulled(2, 0.0, 2.0), X)[:, 0] == pytest.approx(-X, abs=1e-9)
    assert solve(pulled(2, 1.0, 1.0), X)[:, 0] == pytest.approx((2 / np.e - 1) * X, abs=1e-9)
    assert solve(swept(4.0), X)[:, 0] == pytest.approx(X + np.array([[4 * (0.09 + 1.44), 0], [4 * 1.25, 0]]), abs=1e-9)
    pieces = stacked_linear("turn and stretch", np.array([2 * np.pi * J, np.diag([0, 2 * np.log(2)])]), (0, sp.Rational(1, 2), 1))
    assert solve(pieces, X)[:, 0] == pytest.approx(X * [-1, -2], abs=1e-8)


def test_the_rate_bounds_how_fast_paths_part():
    for one in draw(flows(2), 4, seed=3):
        x = np.random.default_rng(0).normal(size=(6, 2))
        ends = sphere_maps.ends(one, x)
        stretched = np.linalg.norm(ends[1:] - ends[0], axis=1) / np.linalg.norm(x[1:] - x[0], axis=1)
        assert np.exp(-one.rate) <= stretched.min() and stretched.max() <= np.exp(one.rate)


# ---------------------------------------------------------------- Picard's iteration


def test_the_iteration_finds_exponentials_and_keeps_every_solution_of_the_singular_problem():
    grown, moved = picard.fixed(lambda s, z: z, 2.0, np.zeros(picard.DEPTHS.shape))
    assert grown == pytest.approx(2 * np.exp(picard.DEPTHS), abs=1e-12) and moved < 1e-12
    for c in (-1.0, 0.0, 3.0):
        kept, moved = picard.fixed(lambda s, z: z / s, 0.0, c * picard.DEPTHS)
        assert kept == pytest.approx(c * picard.DEPTHS, abs=1e-12) and moved < 1e-12


def test_integrals_of_singular_right_sides_are_exact():
    for q in (0.5, 2 / 3, 5 / 6):
        found = picard.picard(lambda s, z, q=q: s**-q, 0.0, picard.DEPTHS)
        assert found == pytest.approx(picard.DEPTHS ** (1 - q) / (1 - q), abs=1e-12)


def test_a_field_that_does_not_depend_on_the_state_is_integrated_over_its_jump():
    found = picard.picard(lambda s, z: np.where(s < 0.5, 1.0, -1.0), 0.0, picard.DEPTHS)
    assert found == pytest.approx(0.5 - np.abs(picard.DEPTHS - 0.5), abs=1e-12)


def test_drawn_fields_are_integrable_or_not_as_said():
    for one in draw(lipschitz(), 10, seed=1):
        assert -3 <= one.gained(np.zeros(1))[0] <= 0 and one.terms
    for one in draw(at_each_depth(), 5, seed=1):
        assert one.gained(np.array([1e-6]))[0] == pytest.approx(float(one.terms[0].before) * np.log(1e-6)) and one.start == 0


# ---------------------------------------------------------------- spheres and degrees


def test_meshes_are_of_the_unit_sphere_and_closed():
    for n, mesh in spheres.MESHES.items():
        assert np.linalg.norm(mesh.points, axis=1) == pytest.approx(np.ones(len(mesh.points)), abs=1e-11)
        edges = np.concatenate([np.delete(mesh.faces, i, axis=1) for i in range(n)])
        _, counts = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
        assert set(counts) == {2}
    assert len(spheres.points(4)) == 8 + 16


def test_degrees():
    plane, space = spheres.MESHES[2], spheres.MESHES[3]
    cubed = (plane.points[:, 0] + 1j * plane.points[:, 1]) ** 3
    assert spheres.degree(np.stack([cubed.real, cubed.imag], axis=1), plane.faces, np.zeros(2)) == pytest.approx(3)
    assert spheres.degree(plane.points * [1, -1], plane.faces, np.zeros(2)) == pytest.approx(-1)
    assert spheres.degree(-space.points, space.faces, np.zeros(3)) == pytest.approx(-1)
    assert spheres.degree(space.points, space.faces, np.full(3, 2.0)) == pytest.approx(0, abs=1e-12)


def test_determinants_of_a_linear_flow():
    """exp(tr A)."""
    one = stacked_linear("linear", np.array([[[0.3, 1.0], [-0.4, 0.5]]]))
    for found in (sphere_maps.det_by_divergence(one, X), *sphere_maps.dets(one, X).values()):
        assert found == pytest.approx([np.exp(0.8)] * 2, rel=1e-6)


def test_the_kept_direction_of_half_a_turn_is_its_axis():
    x, c = sphere_maps.kept_direction(turning(3, 1.0), radius=2.0)
    assert np.abs(x) == pytest.approx([0, 0, 2], abs=1e-9) and c == pytest.approx(np.exp(-1))


def test_a_drawn_flow_keeps_the_direction_that_is_found():
    for one in draw(flows(3), 3, seed=4):
        x, c = sphere_maps.kept_direction(one)
        assert np.linalg.norm(x) == pytest.approx(1) and c > 0
        assert paths.by_scipy(one, x[None])[0, 0] == pytest.approx(c * x, abs=1e-8)


def test_the_kept_direction_is_found_where_another_nearly_is_kept():
    """The first start leads nowhere: of the flows drawn by `verify --seed 14`."""
    one = draw(flows(3), 2, stream(14, "orientation 3"))[-1]
    x, c = sphere_maps.kept_direction(one)
    assert paths.by_scipy(one, x[None])[0, 0] == pytest.approx(c * x, abs=1e-8) and c > 0


def test_no_kept_direction_is_said():
    """Half a turn of the plane keeps none."""
    with pytest.raises(oda.SolveError, match=r"no direction that .* keeps"):
        sphere_maps.kept_direction(turning(2, 0.5))


def test_distances_from_the_reflection():
    assert list(sphere_maps.reflection_error(turning(2, 0.0)).values()) == pytest.approx([0, 0], abs=1e-9)
    assert list(sphere_maps.reflection_error(turning(3, 2.0), 0.7).values()) == pytest.approx([1 + np.exp(-2)] * 2)
    errors = sphere_maps.reflection_errors(turning(3, 2.0), (0.5, 2.0))
    assert errors.shape == (2, len(spheres.points(3))) and errors[0] == pytest.approx(errors[1], abs=1e-9)


def test_values_inside_and_outside():
    inside = sphere_maps.Values(np.array([-0.5, 0.5]), np.array([-1.5, 1.5]))
    apart = sphere_maps.Values(np.array([-0.5, 0.5]), np.array([1.0, 3.0]))
    assert (inside.outside, inside.overlap) == (0, 2) and (apart.outside, apart.overlap) == (0.75, 0)


# ---------------------------------------------------------------- residual networks


def test_layers_are_those_of_the_model():
    """Two layers have the weights of depths 0 and 1/2, at which the cosine of each series is 1 and -1 and its sine vanishes."""
    (one,) = draw(flows(2, (SPECTRAL,)), 1, seed=2)
    expected = X
    for sign in (1, -1):
        W, b, V = (one.values[name][0] + sign * one.values[name][1] for name in ("W", "b", "V"))
        expected = expected + 0.5 * np.tanh(expected @ W.T + b) @ V.T
    assert residual.spectral(one).output(X, 2, 0.5) == pytest.approx(expected)


def test_means_over_depth():
    (one,) = draw(flows(2, (SPECTRAL,)), 1, seed=2)
    depths = np.arange(64) / 64
    mean = residual.spectral(one).weights(depths)[0].mean(axis=0)
    assert residual.vanilla(one).values["W"] == pytest.approx(mean, abs=1e-12)


def test_closed_forms_of_linear_networks():
    for network, matrix in (
        (residual.growing(np.array([0.4, 0.3, -0.2])), np.array([[np.exp(0.4)]])),
        (residual.turning_then_stretching(), np.diag([-1.0, -2.0])),
    ):
        x = np.ones((1, len(matrix)))
        (exact,) = network.exact.values()
        assert exact == pytest.approx(matrix)
        assert paths.by_scipy(network.flow, x)[:, 0] == pytest.approx(x @ matrix.T, abs=1e-7)
