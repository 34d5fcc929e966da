"""What users take for their own suites: checks of any function, strategies, the pytest plugin."""
