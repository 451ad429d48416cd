"""Entries that devices made without the network."""
