"""The embedded servers, the supervisor and the set-up, as they really run."""
