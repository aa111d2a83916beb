"""What is remembered, in SQLite or PostgreSQL: streams, events, visits, tokens, settings. Never a picture."""
