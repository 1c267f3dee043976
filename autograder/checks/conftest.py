"""Lets ``pytest autograder/checks/test_x.py --submission NOTEBOOK`` run the checks."""

from autograder.pytest_plugin import pytest_addoption, pytest_configure

__all__ = ["pytest_addoption", "pytest_configure"]
