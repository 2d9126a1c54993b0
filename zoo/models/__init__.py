"""The shipped families, one file each; `zoo.registry` finds the builders in them."""
