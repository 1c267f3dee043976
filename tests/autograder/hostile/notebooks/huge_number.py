"""A number of ten thousand digits.

Score: 0
State: unreadable
"""

def attack(notebook):
    return b'{"nbformat": ' + b"9" * 10_000 + b', "cells": []}'
