"""Imports the package of the grader and what it should not hold.

Score: 2
"""

def double(X):
    import autograder.checks
    import autograder.checking

    return 2 * X
