"""Tests of the pharmacy desk."""
