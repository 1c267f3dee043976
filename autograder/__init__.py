"""Trusted grading of notebooks: nbgrader's gradebook, hidden checks, a sandbox."""
