// The page's trained net, run in the browser on test images and on what the reader paints.

import { Grid, button, choice, clamp, element, explorer, fmt, setText } from "./explorer.js";
import { forwardMaps, softmax } from "./lenet.js";

const NET_KEYS = ["image_index", "drawing", "stretch", "layer", "map"];
const SIDE = 28;
const SETTLE = 150; // milliseconds after the last stroke until Python hears of the drawing

/** What one touch of the brush adds around (r, c): a soft dot of about two pixels. */
export function brush(pixels, r, c, erase) {
  const painted = pixels.slice();
  for (let i = Math.max(0, r - 1); i <= Math.min(SIDE - 1, r + 1); i++) {
    for (let j = Math.max(0, c - 1); j <= Math.min(SIDE - 1, c + 1); j++) {
      const ink = i === r && j === c ? 255 : i === r || j === c ? 160 : 60;
      const at = i * SIDE + j;
      painted[at] = erase ? (ink === 60 ? painted[at] : Math.max(0, painted[at] - ink)) : Math.max(painted[at], ink);
    }
  }
  return painted;
}

/** The layers with their weights cut out of one array of single-precision numbers. */
export function withWeights(layers, numbers) {
  const cut = (range) => (range ? numbers.subarray(range[0], range[0] + range[1]) : null);
  return layers.map((layer) => ({ ...layer, weight: cut(layer.weight), bias: cut(layer.bias) }));
}

function buildNet(view) {
  const { model } = view;
  const layers = withWeights(model.get("_layers"), new Float32Array(copyOf(model.get("_weights"))));
  const pictures = new Uint8Array(copyOf(model.get("_images")));
  const [classes, truth] = [model.get("_classes"), model.get("_labels")];
  const own = truth.length; // the index after the test images: the reader's drawing
  let drawing = Uint8Array.from(model.get("drawing"));
  let erase = false;
  let timer = 0;
  const run = { key: null, maps: [], probabilities: [] };

  const pixels = (index) => (index < own ? pictures.slice(index * SIDE * SIDE, (index + 1) * SIDE * SIDE) : drawing);
  const stroke = (r, c) => {
    drawing = brush(pixels(Math.min(view.state.image_index, own)), r, c, erase);
    if (view.state.image_index !== own) view.set({ image_index: own });
    clearTimeout(timer);
    timer = setTimeout(commit, SETTLE);
    run.key = null;
    view.redraw();
  };
  const commit = () => {
    timer = 0;
    view.set({ drawing: Array.from(drawing) });
  };
  view.cleanups.push(() => clearTimeout(timer));
  view.listen(model, "change:drawing", () => {
    if (timer) return; // an answer that is older than the brush
    drawing = Uint8Array.from(model.get("drawing"));
    run.key = null;
  });
  view.onreset = () => {
    clearTimeout(timer);
    timer = 0;
  };

  const input = new Grid(view, {
    name: "input image; Space paints", role: "input", maxCell: 10, draggable: true, lines: false, onpress: stroke, ondrag: stroke,
  });
  const detail = new Grid(view, { name: "the chosen map", role: "output", maxCell: 44 });
  const bars = classBars(classes);
  const cards = layers.map((layer, l) => card(view, layer, l));
  const tool = choice("brush", ["Paint", "Erase"], (chosen) => {
    erase = chosen === 1;
    tool.pick(chosen);
  });
  tool.pick(0);
  const clear = button("Clear the drawing", () => {
    drawing = new Uint8Array(SIDE * SIDE);
    run.key = null;
    view.set({ drawing: Array.from(drawing), image_index: own });
  });
  const left = element("div", { class: "cnn-net-input" }, input.node, element("div", { class: "cnn-toolbar" }, tool.node, clear));
  view.stage.append(
    element("div", { class: "cnn-net-top" }, left, bars.node, detail.node),
    element("p", { class: "cnn-part-title" }, "Every layer's maps: choose one to enlarge it"),
    element("div", { class: "cnn-net-layers" }, ...cards.map((c) => c.node)),
    costTable(layers));

  return function draw(state) {
    const index = Math.min(state.image_index, own);
    const current = pixels(index);
    const key = index < own ? index : current;
    if (run.key !== key) {
      run.key = key;
      run.maps = forwardMaps(layers, Array.from(current, (v) => v / 255), [1, SIDE, SIDE]);
      run.probabilities = softmax(run.maps.at(-1).values);
    }
    view.maps = run.maps; // for tests and for the console
    view.root.dataset.output = run.probabilities.map((p) => p.toPrecision(9)).join(" ");
    input.draw({
      rows: SIDE, cols: SIDE, lines: false, caption: index < own ? `test image ${index}: ${classes[truth[index]]}` : "your drawing",
      colour: (r, c) => view.palette.grey(current[r * SIDE + c] / 255),
      say: (r, c) => `${current[r * SIDE + c]} of 255`,
      marks: [{ r: 0, c: 0, h: SIDE, w: SIDE, colour: view.palette.input, width: 1 }],
    });
    bars.show(run.probabilities, index < own ? truth[index] : -1);
    const chosen = clamp(state.layer, 0, layers.length - 1);
    const shape = run.maps[chosen + 1].shape;
    const map = clamp(state.map, 0, shape[0] - 1);
    cards.forEach((c, l) => c.draw(run.maps[l + 1], { stretch: state.stretch, chosen: l === chosen ? map : -1 }));
    drawDetail(view, detail, layers[chosen], run.maps[chosen + 1], map, state.stretch);
    return netSentence({ state, index, own, classes, truth, probabilities: run.probabilities, layer: layers[chosen], output: run.maps[chosen + 1], map });
  };
}

function copyOf(data) {
  return data?.buffer ? data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) : new ArrayBuffer(0);
}

const percent = (p) => (p < 0.0005 ? "< 0.1 %" : `${(100 * p).toFixed(1)} %`);
const thousands = (n) => n.toLocaleString("en");
const times = (shape) => shape.join("×");

function classBars(classes) {
  const rows = classes.map((name) => {
    const fill = element("span", { class: "cnn-meter-fill" });
    const label = element("span", { class: "cnn-number" });
    const title = element("span", { class: "cnn-class" }, name);
    const node = element("li", {}, title, element("span", { class: "cnn-meter-track", "aria-hidden": "true" }, fill), label);
    return { node, fill, label, title };
  });
  const node = element("div", { class: "cnn-classes" },
    element("p", { class: "cnn-part-title" }, "What the net says"), element("ul", {}, ...rows.map((r) => r.node)));
  const show = (probabilities, truth) => {
    const best = probabilities.indexOf(Math.max(...probabilities));
    rows.forEach(({ node: row, fill, label, title }, i) => {
      fill.style.width = `${100 * probabilities[i]}%`;
      setText(label, percent(probabilities[i]));
      setText(title, i === truth ? `${classes[i]} ✓` : classes[i]);
      row.classList.toggle("cnn-chosen", i === best);
    });
  };
  return { node, show };
}

/** Columns of a nearly square arrangement: six maps as 3 × 2, sixteen as 4 × 4. */
export function arrangement(n) {
  const columns = n <= 4 ? n : n === 10 ? 5 : Math.ceil(Math.sqrt(n));
  return [Math.ceil(n / columns), columns];
}

const isSigned = (layer) => layer.kind === "conv" || layer.kind === "linear" || layer.kind === "tanh";

/** Smallest and largest of a part of an array. */
function rangeOf(values, from, to) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = from; i < to; i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return [low, high];
}

/** A function from values to places 0 … 255 on the colour map. */
function scaleOf(signed, [low, high]) {
  const top = Math.max(Math.abs(low), Math.abs(high)) || 1;
  if (signed) return (v) => Math.round(127.5 + (127.5 * v) / top);
  const width = high - low || 1;
  return (v) => Math.round((255 * (v - low)) / width);
}

const colourTables = new WeakMap();

/** 256 colours as packed pixels, made once per palette and map. */
function packed(palette, signed) {
  if (!colourTables.has(palette)) {
    const pack = ({ fills }) => Uint32Array.from(fills, (fill) => {
      const [r, g, b] = fill.match(/\d+/g).map(Number);
      return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
    });
    colourTables.set(palette, { signed: pack(palette.diverging), grey: pack(palette.greys) });
  }
  return colourTables.get(palette)[signed ? "signed" : "grey"];
}

/** One layer: its name, its shape and all its maps, each a cell that can be chosen. */
function card(view, layer, l) {
  const choose = (rows, cols, n) => (r, c) => r * cols + c < n && view.set({ layer: l, map: r * cols + c });
  const grid = new Grid(view, { name: `maps of layer ${l + 1}, ${layer.title}`, role: "output", maxCell: 80 });
  const sheet = document.createElement("canvas");
  const draw = ({ shape, values }, { stretch, chosen }) => {
    const [n, h, w] = [shape[0], shape[1] ?? 1, shape[2] ?? 1];
    const [rows, cols] = arrangement(n);
    grid.maxCell = Math.floor(240 / cols);
    const pick = choose(rows, cols, n);
    grid.onpress = pick;
    grid.onmove = (r, c, by) => by === "key" && pick(r, c);
    fillSheet(sheet, view.palette, layer, { n, h, w, rows, cols, values, each: stretch && h > 1 });
    const marks = chosen >= 0 ? [{ r: Math.floor(chosen / cols), c: chosen % cols, colour: view.palette.accent, width: 3 }] : [];
    grid.draw({
      rows, cols, marks, lines: false, caption: `${l + 1} ${layer.title}, ${times(shape)}`,
      colour: () => null,
      say: (r, c) => (r * cols + c >= n ? "empty" : h > 1 ? `map ${r * cols + c}` : `unit ${r * cols + c}, ${fmt(values[r * cols + c], 3)}`),
      paint: (g, cell) => {
        g.imageSmoothingEnabled = false;
        g.drawImage(sheet, 0, 0, cols * cell, rows * cell);
        if (h > 1) gutters(g, view.palette.panel, rows, cols, cell);
      },
    });
  };
  return { node: grid.node, draw };
}

function gutters(g, colour, rows, cols, cell) {
  g.fillStyle = colour;
  for (let r = 0; r <= rows; r++) g.fillRect(0, r * cell - 1.5, cols * cell, 3);
  for (let c = 0; c <= cols; c++) g.fillRect(c * cell - 1.5, 0, 3, rows * cell);
}

/** Paint all maps side by side, one canvas pixel per number. */
function fillSheet(sheet, palette, layer, { n, h, w, rows, cols, values, each }) {
  const [width, height] = [cols * w, rows * h];
  if (sheet.width !== width || sheet.height !== height) Object.assign(sheet, { width, height });
  const g = sheet.getContext("2d");
  const image = g.createImageData(width, height);
  const out = new Uint32Array(image.data.buffer);
  const colours = packed(palette, isSigned(layer));
  const whole = scaleOf(isSigned(layer), rangeOf(values, 0, values.length));
  for (let m = 0; m < n; m++) {
    const scale = each ? scaleOf(isSigned(layer), rangeOf(values, m * h * w, (m + 1) * h * w)) : whole;
    const corner = Math.floor(m / cols) * h * width + (m % cols) * w;
    for (let r = 0; r < h; r++) {
      for (let c = 0; c < w; c++) out[corner + r * width + c] = colours[scale(values[(m * h + r) * w + c])];
    }
  }
  g.putImageData(image, 0, 0);
}

/** The chosen map, enlarged; of a dense layer, all its units. */
function drawDetail(view, grid, layer, { shape, values }, map, stretch) {
  const flat = shape.length === 1;
  const [h, w] = flat ? arrangement(shape[0]) : shape.slice(1);
  const from = flat ? 0 : map * h * w;
  const signed = isSigned(layer);
  const range = rangeOf(values, stretch || flat ? from : 0, stretch || flat ? from + (flat ? values.length : h * w) : values.length);
  const scale = scaleOf(signed, range);
  const table = signed ? view.palette.diverging : view.palette.greys;
  const value = (r, c) => values[from + r * w + c];
  const exists = (r, c) => !flat || r * w + c < shape[0];
  grid.maxCell = Math.min(44, Math.floor(264 / w));
  grid.draw({
    rows: h, cols: w, lines: h <= 14,
    caption: flat ? `${layer.title}, unit ${map}: ${fmt(values[map], 3)}` : `${layer.title}, map ${map}`,
    colour: (r, c) => (exists(r, c) ? [table.fills[scale(value(r, c))], table.inks[scale(value(r, c))]] : null),
    text: (r, c) => (exists(r, c) ? fmt(value(r, c), 1) : ""),
    say: (r, c) => (exists(r, c) ? fmt(value(r, c), 3) : "empty"),
    marks: flat ? [{ r: Math.floor(map / w), c: map % w, colour: view.palette.accent }] : [],
  });
}

function costTable(layers) {
  const sums = ["parameters", "multiply_adds", "activation_bytes"].map((name) => layers.reduce((s, layer) => s + layer[name], 0));
  const number = (n, sum) => element("td", { class: "cnn-share", style: `--share:${(100 * n) / (sum || 1)}%` }, n ? thousands(n) : "–");
  const rows = layers.map((layer, l) => element("tr", {},
    element("th", { scope: "row" }, `${l + 1} ${layer.title}`), element("td", { class: "cnn-number" }, times(layer.output_shape)),
    number(layer.parameters, sums[0]), number(layer.multiply_adds, sums[1]), number(layer.activation_bytes, sums[2])));
  const total = element("tr", {}, element("th", { scope: "row" }, "total"), element("td", {}), ...sums.map((s) => element("td", { class: "cnn-share" }, thousands(s))));
  const table = element("table", { class: "cnn-net-costs" },
    element("caption", {}, "What each layer costs, for one image"),
    element("thead", {}, element("tr", {}, ...["layer", "output", "parameters", "multiply-adds", "bytes"].map((h) => element("th", { scope: "col" }, h)))),
    element("tbody", {}, ...rows), element("tfoot", {}, total));
  return element("div", { class: "cnn-scroll", tabindex: "0", role: "group", "aria-label": "costs of the layers" }, table);
}

function netSentence({ state, index, own, classes, truth, probabilities, layer, output, map }) {
  const order = Array.from(probabilities.keys()).sort((a, b) => probabilities[b] - probabilities[a]);
  const shown = index < own ? `Test image ${index}, class ${classes[truth[index]]}.` : "Your drawing.";
  const right = index < own ? (order[0] === truth[index] ? ", which is right" : ", which is wrong") : "";
  const { shape, values } = output;
  const flat = shape.length === 1;
  const area = flat ? 1 : shape[1] * shape[2];
  const [low, high] = rangeOf(values, map * area, (map + 1) * area);
  const part = flat ? `unit ${map} of ${shape[0]} is ${fmt(low, 3)}` : `map ${map} of ${shape[0]}, ${shape[1]}×${shape[2]}, has values from ${fmt(low, 3)} to ${fmt(high, 3)}`;
  const scale = state.stretch ? "Each map has its own grey scale." : "All maps of a layer share one grey scale.";
  return `${shown} The net says ${classes[order[0]]} with ${percent(probabilities[order[0]])}${right}; next comes ${classes[order[1]]} with ${percent(probabilities[order[1]])}. `
    + `Layer ${state.layer + 1}, ${layer.title}: ${part}. It has ${thousands(layer.parameters)} parameters and takes ${thousands(layer.multiply_adds)} multiply-adds. ${scale}`;
}

export default explorer({ keys: NET_KEYS, build: buildNet });
