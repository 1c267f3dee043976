"""Ends the process before any check.

Score: 0
"""

import os

os._exit(0)
