"""What every generated module carries beside its model; each file is one section.

A file is ordinary Python. Its text goes into modules as it stands, without its first
docstring and imports. `stated` stands for the model: a small one, with the tables and
functions that modules have instead. `words` are what arrays are made and read with;
those for tensors are in torchbridge. Lines have at most 88 columns.
"""
