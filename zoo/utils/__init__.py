"""Small helpers that know nothing of models: files, the cache, text plots, image grids."""
