"""Verification: certificates of gradients, and claims with their verdicts."""
