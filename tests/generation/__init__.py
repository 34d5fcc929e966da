"""Modules that are written of models."""
