"""Printing: text that the parser reads back, and LaTeX."""
