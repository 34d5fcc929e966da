"""The certificate of a gradient: independent routes, Taylor remainders, invariants, and the resolution they are judged by."""
