"""Page sessions, tokens, revocation, PINs, lock screen, sockets."""
