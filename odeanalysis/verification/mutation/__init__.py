"""Deliberately wrong gradients: which entries are changed, how, at which values they are tried, and why one may be equivalent."""
