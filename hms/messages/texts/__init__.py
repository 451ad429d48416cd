"""The texts of messages, by kind, channel and language."""
