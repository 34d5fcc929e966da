"""How arrays are made and read: the words of torch.

For modules that `odeanalysis generate` writes; nothing here imports the bridge.
"""

from typing import Any

import torch

Array = torch.Tensor


def _arrays(values: dict[str, Any]) -> dict[str, Array]:
    """Values as tensors of one dtype and device, those of the first tensor."""
    tensors = [one for one in values.values() if isinstance(one, torch.Tensor)]
    floating = [one for one in tensors if one.is_floating_point()]
    like = floating[0] if floating else torch.zeros((), dtype=torch.float64)
    for name, one in values.items():
        if isinstance(one, torch.Tensor) and one.device != like.device:
            raise ValueError(
                f"value {name!r} is on {one.device}, others on {like.device}"
            )
        if any(one is other for other in floating) and one.dtype != like.dtype:
            raise ValueError(f"value {name!r} has {one.dtype}, others {like.dtype}")
    return {name: _array(name, one, like) for name, one in values.items()}


def _array(name: str, value: Any, like: Array) -> Array:
    try:
        found = torch.as_tensor(value, device=like.device)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"value {name!r} is no array of numbers: {error}") from None
    if found.dtype == torch.bool or found.is_complex():
        raise ValueError(f"value {name!r} holds {found.dtype}; give numbers")
    return torch.as_tensor(value, dtype=like.dtype, device=like.device).detach()


def _numbers(values: Any, like: Any) -> Array:
    if like is None:
        return torch.tensor(values, dtype=torch.float64)
    return torch.tensor(values, dtype=like.dtype, device=like.device)


def _zeros(shape: tuple[int, ...], like: Any) -> Array:
    return _numbers(0.0, like).expand(shape).clone()


def _spread(value: Any, shape: tuple[int, ...], like: Any) -> Array:
    """A value, perhaps one for all samples, as one for each."""
    if not isinstance(value, torch.Tensor):
        value = _numbers(value, like)
    return value.expand(shape)


def _picked(chosen: list[bool], new: Array, old: Array) -> Array:
    """The new value for the chosen samples, the old one for the others."""
    mask = torch.tensor(chosen, device=old.device)
    return torch.where(mask.reshape(-1, *(1,) * (old.ndim - 1)), new, old)


def _stacked(parts: list[Array]) -> Array:
    return torch.stack(parts)


def _larger(one: Array, other: Any) -> Array:
    bounded = isinstance(other, torch.Tensor)
    least = torch.finfo(one.dtype).tiny
    return torch.maximum(one, other) if bounded else one.clamp(min=max(other, least))


def _quiet() -> Any:
    """Where what is not finite is looked for afterwards, and nothing is recorded."""
    return torch.no_grad()


def _is_missing(value: Array) -> Array:
    return torch.isnan(value)


def _result(value: Array) -> Array:
    return value
