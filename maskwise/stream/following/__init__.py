"""Who is who from frame to frame, what is said of each, and what happens to them."""
