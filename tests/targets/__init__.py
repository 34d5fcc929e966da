"""Tests of `odeanalysis.targets`."""
