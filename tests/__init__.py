"""The test suite; tests/README.md says how it is organised."""
