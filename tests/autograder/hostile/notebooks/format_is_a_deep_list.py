"""The number of the format is a list of lists.

Score: 0
State: unreadable
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    return b'{"nbformat": ' + b"[" * 940 + b"]" * 940 + b', "cells": []}'
