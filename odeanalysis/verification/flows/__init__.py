"""What claims measure of flows: paths by independent ways, spheres and degrees, densities, equations written by hand."""
