"""Exceptions are swallowed by the shell.

Score: 2
"""

shell = get_ipython()
shell.showtraceback = lambda *args, **kwargs: None
shell.set_custom_exc((Exception,), lambda *args, **kwargs: None)


def double(X):
    raise ValueError("not shown")
