"""Who may do what: tokens, sessions, limits, headers."""
