"""Tests of the gradients: one file for each property, over the cases of `hostile.ALL`."""
