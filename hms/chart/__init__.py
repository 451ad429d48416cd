"""Chart: one patient's story, gathered from all desks. Reads only."""
