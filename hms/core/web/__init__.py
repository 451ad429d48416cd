"""Pages: guard, forms, error handlers, security headers, session cookie, rate limits, templates."""
