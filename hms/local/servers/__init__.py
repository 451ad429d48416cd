"""PostgreSQL and Valkey on one machine."""
