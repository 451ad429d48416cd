"""Further phones of a patient with their owner, and the next of kin as people."""
