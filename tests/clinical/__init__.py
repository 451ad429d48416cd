"""Tests of the clinical desk."""
