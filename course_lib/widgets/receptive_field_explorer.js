// A stack of layers that the reader edits, and the window of one of its units in the image.

import { Grid, button, clamp, count, element, explorer, mix, rgb, setText } from "./explorer.js";
import { fieldInterval, fieldOf, layerSizes, routeCounts } from "./receptive_field.js";

const FIELD_KEYS = ["preset_index", "size", "stack", "level", "unit", "show_index"];
const DEEPEST = 8;
const WIDEST_MARGIN = 16; // cells drawn outside the image, per side
const NUMBERS = [["kernel", 1, 7], ["stride", 1, 4], ["padding", 0, 5], ["dilation", 1, 4]];

const sameStack = (a, b) => a.length === b.length
  && a.every((layer, i) => NUMBERS.every(([name]) => layer[name] === b[i][name]));

/** Smallest centred square that holds at least half of a window's total weight; 0 for a window without any. */
export function halfWeight(weights, size) {
  const total = weights.reduce((a, b) => a + b, 0);
  for (let side = size % 2 || 2; total > 0 && side <= size; side += 2) {
    const from = (size - side) / 2;
    let sum = 0;
    for (let r = from; r < from + side; r++) for (let c = from; c < from + side; c++) sum += weights[r * size + c];
    if (sum >= total / 2) return side;
  }
  return total > 0 ? size : 0;
}

/** Where the map of a unit starts in the gradient bytes: levels one after the other, units in reading order. */
export function gradientOffset(stack, size, level, [r, c]) {
  const sizes = layerSizes(size, stack);
  let offset = 0;
  for (let l = 1; l < level; l++) offset += sizes[l] ** 2 * fieldOf(stack.slice(0, l)).size ** 2;
  return offset + (r * sizes[level] + c) * fieldOf(stack.slice(0, level)).size ** 2;
}

function buildField(view) {
  const { model } = view;
  const presets = model.get("_presets");
  const gradient = readGradient(model);
  const photo = new Uint8Array(bytesOf(model.get("_picture")));
  const shown = { sizes: [], level: 1 }; // what the last drawing showed, for the pointer
  const image = new Grid(view, {
    name: "input image", role: "input", maxCell: 14, lines: false,
    onpress: (r, c) => chooseFrom(r, c), ondrag: (r, c) => chooseFrom(r, c),
    onmove: (r, c, by) => by === "key" && chooseFrom(r, c),
  });
  const layers = Array.from({ length: DEEPEST }, (_, l) => layerGrid(view, l + 1));
  const table = editor(view);
  view.stage.append(
    element("div", { class: "cnn-field" }, image.node, element("div", { class: "cnn-field-layers" }, ...layers.map((g) => g.node))),
    table.node);

  view.listen(model, "change:preset_index", () => {
    const wanted = presets[model.get("preset_index")];
    if (wanted && !sameStack(wanted.stack, model.get("stack"))) {
      const size = wanted.size ?? model.get("size");
      const sizes = layerSizes(size, wanted.stack);
      const middle = Math.floor(Math.max(0, sizes.at(-1) - 1) / 2);
      view.set({ stack: wanted.stack, level: wanted.stack.length, unit: [middle, middle], size });
    }
  });
  view.listen(model, "change:stack", () => {
    const found = presets.findIndex((preset) => sameStack(preset.stack, model.get("stack")));
    const index = found < 0 ? presets.length : found;
    if (index !== model.get("preset_index")) view.set({ preset_index: index });
  });

  /** The unit of the chosen layer whose window is centred nearest to the image cell under the pointer. */
  function chooseFrom(r, c) {
    const { stack } = view.state;
    const { size, stride, start } = fieldOf(stack.slice(0, shown.level));
    const nearest = (cell) => {
      const unit = Math.round((cell - shown.margin - start - (size - 1) / 2) / stride);
      return clamp(unit, 0, Math.max(0, shown.sizes[shown.level] - 1));
    };
    view.set({ unit: [nearest(r), nearest(c)] });
  }

  return function draw(state) {
    const { stack, size, show_index } = state;
    const sizes = layerSizes(size, stack);
    const usable = sizes.filter((n) => n > 0).length - 1;
    const level = clamp(state.level, Math.min(1, usable), usable);
    const unit = state.unit.map((position) => clamp(position, 0, Math.max(0, sizes[level] - 1)));
    Object.assign(shown, { sizes, level });
    table.show(stack, sizes, level);
    view.root.dataset.output = `${sizes.at(-1)}x${sizes.at(-1)}`;
    const below = stack.slice(0, level);
    layers.forEach((grid, l) => drawLayer(view, grid, { l: l + 1, stack, sizes, level, unit }));
    const field = fieldOf(below);
    const rows = fieldInterval(below, unit[0]), columns = fieldInterval(below, unit[1]);
    const routes = [routeCounts(size, below, unit[0]), routeCounts(size, below, unit[1])];
    const available = gradient && gradient.size === size && sameStack(gradient.stack, stack.slice(0, gradient.stack.length))
      && level <= gradient.stack.length;
    const weights = show_index === 2 && available
      ? gradientWindow(gradient, level, unit, field.size)
      : Float64Array.from({ length: field.size ** 2 }, (_, p) => {
        const r = rows[0] + Math.floor(p / field.size), c = columns[0] + (p % field.size);
        return (routes[0][r] ?? 0) * (routes[1][c] ?? 0);
      });
    shown.margin = marginOf(field, sizes[level], size);
    drawImage(view, image, { size, margin: shown.margin, field, rows, columns, routes, weights, photo, show_index, available });
    return fieldSentence({ state, sizes, usable, level, unit, field, rows, columns, routes, weights, gradient, available });
  };
}

function bytesOf(data) {
  if (!data) return [];
  return data.buffer ? data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) : data;
}

/** The gradient maps that Python computed for a trained net, or null. */
function readGradient(model) {
  const about = model.get("_gradient");
  if (!about || !about.stack) return null;
  return { ...about, bytes: new Uint8Array(bytesOf(model.get("_gradient_maps"))) };
}

function gradientWindow(gradient, level, unit, size) {
  const from = gradientOffset(gradient.stack, gradient.size, level, unit);
  return Float64Array.from(gradient.bytes.subarray(from, from + size * size));
}

/** How far windows of this layer reach beyond the image: the same for all units, so that nothing jumps. */
function marginOf({ size, stride, start }, units, n) {
  const last = start + Math.max(0, units - 1) * stride + size - 1;
  return Math.min(WIDEST_MARGIN, Math.max(0, -start, last - (n - 1)));
}

function drawImage(view, grid, { size, margin, field, rows, columns, routes, weights, photo, show_index, available }) {
  const { palette } = view;
  const accent = rgb(/^#/.test(palette.accent) ? palette.accent : "#6b3fa0");
  const inside = (r, c) => r >= 0 && c >= 0 && r < size && c < size;
  const top = weights.reduce((a, b) => Math.max(a, b), 0);
  const inWindow = (r, c) => r >= rows[0] && r <= rows[1] && c >= columns[0] && c <= columns[1];
  const weight = (r, c) => (inWindow(r, c) ? weights[(r - rows[0]) * field.size + c - columns[0]] : 0);
  const grey = (r, c) => photo[Math.floor((r * 28) / size) * 28 + Math.floor((c * 28) / size)] ?? 0;
  const reached = (r, c) => routes[0][r] > 0 && routes[1][c] > 0;
  const hue = (r, c) => {
    if (show_index > 0) return palette.heat(weight(r, c), top)[0];
    const g = grey(r, c);
    return `rgb(${(reached(r, c) ? mix([g, g, g], accent, 0.5) : [g, g, g]).join(",")})`;
  };
  const total = size + 2 * margin;
  const what = ["the window", "routes to the unit", available ? "gradient of the trained net" : "routes to the unit"][show_index];
  grid.draw({
    rows: total, cols: total, lines: false, caption: `input, ${size}×${size}: ${what}`,
    hatched: (r, c) => !inside(r - margin, c - margin),
    colour: (r, c) => (inside(r - margin, c - margin) ? [hue(r - margin, c - margin), palette.ink] : null),
    say: (r, c) => (inside(r - margin, c - margin)
      ? `image row ${r - margin}, column ${c - margin}, ${reached(r - margin, c - margin) ? "reaches the unit" : "does not reach the unit"}`
      : "outside the image"),
    marks: [
      { r: margin, c: margin, h: size, w: size, colour: palette.input, width: 1 },
      { r: rows[0] + margin, c: columns[0] + margin, h: field.size, w: field.size, colour: palette.accent, width: 2.5 },
    ],
  });
}

function layerGrid(view, level) {
  const choose = (r, c) => view.set({ level, unit: [r, c] });
  return new Grid(view, {
    name: `layer ${level}`, role: "output", maxCell: 22,
    onpress: choose, ondrag: choose, onmove: (r, c, by) => by === "key" && choose(r, c),
  });
}

function drawLayer(view, grid, { l, stack, sizes, level, unit }) {
  grid.node.hidden = l > stack.length;
  if (grid.node.hidden) return;
  const n = sizes[l];
  const { palette } = view;
  if (!n) {
    grid.draw({ rows: 1, cols: 1, caption: `layer ${l}: no unit`, colour: () => null, hatched: () => true, say: () => "no unit" });
    return;
  }
  // What the chosen unit sees of this layer: the field of the layers in between.
  const between = stack.slice(l, level);
  const seen = l <= level ? unit.map((position) => fieldInterval(between, position)) : null;
  const marks = seen ? [{
    r: seen[0][0], c: seen[1][0], h: seen[0][1] - seen[0][0] + 1, w: seen[1][1] - seen[1][0] + 1,
    colour: l === level ? palette.output : palette.accent, fill: palette.accent, width: l === level ? 3 : 2,
  }] : [];
  marks.unshift({ r: 0, c: 0, h: n, w: n, colour: palette.muted, width: 1 });
  grid.maxCell = clamp(Math.floor(132 / n), 3, 22);
  grid.draw({
    rows: n, cols: n, marks, caption: `${stack[l - 1].name ?? `layer ${l}`}, ${n}×${n}`,
    colour: () => [palette.paper, palette.ink],
    paint: raster(palette, n),
    say: (r, c) => (l === level && r === unit[0] && c === unit[1] ? "the chosen unit" : "choose with Enter"),
  });
}

/** Thin lines between cells that are too small for the grid's own. */
function raster(palette, n) {
  return (g, cell) => {
    if (cell < 4 || cell >= 8) return;
    g.fillStyle = palette.line;
    for (let i = 1; i < n; i++) {
      g.fillRect(i * cell, 0, 0.5, n * cell);
      g.fillRect(0, i * cell, n * cell, 0.5);
    }
  };
}

/** The table of layers: numbers to edit, and what follows from them. */
function editor(view) {
  const body = element("tbody", {});
  const heads = ["layer", "kernel", "stride", "padding", "dilation", "units", "window", "step", ""];
  const table = element("table", { class: "cnn-stack" },
    element("caption", {}, "The stack: edit any number"),
    element("thead", {}, element("tr", {}, ...heads.map((h) => (h ? element("th", { scope: "col" }, h) : element("td", {}))))), body);
  const add = button("Add a layer", () => {
    const { stack } = view.state;
    if (stack.length < DEEPEST) view.set({ stack: [...stack, { kernel: 3, stride: 1, padding: 0, dilation: 1 }], level: stack.length + 1 });
  });
  view.toolbar.append(add);
  const rows = Array.from({ length: DEEPEST }, (_, l) => editorRow(view, l));
  body.append(...rows.map((row) => row.node));
  const node = element("div", { class: "cnn-scroll", tabindex: "0", role: "group", "aria-label": "layers of the stack" }, table);
  return {
    node,
    show(stack, sizes, level) {
      add.disabled = stack.length >= DEEPEST;
      rows.forEach((row, l) => row.show(stack, sizes, level, l));
    },
  };
}

function editorRow(view, l) {
  const name = element("th", { scope: "row" });
  const change = (key, value) => view.set({
    stack: view.state.stack.map((layer, i) => {
      if (i !== l) return layer;
      const { name: _, ...rest } = layer; // an edited layer is no longer the one it was named after
      return { ...rest, [key]: value };
    }),
  });
  const fields = NUMBERS.map(([key, min, max]) => element("input", {
    type: "number", min, max, step: 1, "aria-label": `${key} of layer ${l + 1}`, class: "cnn-field-number",
    oninput: (event) => {
      const value = Number.parseInt(event.target.value, 10);
      if (value >= min && value <= max) change(key, value);
    },
    onchange: (event) => { // what is out of range or empty goes back to what is drawn
      event.target.value = view.state.stack[l]?.[key] ?? "";
    },
    onkeydown: (event) => event.stopPropagation(), // JupyterLab has shortcuts on single keys
  }));
  const [units, window, step] = [0, 1, 2].map(() => element("td", { class: "cnn-number" }));
  const remove = button("Remove", () => {
    const { stack, level } = view.state;
    if (stack.length > 1) view.set({ stack: stack.filter((_, i) => i !== l), level: Math.min(level, stack.length - 1) });
  }, { "aria-label": `Remove layer ${l + 1}` });
  const node = element("tr", {}, name, ...fields.map((field) => element("td", {}, field)), units, window, step, element("td", {}, remove));
  const show = (stack, sizes, level, index) => {
    node.hidden = index >= stack.length;
    if (node.hidden) return;
    const layer = stack[index];
    node.classList.toggle("cnn-chosen", index + 1 === level);
    setText(name, `${index + 1}${layer.name ? ` ${layer.name}` : ""}`);
    fields.forEach((field, i) => {
      const value = String(layer[NUMBERS[i][0]]);
      if (field.value !== value && !(field === document.activeElement && field.value === "")) field.value = value;
    });
    const field = fieldOf(stack.slice(0, index + 1));
    setText(units, sizes[index + 1] ? `${sizes[index + 1]}×${sizes[index + 1]}` : "none");
    setText(window, `${field.size}×${field.size}`);
    setText(step, String(field.stride));
    remove.disabled = stack.length === 1;
  };
  return { node, show };
}

function fieldSentence({ state, sizes, usable, level, unit, field, rows, columns, routes, weights, gradient, available }) {
  const { stack, size, show_index } = state;
  const parts = [];
  if (usable < stack.length) {
    const layer = stack[usable];
    parts.push(`Layer ${usable + 1} has no unit: its window of ${layer.dilation * (layer.kernel - 1) + 1} does not fit into ${sizes[usable]} with padding ${layer.padding}.`);
  }
  if (state.level > stack.length) parts.push(`The stack has ${count(stack.length, "layer")}; the last one is shown.`);
  if (usable === 0) return `${parts[0]} Nothing of the stack can be drawn.`;
  const name = stack[level - 1].name ?? `layer ${level}`;
  parts.push(`Unit (row ${unit[0]}, column ${unit[1]}) of ${name}, ${sizes[level]}×${sizes[level]}, has a window of ${field.size}×${field.size} pixels:`,
    `rows ${signedIndex(rows[0])} to ${signedIndex(rows[1])}, columns ${signedIndex(columns[0])} to ${signedIndex(columns[1])} of the image.`);
  const outside = sidesOutside(rows, columns, size);
  if (outside) parts.push(`It leaves the image ${outside}.`);
  const reached = routes.map((line) => line.filter((n) => n > 0).length);
  const full = reached.map((_, axis) => [rows, columns][axis]).map(([a, b]) => Math.min(b, size - 1) - Math.max(a, 0) + 1);
  const holes = reached[0] < full[0] || reached[1] < full[1] ? " – fewer than the window holds, for some are skipped" : "";
  parts.push(`${count(reached[0] * reached[1], "pixel")} of ${size * size} can change it${holes}. Its neighbour's window starts ${count(field.stride, "pixel")} further on.`);
  if (show_index === 1) parts.push(`Half of all routes pass the central ${squareOf(weights, field.size)}: theory counts every pixel, the middle counts most.`);
  if (show_index === 2) {
    if (available) parts.push(`In the trained net half of the gradient lies in the central ${squareOf(weights, field.size)} of the ${field.size}×${field.size} window.`);
    else if (gradient) parts.push(`The gradient was computed for the trained net's own layers on ${gradient.size}×${gradient.size} images: choose its preset to see it. Shown are the routes.`);
  }
  return parts.join(" ");
}

const squareOf = (weights, size) => `${halfWeight(weights, size)}×${halfWeight(weights, size)} pixels`;
const signedIndex = (n) => String(n).replace("-", "−");

function sidesOutside(rows, columns, n) {
  const over = [
    [-rows[0], "row", "at the top"], [rows[1] - n + 1, "row", "at the bottom"],
    [-columns[0], "column", "on the left"], [columns[1] - n + 1, "column", "on the right"],
  ].filter(([by]) => by > 0).map(([by, noun, where]) => `by ${count(by, noun)} ${where}`);
  return over.length < 2 ? over.join("") : `${over.slice(0, -1).join(", ")} and ${over.at(-1)}`;
}

export default explorer({ keys: FIELD_KEYS, build: buildField });
