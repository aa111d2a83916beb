"""What a stream came to: counts with their intervals, and a page about them."""
