"""Tests of the formulary."""
