"""Tests of modeling: what is stated, read and bound."""
