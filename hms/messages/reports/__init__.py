"""Delivery reports that the SMS gateway sends."""
