"""The rows of `benchmarks.training`: one problem, solved by this library and by peers."""
