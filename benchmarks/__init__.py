"""Measures the hospital at full size: requests, processor time and queries, beside a bare Flask route."""
