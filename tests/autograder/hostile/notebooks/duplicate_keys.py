"""Two lists of cells: which one counts?

Score: 0
State: unreadable
"""

import json


def attack(notebook):
    text = json.dumps(notebook)
    return (text[:-1] + ', "cells": []}').encode()
