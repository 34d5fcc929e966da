"""Stated problems on tensors: values bound, paths laid, solved, and their losses."""
