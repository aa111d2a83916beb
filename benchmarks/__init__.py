"""What is measured, how, and the results as CSV: ratios to a reference of the same run: machines are noisy."""
