"""The audit: what a reader of the results should know of the data, and what makes the results untrue."""
