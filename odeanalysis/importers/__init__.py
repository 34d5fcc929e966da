"""Models from where they already are: SymPy equations, Python functions, SBML files."""
