"""Who may read a record: policy, care team, break-glass, review."""
