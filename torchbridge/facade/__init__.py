"""torchdiffeq's functions on our solvers, with exact gradients."""

from torchbridge.facade.interface import odeint, odeint_adjoint, odeint_event

__all__ = ["odeint", "odeint_adjoint", "odeint_event"]
