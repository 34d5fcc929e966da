"""Tests of fits and gradients."""
