"""Figures of function-space gradients: what is drawn is the gradient, broken where it jumps, beside its approximations."""

from typing import Any

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.reports.functional import figure

s, z, k = oda.depth, oda.block("z"), oda.block("k")


def lines(gradient: Any, **options: Any) -> Any:
    (axis,) = figure(gradient, **options).axes
    return axis, {line.get_label(): line.get_xydata() for line in axis.lines}


def of(objective: oda.Objective, **values: Any) -> Any:
    return oda.functional_gradient(oda.Problem(oda.Model({z: k * z}, {z: 1}, (0, 2), [k]), objective), {"k": 0.4, **values}, "k")


def test_the_gradient_is_drawn_and_broken_where_it_jumps():
    gradient = of(oda.Objective(terminal=z, observations=(oda.Observation([0.9], z**2),)))
    axis, drawn = lines(gradient, title="mine")
    depth, curve = drawn["k"].T
    gap = np.isnan(curve)
    assert gap.sum() == 1 and depth[gap] == pytest.approx(0.9)
    assert np.allclose(curve[~gap], gradient(depth[~gap], side="before"), rtol=1e-12)
    assert axis.get_title("left") == "mine" and axis.get_xlabel() == "s" and "k" in axis.get_ylabel()


def test_approximations_are_labelled_with_the_energy_that_they_miss():
    gradient = of(oda.Objective(terminal=z, running=k * z**2))
    _, drawn = lines(gradient, bases={"constant": oda.Monomial(1), "cubic": oda.Legendre(4)})
    (constant,) = (curve for label, curve in drawn.items() if label.startswith("constant"))
    (cubic,) = (label for label in drawn if label.startswith("cubic"))
    assert np.ptp(constant[:, 1]) < 1e-12 and constant[0, 1] == pytest.approx(float(gradient.project(oda.Monomial(1))[0]) / 2)
    assert f"{float(gradient.outside(oda.Legendre(4))):.2g} of the energy outside" in cubic


def test_point_masses_and_samples_are_drawn():
    gradient = of(oda.Objective(terminal=k * z, running=z**2), k=[0.4, 0.1])
    _, drawn = lines(gradient)
    assert sum(len(curve) > 10 for curve in drawn.values()) == 2
    masses = [curve for curve in drawn.values() if len(curve) == 1]
    assert np.allclose(masses, [[[2, np.exp(0.8) / 2]], [[2, np.exp(0.2) / 2]]])
