"""The path that work of the last release waits under in Redis; it goes with the next release."""

from .background.outbox import run_job as handle

__all__ = ("handle",)
