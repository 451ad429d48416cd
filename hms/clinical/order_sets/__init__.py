"""Order sets: several medicines that are prescribed together in one step, each with all checks."""
