"""Imported first by the command line: what would make every command start slowly.

Notebooks are validated with jsonschema, which builds a grammar of web addresses as it
is imported if it finds the package for it (nbgrader brings that one): 0.7 s for every
command and every process of it. No notebook has a use for the grammar.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
