"""exit() in the answer cell.

Score: 2
"""

import sys

sys.exit(0)
