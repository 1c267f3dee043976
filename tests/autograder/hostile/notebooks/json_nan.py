"""NaN is not JSON.

Score: 0
State: unreadable
"""

def attack(notebook):
    return b'{"nbformat": NaN, "cells": []}'
