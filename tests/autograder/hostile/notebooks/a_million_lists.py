"""Two bytes here, an object there.

Score: 0
State: unreadable
"""

def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def attack(notebook):
    return b'{"nbformat": 4, "cells": [], "x": [' + b"[]," * 2_000_000 + b"[]]}"
