"""Tests of the billing desk."""
