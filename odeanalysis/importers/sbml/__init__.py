"""SBML: a file is bounded, read by libSBML, refused where it says what a model cannot, and stated as a model with values."""
