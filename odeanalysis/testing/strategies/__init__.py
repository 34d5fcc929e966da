"""Hypothesis strategies: models and their parts; values, directions, grids and bases. What they draw is printed as code that makes it."""
