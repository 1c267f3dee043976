"""Figures: one themed SVG with a real alternative text, and what each drawing says."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import matplotlib
import nbformat
import pytest
import torch
from nbclient import NotebookClient

from course_lib.geometry import Window, pixel_use_2d
from course_lib.plotting import (
    COLOURS,
    Animator,
    draw_cross_correlation,
    draw_padding_stride,
    draw_pixel_use,
    draw_receptive_field,
    feature_maps,
    heatmap,
    images,
    loss_contours,
    plot_bars,
    plot_curves,
    show,
    show_images,
    style,
    subplots,
    theme,
)
from course_lib.plotting import animator as animator_module

SVG = "{http://www.w3.org/2000/svg}"
X = torch.arange(9.0).reshape(3, 3)
K = torch.arange(4.0).reshape(2, 2)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def edge_image():
    image = torch.ones(6, 8)
    image[:, 2:6] = 0
    return image


FIGURES = {
    "cross-correlation": lambda: draw_cross_correlation(X, K),
    "edges": lambda: draw_cross_correlation(
        edge_image(), torch.tensor([[1.0, -1.0]]), at=(2, 1), signed=True
    ),
    "grey": lambda: heatmap(edge_image(), kind="grey", title="image"),
    "framed": lambda: heatmap(X - 4.5, signed=True, highlight=(0, 1, 2, 2)),
    "large": lambda: heatmap(torch.rand(30, 30), kind="output"),
    "large and signed": lambda: heatmap(torch.randn(30, 30), signed=True),
    "large and grey": lambda: heatmap(torch.rand(30, 30), kind="grey"),
    "padding": lambda: draw_padding_stride(
        (3, 3), (2, 2), padding=1, stride=(3, 2), at=(1, 1), values=X
    ),
    "pixel use": lambda: draw_pixel_use((5, 5), 3, padding=1),
    "receptive field": lambda: draw_receptive_field([Window(3, padding=1)] * 2, n=6),
    "images": lambda: show_images(torch.rand(3, 28, 28), titles=["a", "b", "c"]),
    "feature maps": lambda: feature_maps(torch.randn(6, 5, 5), signed=True),
    "curves": lambda: plot_curves({"loss": ([1, 2], [2.0, 1.0])}, xlabel="epoch"),
    "bars": lambda: plot_bars({"loop": 2.0, "unfolded": 0.5}, target=1, xlabel="ms"),
    "contours": lambda: loss_contours(
        lambda u, v: u**2 + v**2, [(1, 1), (0, 0)], xlim=(-2, 2), ylim=(-2, 2)
    ),
}


# -- show ------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES.keys())
def test_every_figure_is_one_inline_svg_that_follows_the_theme(draw):
    svg = show(draw(), "What it shows.")._repr_html_()
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == "What it shows."
    assert re.search(r"width: 100%; max-width: \d+px; height: auto", root.get("style"))
    assert "var(--cnn-" in svg
    for colour in COLOURS.values():
        bare = re.findall(rf"(?:fill|stroke): {colour}", svg)
        assert not bare, f"{colour} would not follow the theme"
    for unwanted in (
        "<style",
        "<metadata",
        "<?xml",
        "<!",
        "xlink:",
        "DejaVu",
        "script",
    ):
        assert unwanted not in svg
    assert "@" not in svg


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES.keys())
def test_every_reference_inside_a_figure_leads_somewhere_in_it(draw):
    svg = show(draw(), "What it shows.").svg
    ids = re.findall(r'\bid="([^"]+)"', svg)
    uses = {a or b for a, b in re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg)}
    assert len(ids) == len(set(ids))
    assert set(ids) == uses


def test_a_figure_is_the_same_each_time_and_shares_no_id_with_another():
    def curve(y):
        return show(plot_curves({"a": ([0, 1], [0, y])}, marker="o"), "A line.").svg

    assert curve(1) == curve(1)
    ids = [set(re.findall(r'\bid="([^"]+)"', curve(y))) for y in (1, 2)]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_text_stays_text_in_the_pages_fonts():
    svg = show(heatmap([[7]], title="seven"), "Seven.").svg
    root = ElementTree.fromstring(svg)
    found = {element.text: element.get("style") for element in root.iter(f"{SVG}text")}
    assert "Inter Variable" in found["seven"]
    assert "JetBrains Mono Variable" in found["7"]
    assert "Inter" not in found["7"]


def test_every_colour_of_the_course_becomes_a_variable_with_its_light_value():
    _, ax = subplots()
    for name, colour in COLOURS.items():
        ax.plot([0, 1], [0, 1], color=colour, label=name)
    svg = show(ax, "Lines.").svg
    for name, colour in COLOURS.items():
        assert f"stroke: var(--cnn-{name}, {colour})" in svg
    foreign = show(plot_curves({}, ax=_red()), "A red line.").svg
    assert "stroke: #ff0000" in foreign


def _red():
    _, ax = subplots()
    ax.plot([0, 1], [0, 1], color="#ff0000")
    return ax


def test_the_alt_text_is_escaped_and_is_what_a_terminal_shows():
    picture = show(heatmap([[1]]), ' "X" < Y & so on ')
    assert 'aria-label="&quot;X&quot; &lt; Y &amp; so on"' in picture.svg
    assert repr(picture) == 'Figure: "X" < Y & so on'


@pytest.mark.parametrize("alt", ["", "  \n"])
def test_a_figure_without_alt_text_is_refused(alt):
    with pytest.raises(ValueError, match="alt must say what the figure shows, such as"):
        show(heatmap([[1]]), alt)


def test_show_takes_a_figure_axes_or_lists_of_axes():
    fig, axes = subplots(2, 2)
    for what in (fig, axes, axes[0], list(axes[1]), axes[1, 1]):
        assert theme._figure_of(what) is fig


@pytest.mark.parametrize("what", [None, 3, "figure", [], {}], ids=repr)
def test_show_refuses_what_is_no_figure(what):
    expected = f"takes a matplotlib figure, axes, .* got {type(what).__name__}"
    with pytest.raises(TypeError, match=expected):
        show(what, "Nothing.")


def test_show_closes_a_pyplot_figure():
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots()
    ax.plot([0, 1])
    show(fig, "A line.")
    assert not plt.fignum_exists(fig.number)


def test_global_settings_of_matplotlib_stay_as_they_were():
    before = dict(matplotlib.rcParams)
    for draw in FIGURES.values():
        show(draw(), "A figure.")
    with style():
        assert matplotlib.rcParams["svg.fonttype"] == "none"
    assert dict(matplotlib.rcParams) == before


def test_importing_draws_in_neither_matplotlib_nor_ipython():
    code = (
        "import sys, course_lib.plotting, course_lib.training, course_lib.data\n"
        "print(sorted({'matplotlib', 'IPython', 'torchvision'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_drawing_needs_no_pyplot():
    code = (
        "import sys\nfrom course_lib.plotting import heatmap, show\n"
        "show(heatmap([[1]]), alt='One.')\nprint('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
    assert done.stderr == "", "no complaints about fonts"


# -- grids of numbers ------------------------------------------------------------------


def test_a_heatmap_prints_its_numbers_briefly_and_with_a_true_minus():
    assert texts(heatmap([[1, -2], [30, 0]])) == ["1", "−2", "30", "0"]
    assert texts(heatmap([[0.5, -0.125]])) == ["0.50", "−0.12"]
    assert texts(heatmap([[12.345, 1.0]])) == ["12.3", "1.00"]
    assert texts(heatmap([[-0.001, 0.5]])) == ["0.00", "0.50"]
    assert texts(heatmap([[float("nan"), float("-inf")]])) == ["nan", "−inf"]


def test_numbers_can_be_left_out_and_are_in_large_grids():
    assert texts(heatmap([[1, 2]], annotate=False)) == []
    assert texts(heatmap(torch.rand(21, 20))) == []
    assert len(texts(heatmap(torch.rand(20, 20)))) == 400


def tints(ax):
    """Colour and opacity of the tinted cells, in order."""
    return [
        (matplotlib.colors.to_hex(patch.get_facecolor()), round(patch.get_alpha(), 3))
        for patch in ax.patches
        if patch.get_alpha() is not None
    ]


def test_signed_values_are_blue_above_and_orange_below_zero():
    blue, orange = COLOURS["input"], COLOURS["kernel"]
    ax = heatmap([[2, -1, 0]], signed=True, annotate=False)
    assert tints(ax) == [(blue, 1.0), (orange, 0.5)], "zero has the page's own tone"


def test_a_kind_has_its_colour_and_larger_magnitudes_are_stronger():
    for kind in ("input", "kernel", "output"):
        found = tints(heatmap([[0, 1, 2]], kind=kind))
        assert {colour for colour, _ in found} == {COLOURS[kind]}
        strengths = [alpha for _, alpha in found]
        assert strengths == sorted(strengths)
        assert strengths[0] > 0
        assert strengths[-1] < 0.5, "the number must stay readable"


def test_a_grey_image_is_black_at_0_and_white_at_1_with_readable_numbers():
    ax = heatmap([[0, 1]], kind="grey")
    (black, _), (white, _) = tints(ax)
    assert int(black[1:3], 16) < 10
    assert int(white[1:3], 16) > 245
    on_black, on_white = (text.get_color() for text in ax.texts)
    assert on_black > "#f0"
    assert on_white < "#20"


def test_a_grid_is_drawn_into_given_axes_with_caption_and_frame():
    _, axes = subplots(1, 2)
    ax = heatmap([[1, 2]], axes[1], title="a row", highlight=(0, 1, 1, 1))
    assert ax is axes[1]
    assert texts(ax)[-1] == "a row"
    frame = ax.patches[-1]
    assert (frame.get_xy(), frame.get_width()) == ((1, 0), 1)


@pytest.mark.parametrize("values", [[1, 2], [[[1]]], torch.zeros(0, 3)], ids=str)
def test_what_is_no_matrix_is_refused(values):
    with pytest.raises(ValueError, match=r"values must be a matrix .* got shape"):
        heatmap(values)


def test_an_unknown_kind_is_refused():
    expected = "kind must be 'input', 'kernel', 'output' or 'grey', got 'red'"
    with pytest.raises(ValueError, match=expected):
        heatmap([[1]], kind="red")


# -- images ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "rows", "cols", "expected"),
    [
        (3, None, None, (1, 3)),
        (10, None, None, (2, 8)),
        (10, 2, None, (2, 5)),
        (10, None, 3, (4, 3)),
        (4, 2, 2, (2, 2)),
        (3, 2, 2, (2, 2)),
    ],
)
def test_images_are_laid_out_in_rows_and_columns(given, rows, cols, expected):
    assert images._layout(given, rows, cols) == expected
    assert len(show_images(torch.rand(given, 4, 4), rows, cols).images) == given


def test_images_may_be_bytes_floats_single_channels_or_colours():
    images = [
        torch.full((4, 4), 255, dtype=torch.uint8),
        torch.ones(1, 4, 4),
        torch.ones(3, 4, 4),
        torch.full((4, 4, 3), 7.0),
    ]
    drawn = [image.get_array() for image in show_images(images).images]
    assert [array.shape for array in drawn] == [(4, 4), (4, 4), (4, 4, 3), (4, 4, 3)]
    assert all(array.max() == array.min() == 1 for array in drawn)


def test_titles_stand_below_their_images():
    ax = show_images(torch.rand(2, 4, 4), titles=["bag", "coat"])
    assert texts(ax) == ["bag", "coat"]
    assert ax.texts[0].get_position()[0] < ax.texts[1].get_position()[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([],), "at least one image, got none"),
        ((torch.rand(5, 4, 4), 2, 2), "5 images do not fit into 2 rows of 2"),
        ((torch.rand(2, 4, 4), None, None, ["a"]), "got 1 titles and 2 images"),
        ((torch.rand(2, 4),), r"has shape \(H, W\), .* got \(4,\)"),
    ],
)
def test_images_that_make_no_picture_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        show_images(*arguments)


def test_feature_maps_share_one_scale():
    maps = torch.stack([torch.zeros(2, 2), torch.full((2, 2), 5.0), torch.ones(2, 2)])
    drawn = [image.get_array() for image in feature_maps(maps[None]).images]
    assert [float(array.mean()) for array in drawn] == pytest.approx([0, 1, 0.2])
    signed = feature_maps(torch.tensor([[[1.0, -2.0]], [[0.0, 0.0]]]), signed=True)
    first, second = (image.get_array() for image in signed.images)
    assert first[0, 1, 3] == 1, "the largest magnitude is opaque"
    assert (second[..., 3] == 0).all(), "zero is transparent"


@pytest.mark.parametrize("shape", [(4, 4), (2, 3, 4, 4)])
def test_feature_maps_are_of_one_example(shape):
    expected = re.escape(f"(C, H, W) or (1, C, H, W); got shape {shape}")
    with pytest.raises(ValueError, match=expected):
        feature_maps(torch.zeros(shape))


# -- curves ----------------------------------------------------------------------------


def test_curves_have_names_colours_dashes_and_limits():
    data = {"loss": ([1, 2], [2, 1]), "accuracy": ([1, 2], [0, 1])}
    ax = plot_curves(data, xlabel="epoch", ylabel="y", xlim=(0, 2), ylim=(0, 3))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(data)
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 2), (0, 3))
    styles = {(line.get_color(), line.get_linestyle()) for line in ax.lines}
    assert len(styles) == 2
    assert ax.lines[0].get_color() == COLOURS["input"]
    assert plot_curves(data, ax, yscale="log").get_yscale() == "log"


def test_contours_show_the_path_and_the_minimum():
    path = [(1.0, 1.0), (0.5, 0.2)]
    ax = loss_contours(
        lambda u, v: u**2 + 4 * v**2,
        path,
        xlim=(-2, 2),
        ylim=(-1, 1),
        minimum=(0.0, 0.0),
        levels=[0.5, 1, 2],
    )
    drawn = [list(zip(*line.get_data(), strict=True)) for line in ax.lines]
    assert path in drawn
    assert [(0.0, 0.0)] in drawn
    assert list(ax.collections[0].levels) == [0.5, 1, 2]
    assert loss_contours(lambda u, v: u + v, xlim=(0, 1), ylim=(0, 1), ax=ax) is ax


# -- the course's own pictures ---------------------------------------------------------


def test_cross_correlation_shows_the_books_numbers():
    ax = draw_cross_correlation(X, K, at=(1, 0))
    shown = texts(ax)
    assert [n for n in ("19", "25", "37", "43") if n in shown] == [
        "19",
        "25",
        "37",
        "43",
    ]
    assert shown[-1] == "3·0 + 4·1 + 6·2 + 7·3 = 37"
    assert {"input", "kernel", "output"} <= set(shown)


def test_negative_weights_are_bracketed_and_long_sums_left_out():
    ax = draw_cross_correlation([[1, 2]], [[1, -1]])
    assert texts(ax)[-1] == "1·1 + 2·(−1) = −1"
    assert "+" not in "".join(texts(draw_cross_correlation(torch.ones(4, 4), X)))


@pytest.mark.parametrize("at", [(-1, 0), (2, 0), (0, 2)])
def test_a_position_outside_the_output_is_refused(at):
    expected = re.escape(f"at={at} is outside the output of 2 x 2; rows go from 0 to 1")
    with pytest.raises(ValueError, match=expected):
        draw_cross_correlation(X, K, at)
    with pytest.raises(ValueError, match=expected):
        draw_padding_stride((3, 3), 2, at=at)


def test_a_kernel_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"kernel|window"):
        draw_cross_correlation(K, X)


@pytest.mark.parametrize(
    ("options", "captions", "crossed"),
    [
        ({"padding": 1}, ["input 3 × 3, padded 5 × 5", "output 4 × 4"], 0),
        ({"padding": 1, "stride": (3, 2)}, ["input 3 × 3, padded 5 × 5"], 1),
        ({"stride": 2}, ["input 3 × 3", "output 1 × 1"], 2),
        ({"padding": ((0, 1), (2, 0))}, ["input 3 × 3, padded 4 × 5"], 0),
        ({"dilation": 2}, ["input 3 × 3", "output 1 × 1"], 0),
    ],
)
def test_padding_and_stride_are_named_and_lost_rows_crossed_out(
    options, captions, crossed
):
    ax = draw_padding_stride(3, 2, **options)
    assert set(captions) <= set(texts(ax))
    lines = [line for line in ax.lines if line.get_linestyle() == ":"]
    assert len(lines) == crossed
    assert any(patch.get_hatch() for patch in ax.patches) == ("padding" in options)


def test_windows_of_a_stride_are_dotted_and_the_chosen_one_is_tinted():
    ax = draw_padding_stride((4, 6), (2, 2), stride=2, dilation=(1, 2), at=(1, 1))
    (dots,) = [line for line in ax.lines if line.get_marker() == "o"]
    assert len(dots.get_xdata()) == 2 * 2
    orange = [
        patch.get_xy()
        for patch in ax.patches
        if patch.get_alpha() == 0.35
        and matplotlib.colors.to_hex(patch.get_facecolor()) == COLOURS["kernel"]
    ]
    assert orange == [(2, 2), (4, 2), (2, 3), (4, 3)]


def test_values_are_printed_into_the_input_and_must_have_its_size():
    ax = draw_padding_stride((3, 3), 2, padding=1, values=X)
    assert texts(ax)[:9] == [str(n) for n in range(9)]
    expected = re.escape("values must have the input's size (3, 3); got (2, 2)")
    with pytest.raises(ValueError, match=expected):
        draw_padding_stride((3, 3), 2, values=K)


def test_pixel_use_is_the_geometrys():
    counts = pixel_use_2d((4, 5), 3, padding=1)
    shown = texts(draw_pixel_use((4, 5), 3, padding=1))
    assert shown == [str(count) for row in counts for count in row]


def test_a_receptive_field_fills_exactly_what_a_unit_depends_on():
    ax = draw_receptive_field([Window(3), Window(2, stride=2)], n=9, unit=1)
    blue = [
        line.get_xdata()[0]
        for line in ax.lines
        if line.get_marker() == "o" and line.get_markerfacecolor() == COLOURS["input"]
    ]
    assert blue == [2, 3, 4, 5]
    assert texts(ax) == [
        "input",
        "layer 1",
        "layer 2",
        "receptive field: 4 input positions",
    ]


def test_padding_that_a_unit_sees_is_drawn_as_empty_squares():
    ax = draw_receptive_field([Window(3, padding=1)], n=4, unit=0, names=["in", "out"])
    squares = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "s"]
    assert squares == [-1]
    one = draw_receptive_field([Window(1)], n=3)
    assert texts(one)[-1] == "receptive field: 1 input position"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([],), "at least one Window, got none"),
        (([Window(3)], 8, 6), "unit must be from 0 to 5 in a layer of 6 units, got 6"),
        (([Window(3)], 8, -1), "unit must be from 0 to 5"),
        (([Window(5)], 3), "window|kernel"),
    ],
)
def test_a_field_that_cannot_be_drawn_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        draw_receptive_field(*arguments)


def test_rows_of_a_field_need_one_name_each():
    expected = "names must name the input and 1 layers, got 1 names"
    with pytest.raises(ValueError, match=expected):
        draw_receptive_field([Window(3)], names=["input"])


# -- the animator ----------------------------------------------------------------------


def test_points_go_to_their_curves_and_none_is_no_point():
    animator = Animator(legend=["a", "b"])
    animator.add(1, (2.0, None))
    animator.add(2, [3.0, 4.0])
    animator.add([3, 4], [5.0, 6.0])
    animator.add(5, 7.0)
    assert animator.X == [[1, 2, 3, 5], [2, 4]]
    assert animator.Y == [[2.0, 3.0, 5.0, 7.0], [4.0, 6.0]]


def test_the_alt_text_names_curves_and_their_last_values():
    animator = Animator(xlabel="epoch", legend=["loss"])
    assert animator.alt == "Curves against epoch: no points yet."
    animator.add(10, (0.4694, 0.8))
    assert (
        animator.alt == "Curves against epoch: loss (0.469 at 10), curve 2 (0.8 at 10)."
    )
    assert Animator().alt == "Curves: no points yet."


def test_d2ls_arguments_are_understood():
    animator = Animator(
        "x",
        "y",
        ["a", "b"],
        [1, 5],
        [0.1, 2],
        "linear",
        "log",
        ("-", "m--"),
        1,
        2,
        (6, 3),
    )
    animator.add(1, (1.0, 2.0))
    fig = animator.figure()
    ax = fig.axes[0]
    assert len(fig.axes) == 2
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")
    assert (ax.get_xlim(), ax.get_ylim(), ax.get_yscale()) == ((1, 5), (0.1, 2), "log")
    assert ax.lines[1].get_linestyle() == "--"
    assert tuple(fig.get_size_inches()) == (6, 3)


class Shell:
    """What the animator needs of IPython's shell."""

    kernel = object()

    def __init__(self):
        self.registered = []
        self.events = self

    def register(self, event, function):
        self.registered.append((event, function))

    def unregister(self, event, function):
        self.registered.remove((event, function))

    def end_cell(self):
        for _, function in list(self.registered):
            function("result")


@pytest.fixture
def notebook(monkeypatch):
    """A notebook of one cell, whose clock stands still unless it is moved."""
    shell, shown = Shell(), []
    clock = SimpleNamespace(now=0.0)

    class Handle:
        def update(self, picture):
            shown.append(picture)

    def display(picture, display_id):
        assert display_id is True
        shown.append(picture)
        return Handle()

    monkeypatch.setattr(animator_module, "_shell", lambda: shell)
    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr(animator_module.time, "perf_counter", lambda: clock.now)
    return SimpleNamespace(shell=shell, shown=shown, clock=clock)


def test_one_picture_is_replaced_at_most_every_so_often(notebook):
    animator = Animator(legend=["loss"])
    for x in range(10):
        animator.add(x, 1.0)
    assert len(notebook.shown) == 1, "no time has passed since the first"
    notebook.clock.now += 1.0
    animator.add(10, 1.0)
    assert len(notebook.shown) == 2
    assert "at 10" in notebook.shown[-1].alt


def test_the_last_state_is_drawn_when_the_cell_ends(notebook):
    animator = Animator(legend=["loss"])
    animator.add(1, 2.0)
    animator.add(2, 1.5)
    notebook.shell.end_cell()
    assert len(notebook.shown) == 2
    assert "1.5 at 2" in notebook.shown[-1].alt
    assert notebook.shell.registered == []
    notebook.shell.end_cell()
    animator.finish()
    assert len(notebook.shown) == 2, "nothing new, nothing drawn"


def test_outside_a_notebook_points_are_collected_and_nothing_is_drawn(monkeypatch):
    animator = Animator()
    for shell in (None, SimpleNamespace()):  # plain Python, and a terminal's IPython
        monkeypatch.setattr(animator_module, "_shell", lambda shell=shell: shell)
        assert not animator_module.can_animate()
        animator.add(1, 2.0)
        animator.finish()
    assert animator._handle is None


def test_the_shell_is_asked_for_only_where_ipython_is_loaded(monkeypatch):
    monkeypatch.setitem(
        sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: "the shell")
    )
    assert animator_module._shell() == "the shell"
    monkeypatch.delitem(sys.modules, "IPython")
    assert animator_module._shell() is None


TRAINING = """
import torch
import course_lib as d2l
torch.manual_seed(0)
X = torch.randn(640, 2)
batches = list(zip(X.split(16), (X[:, 0] > 0).long().split(16)))
history = d2l.train_ch6(torch.nn.Linear(2, 2), batches, batches, 8, 0.5, "cpu")
"""


def test_a_built_page_gets_what_was_printed_and_one_final_figure():
    cells = [nbformat.v4.new_code_cell(text) for text in (TRAINING, "history")]
    page = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(page, timeout=300, kernel_name="python3").execute()
    outputs = page.cells[0].outputs
    printed = "".join(o.text for o in outputs if o.output_type == "stream")
    assert printed.startswith("training on cpu\nloss 0.")
    assert "examples/sec on cpu" in printed
    figures = [o for o in outputs if o.output_type == "display_data"]
    assert len(figures) == 1
    assert len(outputs) - len(figures) <= 2, "nothing but what was printed"
    svg = figures[0].data["text/html"]
    assert svg.startswith('<svg class="cnn-figure" role="img"')
    assert "test acc (" in re.search('aria-label="([^"]*)"', svg)[1]
    assert "at 8)" in svg, "the last epoch is in the picture"
    assert "<table" in page.cells[1].outputs[0].data["text/html"]


# -- bars ------------------------------------------------------------------------------


def test_bars_stand_below_one_another_with_their_numbers_and_the_target():
    ax = plot_bars({"a": 2, "b": 1}, target=1.5, target_label="≤ 1.5", highlight=["b"])
    first, second = ax.patches
    assert (first.get_width(), second.get_width()) == (2, 1)
    upper, lower = (ax.transData.transform((0, p.get_y()))[1] for p in ax.patches)
    assert upper > lower
    assert texts(ax) == ["2", "1", "≤ 1.5"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b"]
    (line,) = ax.lines
    assert list(line.get_xdata()) == [1.5, 1.5]
    colours = [matplotlib.colors.to_hex(p.get_facecolor()) for p in ax.patches]
    assert colours == [COLOURS["pad"], COLOURS["accent"]]


def test_bars_of_a_logarithmic_axis_go_both_ways_from_their_start():
    ax = plot_bars(
        {"slower": 0.5, "faster": 4},
        start=1,
        xscale="log",
        labels={"faster": "4 times"},
    )
    boxes = [patch.get_bbox().get_points()[:, 0] for patch in ax.patches]
    assert [sorted(box) for box in boxes] == [[0.5, 1], [1, 4]]
    assert texts(ax) == ["0.5", "4 times"]
    assert [text.get_ha() for text in ax.texts] == ["right", "left"]


def test_a_figure_of_bars_is_higher_the_more_there_are():
    few, many = (
        plot_bars({str(i): i + 1 for i in range(n)}).figure.get_figheight()
        for n in (2, 20)
    )
    assert many > few + 5


def test_bars_say_what_they_cannot_draw():
    with pytest.raises(ValueError, match="at least one bar; got no values"):
        plot_bars({})
    expected = r"above 0; got start=0, target=None and values from 2"
    with pytest.raises(ValueError, match=expected):
        plot_bars({"a": 2}, xscale="log")
