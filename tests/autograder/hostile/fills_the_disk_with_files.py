"""A million files.

Score: 2
"""

def double(X):
    for number in range(10**6):
        open(f"/tmp/{number}", "w").close()
