"""An array of objects, which would need pickle.

Score: 2
"""

import numpy


def double(X):
    return numpy.array([object(), object()])
