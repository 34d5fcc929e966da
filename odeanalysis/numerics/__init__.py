"""Numbers from callables: solvers, and the gradients that are taken through them."""
