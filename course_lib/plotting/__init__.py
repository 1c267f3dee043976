"""Figures of the course: drawn by code, for light and dark, with alternative text.

Functions take an ``ax`` to draw into (None makes a figure of the right size) and return
the axes; :func:`show` turns a figure into one inline SVG that follows the page's theme.
Blue is always *input*, orange *kernel* and green *output*; padding is hatched. Values
with a sign are blue above zero and orange below.

Nothing here changes matplotlib's global settings, and matplotlib is imported when the
first figure is drawn.
"""

from course_lib.plotting.animator import Animator as Animator
from course_lib.plotting.animator import can_animate as can_animate
from course_lib.plotting.bars import plot_bars as plot_bars
from course_lib.plotting.curves import loss_contours as loss_contours
from course_lib.plotting.curves import plot_curves as plot_curves
from course_lib.plotting.fields import draw_receptive_field as draw_receptive_field
from course_lib.plotting.grids import heatmap as heatmap
from course_lib.plotting.images import feature_maps as feature_maps
from course_lib.plotting.images import show_images as show_images
from course_lib.plotting.theme import COLOURS as COLOURS
from course_lib.plotting.theme import Picture as Picture
from course_lib.plotting.theme import show as show
from course_lib.plotting.theme import style as style
from course_lib.plotting.theme import subplots as subplots
from course_lib.plotting.windows import draw_cross_correlation as draw_cross_correlation
from course_lib.plotting.windows import draw_padding_stride as draw_padding_stride
from course_lib.plotting.windows import draw_pixel_use as draw_pixel_use
