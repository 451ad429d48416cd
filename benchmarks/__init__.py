"""Benchmarks of HMS at full size: requests, CPU time and queries, compared with a plain Flask route."""
