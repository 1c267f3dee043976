// An image and the same image shifted, both pooled: what changes before, what changes after?

import { Grid, count, element, explorer, fmt, setText } from "./explorer.js";
import { poolImage, poolPositions, poolProblem, poolWindow, pooledSize } from "./pooling.js";

const KEYS = [
  "mode_index", "image_index", "shift", "pool_h", "pool_w", "stride_h", "stride_w", "pad_h", "pad_w",
  "ceil_mode", "count_include_pad", "absolute", "unit",
];
const EXACT = 1e-6; // images are shipped in single precision: smaller differences are rounding

/** The layer that the controls describe, as pooling.js reads it. */
export function poolLayer(state) {
  return {
    mode: state.mode_index === 0 ? "max" : "avg",
    kernel: [state.pool_h, state.pool_w],
    stride: [state.stride_h, state.stride_w],
    padding: [state.pad_h, state.pad_w],
    ceilMode: state.ceil_mode,
    countIncludePad: state.count_include_pad,
  };
}

/** The same layer as a line of PyTorch; arguments that have their default value are left out. */
export function poolCall({ mode, kernel, stride, padding, ceilMode, countIncludePad }) {
  const pair = ([a, b]) => (a === b ? `${a}` : `(${a}, ${b})`);
  const words = [pair(kernel)];
  if (pair(stride) !== pair(kernel)) words.push(`stride=${pair(stride)}`);
  if (padding[0] || padding[1]) words.push(`padding=${pair(padding)}`);
  if (ceilMode) words.push("ceil_mode=True");
  if (mode === "avg" && !countIncludePad) words.push("count_include_pad=False");
  return `nn.${mode === "max" ? "MaxPool2d" : "AvgPool2d"}(${words.join(", ")})`;
}

/** Move the content by `shift` columns, to the right when positive; zeros come in from the side. */
export function shiftColumns(values, height, width, shift) {
  return values.map((_, p) => {
    const column = (p % width) - shift;
    return column >= 0 && column < width ? values[p - shift] : 0;
  });
}

/** Which cells of two equally large arrays differ. */
export function changedCells(before, after) {
  return Array.from(before, (value, p) => Math.abs(value - after[p]) > EXACT);
}

export function build(view) {
  const pictures = view.model.get("_images").map(({ height, width, values }) => ({ height, width, values }));
  const grid = (name, role, part) => new Grid(view, {
    name, role, maxCell: 40,
    onmove: (r, c) => view.set({ unit: part === "output" ? [r, c] : reader(r, c) }),
  });
  const grids = {
    image: grid("image", "input", "input"),
    pooled: grid("pooled image", "output", "output"),
    shifted: grid("shifted image", "input", "input"),
    shiftedPooled: grid("pooled shifted image", "output", "output"),
  };
  const bars = [meter("before pooling"), meter("after pooling")];
  const line = element("p", { class: "cnn-formula" });
  const why = element("p", { class: "cnn-formula" });
  view.stage.append(
    pairOf("The image", grids.image, grids.pooled),
    pairOf("Shifted", grids.shifted, grids.shiftedPooled),
    element("div", { class: "cnn-meters" },
      element("p", { class: "cnn-meters-title" }, "Cells that the shift changes"), ...bars.map((b) => b.node)),
    line, why);
  let latest = null;

  /** The output cell whose window is centred nearest to image cell (r, c): the pointer works on images too. */
  function reader(r, c) {
    if (!latest) return [0, 0];
    const { layer, size } = latest;
    const nearest = (position, axis) => {
      const centre = (position + layer.padding[axis] - (layer.kernel[axis] - 1) / 2) / layer.stride[axis];
      return Math.min(Math.max(Math.round(centre), 0), size[axis] - 1);
    };
    return [nearest(r, 0), nearest(c, 1)];
  }

  return function draw(state) {
    const layer = poolLayer(state);
    const picture = pictures[state.image_index];
    const { height, width } = picture;
    const values = state.absolute ? picture.values.map(Math.abs) : picture.values;
    const shifted = shiftColumns(values, height, width, state.shift);
    const problem = poolProblem(height, width, layer);
    setText(line, poolCall(layer));
    view.root.dataset.output = problem ? "0x0" : `${pooledSize(height, 0, layer)}x${pooledSize(width, 1, layer)}`;
    if (problem) {
      latest = null;
      return drawProblem(grids, bars, why, { values, shifted, height, width, problem });
    }
    const pooled = poolImage(values, height, width, layer);
    const pooledShifted = poolImage(shifted, height, width, layer);
    const size = [pooled.height, pooled.width];
    const unit = [Math.min(state.unit[0], size[0] - 1), Math.min(state.unit[1], size[1] - 1)];
    latest = { layer, size };
    const moved = changedCells(values, shifted);
    const movedPooled = changedCells(pooled.values, pooledShifted.values);
    const top = Math.max(...Array.from(values, Math.abs), EXACT);
    const shared = { view, layer, unit, top };
    showInput(grids.image, { ...shared, values, height, width, caption: `image, ${height}×${width}` });
    // Cells of the results are no larger than those of the image they come from.
    grids.pooled.maxCell = grids.shiftedPooled.maxCell = grids.image.cell;
    showOutput(grids.pooled, { ...shared, ...pooled, caption: `pooled, ${size[0]}×${size[1]}` });
    const by = state.shift === 0 ? "not shifted" : `shifted ${state.shift > 0 ? "right" : "left"} by ${Math.abs(state.shift)}`;
    showInput(grids.shifted, { ...shared, values: shifted, height, width, changed: moved, caption: by });
    showOutput(grids.shiftedPooled, { ...shared, ...pooledShifted, changed: movedPooled, caption: "pooled" });
    bars[0].show(moved);
    bars[1].show(movedPooled);
    setText(why, [0, 1].map((axis) => sizeFormula(axis, [height, width][axis], layer)).join("   ·   "));
    return sentences({ state, layer, values, height, width, pooled, unit, moved, movedPooled });
  };
}

function pairOf(label, image, pooled) {
  const arrow = element("span", { class: "cnn-arrow", "aria-hidden": "true" }, "→");
  return element("div", { class: "cnn-pair", role: "group", "aria-label": label }, image.node, arrow, pooled.node);
}

function meter(name) {
  const fill = element("span", { class: "cnn-meter-fill" });
  const label = element("span", { class: "cnn-meter-label" });
  const node = element("div", { class: "cnn-meter" },
    element("span", { class: "cnn-meter-name" }, name), element("span", { class: "cnn-meter-track" }, fill), label);
  return {
    node,
    show(changed) {
      const n = changed.filter(Boolean).length;
      fill.style.width = `${(100 * n) / Math.max(changed.length, 1)}%`;
      setText(label, changed.length ? `${n} of ${changed.length}` : "no output");
    },
  };
}

const printed = (value) => fmt(value, 2);

/** Frame the cells that changed with a corner mark: colour alone would not be seen by everybody. */
function corners(view, changed, width) {
  return (g, cell) => {
    if (!changed) return;
    g.fillStyle = view.palette.accent;
    g.strokeStyle = view.palette.paper;
    g.lineWidth = 1.5;
    const size = Math.max(3, Math.round(cell * 0.28));
    changed.forEach((yes, p) => {
      if (!yes) return;
      const [x, y] = [(p % width) * cell + cell - 1, Math.floor(p / width) * cell + 1];
      g.beginPath();
      g.moveTo(x - size, y);
      g.lineTo(x, y);
      g.lineTo(x, y + size);
      g.closePath();
      g.fill();
      g.stroke();
    });
  };
}

/** The image with as much of its padding as the layer has, the unit's window and its winner. */
function showInput(grid, { view, layer, unit, values, height, width, top, changed, caption }) {
  const [up, left] = layer.padding;
  const at = (r, c) => [r - up, c - left];
  const inside = (r, c) => r >= 0 && c >= 0 && r < height && c < width;
  const value = (r, c) => (inside(...at(r, c)) ? values[at(r, c)[0] * width + at(r, c)[1]] : null);
  const { winner } = poolWindow(values, height, width, ...unit, layer);
  const [rows, columns] = [0, 1].map((axis) => poolPositions(unit[axis], axis, layer));
  const marks = [{
    r: rows[0] + up, c: columns[0] + left, h: layer.kernel[0], w: layer.kernel[1],
    colour: view.palette.kernel, fill: view.palette.kernel,
  }];
  if (winner) marks.push({ r: winner[0] + up, c: winner[1] + left, colour: view.palette.output });
  // Windows that ceil_mode adds may reach beyond the padding: draw that far.
  const reach = (axis, n) => Math.max(n, rowsOrColumns(axis) + 1);
  const rowsOrColumns = (axis) => [rows, columns][axis].at(-1) + layer.padding[axis];
  const changedHere = changed && padded(changed, height, width, layer.padding);
  const pad = layer.mode === "max" ? "−∞" : "0";
  const total = [reach(0, height + 2 * up), reach(1, width + 2 * left)];
  grid.draw({
    rows: total[0], cols: total[1], marks, caption,
    hatched: (r, c) => !inside(...at(r, c)),
    colour: (r, c) => (inside(...at(r, c)) ? view.palette.signed(value(r, c), top) : null),
    text: (r, c) => (inside(...at(r, c)) ? printed(value(r, c)) : r < height + 2 * up && c < width + 2 * left ? pad : ""),
    say: (r, c) => (inside(...at(r, c)) ? printed(value(r, c)) : `padding, ${pad}`),
    paint: corners(view, changedHere && widened(changedHere, width + 2 * left, total[1]), total[1]),
  });
}

function padded(flags, height, width, [up, left]) {
  const outer = width + 2 * left;
  const result = new Array((height + 2 * up) * outer).fill(false);
  flags.forEach((flag, p) => {
    result[(Math.floor(p / width) + up) * outer + (p % width) + left] = flag;
  });
  return result;
}

function widened(flags, from, to) {
  if (from === to) return flags;
  const result = [];
  flags.forEach((flag, p) => {
    result[Math.floor(p / from) * to + (p % from)] = flag;
  });
  return Array.from(result, Boolean);
}

function showOutput(grid, { view, unit, values, height, width, top, changed, caption }) {
  grid.draw({
    rows: height, cols: width, caption,
    marks: [{ r: unit[0], c: unit[1], colour: view.palette.output }],
    colour: (r, c) => view.palette.signed(values[r * width + c], top),
    text: (r, c) => printed(values[r * width + c]),
    say: (r, c) => printed(values[r * width + c]),
    paint: corners(view, changed, width),
  });
}

function drawProblem(grids, bars, why, { values, shifted, height, width, problem }) {
  const plain = (grid, cells, caption) => {
    const top = Math.max(...Array.from(values, Math.abs), EXACT);
    const { palette } = grid.view;
    grid.draw({
      rows: height, cols: width, caption,
      colour: (r, c) => palette.signed(cells[r * width + c], top),
      text: (r, c) => printed(cells[r * width + c]),
      say: (r, c) => printed(cells[r * width + c]),
    });
  };
  const empty = (grid) => grid.draw({
    rows: 1, cols: 1, caption: "no output", colour: () => null, hatched: () => true, text: () => "", say: () => "no output",
  });
  plain(grids.image, values, `image, ${height}×${width}`);
  plain(grids.shifted, shifted, "shifted");
  empty(grids.pooled);
  empty(grids.shiftedPooled);
  for (const bar of bars) bar.show([]);
  setText(why, "no output size");
  return `PyTorch refuses this layer. ${problem}`;
}

/** "height ⌊(6 + 2·0 − 2) / 1⌋ + 1 = 5", with ⌈ ⌉ in ceil_mode and a word where its last window is dropped. */
export function sizeFormula(axis, n, layer) {
  const [k, s, p] = [layer.kernel[axis], layer.stride[axis], layer.padding[axis]];
  const [open, close] = layer.ceilMode ? "⌈⌉" : "⌊⌋";
  const size = pooledSize(n, axis, layer);
  const slack = (n + 2 * p - k) / s;
  const plain = (layer.ceilMode ? Math.ceil(slack) : Math.floor(slack)) + 1;
  const dropped = plain > size ? ` − 1 (its last window would hold nothing but padding)` : "";
  return `${axis === 0 ? "height" : "width"} ${open}(${n} + 2·${p} − ${k}) / ${s}${close} + 1${dropped} = ${size}`;
}

function sentences({ state, layer, values, height, width, pooled, unit, moved, movedPooled }) {
  const { cells, value, winner, divisor } = poolWindow(values, height, width, ...unit, layer);
  const name = `Output row ${unit[0]}, column ${unit[1]}`;
  const list = (glue) => (cells.length > 9 ? count(cells.length, "cell") : cells.map(([, , v]) => printed(v)).join(glue));
  const explained = layer.mode === "max"
    ? `${name} is the maximum of ${list(", ")}: ${printed(value)}`
      + (winner ? `, from row ${winner[0]}, column ${winner[1]} of the image.` : ".")
    : `${name} is the sum ${list(" + ") || "of nothing"}, divided by ${divisor}: ${printed(value)}.`;
  return [
    `${poolCall(layer)} makes ${pooled.height}×${pooled.width} of ${height}×${width}.`,
    shiftSentence(state.shift, moved, movedPooled),
    negativeSentence(values, pooled.values, layer),
    state.absolute ? "The image shows absolute values." : "",
    layer.mode === "max" && !state.count_include_pad ? "count_include_pad concerns average pooling only." : "",
    explained,
  ].filter(Boolean).join(" ");
}

function shiftSentence(shift, moved, movedPooled) {
  if (shift === 0) return "The image is not shifted, so nothing changes.";
  const part = (flags) => `${flags.filter(Boolean).length} of ${count(flags.length, "cell")}`;
  const side = shift > 0 ? "right" : "left";
  return `Shifted ${side} by ${Math.abs(shift)}: ${part(moved)} change before pooling, ${part(movedPooled)} after.`;
}

/** What became of the cells below zero: maximum pooling lets them vanish next to anything larger. */
function negativeSentence(values, pooled, layer) {
  const below = (cells) => cells.filter((v) => v < -EXACT).length;
  const before = below(values);
  if (before === 0) return "";
  const after = below(Array.from(pooled));
  if (after === 0 && layer.mode === "max") {
    return `The image has ${count(before, "negative cell")}, the pooled image none: `
      + "beside any zero, the maximum never picks −1, so this edge has vanished.";
  }
  return `Negative cells: ${before} before pooling, ${after} after.`;
}

export default explorer({ keys: KEYS, build });
