"""Tests of the appointments desk."""
