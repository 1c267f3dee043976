"""The answer cell itself never ends: no check can run.

Score: 0
State: timed_out
"""

while True:
    pass
