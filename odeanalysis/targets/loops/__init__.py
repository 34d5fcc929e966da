"""The target of compiled loops over arrays: a formula as text that Numba compiles."""
