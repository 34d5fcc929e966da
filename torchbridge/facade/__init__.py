"""torchdiffeq's functions on our solvers, with exact gradients; docs/torch-facade.md says where we differ."""

from torchbridge.facade.interface import odeint, odeint_adjoint, odeint_event

__all__ = ["odeint", "odeint_adjoint", "odeint_event"]
