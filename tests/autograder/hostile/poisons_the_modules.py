"""torch is replaced for everything imported later.

Score: 0
"""

import sys
import types

sys.modules["torch"] = types.ModuleType("torch")
sys.modules["json"] = types.ModuleType("json")


def double(X):
    return 2 * X
