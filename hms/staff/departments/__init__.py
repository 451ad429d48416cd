"""Departments of the hospital."""
