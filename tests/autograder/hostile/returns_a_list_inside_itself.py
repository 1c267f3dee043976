"""A list that contains itself.

Score: 2
"""

def double(X):
    value = [X]
    value.append(value)
    return value
