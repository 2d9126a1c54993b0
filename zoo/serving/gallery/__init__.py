"""`zoo gallery`: a static site in which exported files run in the browser."""
