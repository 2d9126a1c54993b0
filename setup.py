"""The packages: all under `zoo/`, and the recipes, which lie beside it. All else is in `setup.cfg`."""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["zoo", "zoo.*"]), "zoo.recipes"])
