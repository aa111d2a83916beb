"""What is measured, how, and the results as CSV: ratios against a reference in the same run, since machines are noisy."""
