"""Roles, grants, assignment, the last administrator, permission labels."""
