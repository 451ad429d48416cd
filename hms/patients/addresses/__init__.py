"""The country's hierarchy of addresses: loaded from a file of the hospital, searched while typing."""
