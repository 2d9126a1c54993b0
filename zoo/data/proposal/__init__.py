"""From a path to a recipe: what the data says of task, split, preprocessing and size, each with its reason."""
