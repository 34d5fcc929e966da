"""Solves on tensors: steps that are given or that control their error, and what a solve keeps of them."""
