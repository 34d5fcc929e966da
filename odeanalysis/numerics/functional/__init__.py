"""Gradients in function space: dell/dtheta(.) as an object, and descent on it."""
