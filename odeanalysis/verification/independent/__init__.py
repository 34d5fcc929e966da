"""Means of measuring a gradient that use none of the derived calculus: interpreted statements, marches, differences, Taylor slopes."""
