"""The embedded servers: PostgreSQL and Valkey."""
