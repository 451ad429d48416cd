"""Tests of the patients desk."""
