"""Solvers: steps from tableaus, steps of each sample's own, records, dense output, SciPy behind the same call."""

from odeanalysis.numerics.solvers.binding import bind
from odeanalysis.numerics.solvers.controller import Controller, Tolerance
from odeanalysis.numerics.solvers.fixed import equal_steps, follow, given_steps, replay, step_counts
from odeanalysis.numerics.solvers.grid import Grid
from odeanalysis.numerics.solvers.linear_implicit import rosenbrock
from odeanalysis.numerics.solvers.record import Record, Schedule
from odeanalysis.numerics.solvers.runge_kutta import explicit
from odeanalysis.numerics.solvers.scipy_ import ScipyMethod, scipy_method
from odeanalysis.numerics.solvers.solution import Solution, Statistics, locate
from odeanalysis.numerics.solvers.solving import solve
from odeanalysis.numerics.solvers.stage_equations import implicit
from odeanalysis.numerics.solvers.stepper import Attempt, Field, Jacobian, Stepper

__all__ = [
    "Attempt",
    "Controller",
    "Field",
    "Grid",
    "Jacobian",
    "Record",
    "Schedule",
    "ScipyMethod",
    "Solution",
    "Statistics",
    "Stepper",
    "Tolerance",
    "bind",
    "equal_steps",
    "explicit",
    "follow",
    "given_steps",
    "implicit",
    "locate",
    "replay",
    "rosenbrock",
    "scipy_method",
    "solve",
    "step_counts",
]
