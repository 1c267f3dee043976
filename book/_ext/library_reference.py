"""Write the reference of ``course_lib`` from its docstrings.

A page asks for it with a line ``% library-reference: course_lib``. In its place come
one section per module, in alphabetical order, and in it everything that the module
defines under a public name. Nothing is listed by hand, so nothing can be forgotten.
"""

from __future__ import annotations

import importlib
import pkgutil
import re

from sphinx.application import Sphinx

REQUEST = re.compile(r"^% library-reference: (?P<package>\w+)$", re.MULTILINE)


def modules(package: str) -> list[str]:
    """Name the public modules of a package, with its public subpackages and theirs."""
    root = importlib.import_module(package)
    found = pkgutil.walk_packages(root.__path__, prefix=f"{package}.")
    return sorted(
        module.name
        for module in found
        if not any(part.startswith("_") for part in module.name.split("."))
    )


def section(module: str) -> str:
    """Return the MyST text that documents one module."""
    return f"""
({module.replace(".", "-")})=
## `{module}`

```{{eval-rst}}
.. automodule:: {module}
   :members:
   :member-order: bysource
   :show-inheritance:
```
"""


def write_reference(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace the request in a page by the sections of its package."""
    source[0] = REQUEST.sub(
        lambda request: "\n".join(map(section, modules(request["package"]))), source[0]
    )


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("source-read", write_reference)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
