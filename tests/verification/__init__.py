"""Tests of certificates and claims: that they accept what is right, and refuse what is wrong."""
