"""The bridge from `odeanalysis` to torch: its formulas, tableaus and derived gradients on tensors.

Nothing is built here yet: the package has no public names, and importing it needs no torch. What will stand here may
import torch and any part of `odeanalysis`; no part of `odeanalysis` imports it.
"""
