"""Properties of the methods, and of what proves them."""
