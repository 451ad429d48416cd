"""Reports: figures gathered from all desks. Reads only."""
