"""The old path of `run_job`: jobs that the last release put into Redis name it. Remove it in the next release."""

from .background.outbox import run_job as handle

__all__ = ("handle",)
