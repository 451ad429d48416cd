"""Background work: outbox, worker, scheduler, Redis connection, mail."""
