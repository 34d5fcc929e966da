"""Sensitivities as values: ways to differentiate the states at the nodes of a solve."""
