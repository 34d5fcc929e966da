"""Tests of `torchbridge`, a file for each property."""
