"""Settings of the hospital: pages and API."""
