"""Database: session, column types, record base classes, locks, constraint messages, roles, query counter."""
