"""A message that would paint over the terminal and the page.

Score: 2
"""

def double(X):
    raise ValueError("\x1b[2J\x1b]0;owned\x07<script>alert(1)</script>\r✓ 3/3 passed")
