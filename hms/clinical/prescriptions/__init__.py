"""Order, safety context, actions after signing, display."""
