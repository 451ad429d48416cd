"""Holidays of the hospital."""
