"""Tests of HMS, one folder per desk."""
