"""What is measured, how, and the results as CSV. Ratios against a named reference in the same run: machines are noisy."""
