"""Tests of the solvers: arrays and callables only."""
