"""Random problems with Hypothesis: expressions, problems, values; drawn from a seed, or shrunk to the smallest with a property."""
