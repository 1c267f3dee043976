"""Latin-1.

Score: 0
State: unreadable
"""

def attack(notebook):
    return b'{"nbformat": 4, "cells": ["\xe4"]}'
