// Several channels in, several out: each input channel meets its own slice of the kernel, the results are added.

import { Grid, clamp, count, element, explorer, fmt, setText } from "./explorer.js";
import { crossCorrelate, matrix } from "./convolution.js";

const MOST = 4; // channels, in and out
const CHANNEL_KEYS = ["c_i", "c_o", "k", "size", "numbers_index", "output_channel", "unit"];

/** Input channel c, size × size: 0, 1, 2, … shifted by c, or small signed numbers (as in the Python file). */
export function inputChannel(c, size, signed) {
  const at = (p) => (signed ? scattered(c, Math.floor(p / size), p % size) : p + c);
  return matrix(size, size, Float64Array.from({ length: size * size }, (_, p) => at(p)));
}

/** The slice of the kernel that leads from input channel c to output channel o. */
export function kernelSlice(o, c, k, signed) {
  const at = (p) => (signed ? scattered(3 * o + c + 1, Math.floor(p / k) + 2, p % k) : p + c + o);
  return matrix(k, k, Float64Array.from({ length: k * k }, (_, p) => at(p)));
}

function scattered(a, r, s) {
  return (((17 * a + 29 * r + 43 * s + 13 * r * s + 7 * r * r + 3 * s * s + 19 * a * s) % 101) % 7) - 3;
}

/** What the layer costs, and what a dense layer between the same numbers would. */
export function channelCosts({ c_i, c_o, k, size }) {
  const out = Math.max(0, size - k + 1);
  const weights = c_o * c_i * k * k;
  return { out, weights, multiplyAdds: weights * out * out, dense: c_i * size * size * c_o * out * out };
}

function buildChannels(view) {
  const lanes = Array.from({ length: MOST }, (_, c) => lane(view, c));
  const outputs = Array.from({ length: MOST }, (_, o) => new Grid(view, {
    name: `output channel ${o}`, role: "output", maxCell: 36,
    onmove: (i, j, by) => view.set(by === "key" || o === view.state.output_channel
      ? { unit: [i, j], output_channel: o } : { unit: [i, j] }),
    onpress: (i, j) => view.set({ unit: [i, j], output_channel: o }),
  }));
  const sum = element("p", { class: "cnn-formula cnn-channel-sum" });
  const stack = element("div", { class: "cnn-output-channels" }, ...outputs.map((g) => g.node));
  const dense = densePart(view);
  const costs = costPart();
  view.stage.append(...lanes.map((l) => l.node), sum, stack, dense.node, costs.node);

  return function draw(state) {
    const { c_i, c_o, k, size } = state;
    const o = Math.min(state.output_channel, c_o - 1);
    const signed = state.numbers_index === 1;
    const cost = channelCosts(state);
    costs.show(state, cost);
    view.root.dataset.output = `${cost.out}x${cost.out}`;
    const X = Array.from({ length: c_i }, (_, c) => inputChannel(c, size, signed));
    const K = (to) => X.map((_, c) => kernelSlice(to, c, k, signed));
    const unit = state.unit.map((position) => clamp(position, 0, Math.max(0, cost.out - 1)));
    const parts = cost.out ? X.map((x, c) => crossCorrelate(x, K(o)[c])) : [];
    const at = unit[0] * cost.out + unit[1];
    lanes.forEach((l, c) => l.draw(c < c_i ? { state, o, unit, x: X[c], kernel: K(o)[c], part: parts[c] } : null));
    outputs.forEach((grid, to) => {
      grid.node.hidden = to >= c_o || !cost.out;
      grid.node.classList.toggle("cnn-chosen", to === o);
      if (!grid.node.hidden) drawOutput(view, grid, to, to === o, addUp(X.map((x, c) => crossCorrelate(x, K(to)[c]))), unit);
    });
    dense.draw({ show: k === 1, c_i, c_o, o, X, signed, unit, size });
    if (!cost.out) {
      setText(sum, "");
      return `No output: a ${k}×${k} kernel does not fit into a ${size}×${size} image. Make the image larger or the kernel smaller.`;
    }
    const terms = parts.map((part) => part.data[at]);
    const total = terms.reduce((a, b) => a + b, 0);
    const written = terms.length > 1 ? `${terms.map(inSum).join("")} = ${fmt(total)}` : fmt(total);
    setText(sum, `Y[${o}, ${unit[0]}, ${unit[1]}] = ${written}`);
    return sentence({ state, o, unit, terms, total, cost });
  };
}

const inSum = (value, i) => (i === 0 ? fmt(value) : value < 0 ? ` − ${fmt(-value)}` : ` + ${fmt(value)}`);

function addUp(parts) {
  const { rows, cols } = parts[0];
  return matrix(rows, cols, parts[0].data.map((_, p) => parts.reduce((s, part) => s + part.data[p], 0)));
}

const largestOf = (values) => Math.max(1, ...Array.from(values, Math.abs));

/** One input channel: X[c] ⋆ K[o, c] = its part of the output. */
function lane(view, c) {
  const choose = (i, j) => view.set({ unit: [i, j] });
  const last = () => Math.max(0, view.state.size - view.state.k);
  const image = new Grid(view, {
    name: `input channel ${c}`, role: "input", maxCell: 36,
    onmove: (i, j) => choose(Math.min(i, last()), Math.min(j, last())),
  });
  const kernel = new Grid(view, { name: `kernel slice of input channel ${c}`, role: "kernel", maxCell: 36 });
  const part = new Grid(view, { name: `part from input channel ${c}`, role: "plain", maxCell: 36, onmove: choose });
  const sign = (text) => element("span", { class: "cnn-sign", "aria-hidden": "true" }, text);
  const plus = sign(c === 0 ? "" : "+");
  const node = element("div", { class: "cnn-lane", role: "group", "aria-label": `input channel ${c}` },
    plus, image.node, sign("⋆"), kernel.node, sign("="), part.node);
  const draw = (shown) => {
    node.hidden = !shown;
    if (!shown) return;
    const { state, o, unit, x, kernel: K, part: y } = shown;
    const { k, size } = state;
    const m = Math.max(1, size - k + 1);
    // Tracks in proportion to what they hold: all cells of a lane come out equally large.
    node.style.gridTemplateColumns = `14px minmax(0, ${size}fr) 18px minmax(52px, ${k}fr) 14px minmax(0, ${m}fr)`;
    const cell = size > 5 ? 26 : 36;
    for (const grid of [image, kernel, part]) grid.maxCell = cell;
    node.style.maxWidth = `${cell * (size + Math.max(k, 52 / cell) + m) + 112}px`;
    const [xTop, kTop] = [largestOf(x.data), largestOf(K.data)];
    const marks = y ? [{ r: unit[0], c: unit[1], h: k, w: k, colour: view.palette.kernel }] : [];
    image.draw({ ...cells(view, x, xTop), marks, caption: `X[${c}]` });
    kernel.draw({ ...cells(view, K, kTop), caption: `K[${o}, ${c}]` });
    part.node.hidden = !y;
    if (y) part.draw({ ...cells(view, y, largestOf(y.data)), caption: `part ${c}`, marks: [{ r: unit[0], c: unit[1], colour: view.palette.ink }] });
  };
  return { node, draw };
}

function cells(view, { rows, cols, data }, top) {
  const value = (r, c) => data[r * cols + c];
  return {
    rows, cols,
    colour: (r, c) => view.palette.signed(value(r, c), top),
    text: (r, c) => fmt(value(r, c)),
    say: (r, c) => fmt(value(r, c)),
  };
}

function drawOutput(view, grid, o, chosen, y, unit) {
  const marks = chosen ? [{ r: unit[0], c: unit[1], colour: view.palette.output }] : [];
  grid.draw({ ...cells(view, y, largestOf(y.data)), caption: chosen ? `Y[${o}] ↑` : `Y[${o}]`, marks });
}

/** With k = 1: the same numbers as one matrix times the pixel's channels. */
function densePart(view) {
  const W = new Grid(view, { name: "weight matrix", role: "kernel", maxCell: 36 });
  const x = new Grid(view, { name: "the pixel's input channels", role: "input", maxCell: 36 });
  const y = new Grid(view, { name: "the pixel's output channels", role: "output", maxCell: 36 });
  const sign = (text) => element("span", { class: "cnn-sign", "aria-hidden": "true" }, text);
  const title = element("p", { class: "cnn-part-title" }, "k = 1: the same dense layer at every pixel");
  const row = element("div", { class: "cnn-lane" }, W.node, sign("·"), x.node, sign("="), y.node);
  const node = element("div", { class: "cnn-dense", role: "group", "aria-label": "dense layer at one pixel" }, title, row);
  const draw = ({ show, c_i, c_o, o, X, signed, unit, size }) => {
    node.hidden = !show;
    if (!show) return;
    const weights = matrix(c_o, c_i, Float64Array.from({ length: c_o * c_i }, (_, p) =>
      kernelSlice(Math.floor(p / c_i), p % c_i, 1, signed).data[0]));
    const pixel = matrix(c_i, 1, Float64Array.from(X, (x) => x.data[unit[0] * size + unit[1]]));
    const result = matrix(c_o, 1, Float64Array.from({ length: c_o }, (_, r) =>
      pixel.data.reduce((s, v, c) => s + v * weights.data[r * c_i + c], 0)));
    row.style.gridTemplateColumns = `minmax(76px, ${c_i}fr) 14px minmax(76px, 1fr) 14px minmax(76px, 1fr)`;
    row.style.maxWidth = `${Math.max(76, 36 * c_i) + 260}px`;
    const rowMark = { r: o, c: 0, h: 1, w: c_i, colour: view.palette.kernel };
    W.draw({ ...cells(view, weights, largestOf(weights.data)), caption: `W, ${c_o}×${c_i}`, marks: [rowMark] });
    x.draw({ ...cells(view, pixel, largestOf(pixel.data)), caption: `x, pixel (${unit})` });
    y.draw({ ...cells(view, result, largestOf(result.data)), caption: "y", marks: [{ r: o, c: 0, colour: view.palette.output }] });
  };
  return { node, draw };
}

const grouped = (n) => n.toLocaleString("en");

function costPart() {
  const body = element("tbody", {});
  const node = element("table", { class: "cnn-costs" },
    element("caption", {}, "What the layer costs"), body);
  const rows = ["input X", "kernel K", "output Y", "weights", "multiply-adds", "a dense layer instead"].map((name) => {
    const [shape, working] = [element("td", { class: "cnn-number" }), element("td", {})];
    body.append(element("tr", {}, element("th", { scope: "row" }, name), shape, working));
    return (a, b) => { setText(shape, a); setText(working, b); };
  });
  const show = ({ c_i, c_o, k, size }, { out, weights, multiplyAdds, dense }) => {
    rows[0](`(${c_i}, ${size}, ${size})`, "channels, height, width");
    rows[1](`(${c_o}, ${c_i}, ${k}, ${k})`, "c_o, c_i, k, k");
    rows[2](out ? `(${c_o}, ${out}, ${out})` : "none", out ? `${size} − ${k} + 1 = ${out}` : "no window fits");
    rows[3](grouped(weights), `${c_o} · ${c_i} · ${k} · ${k}, and ${count(c_o, "bias", "biases")}`);
    rows[4](grouped(multiplyAdds), `${grouped(weights)} · ${out} · ${out}`);
    rows[5](grouped(dense), `weights, from ${grouped(c_i * size * size)} numbers to ${grouped(c_o * out * out)}`);
  };
  return { node, show };
}

function sentence({ state, o, unit, terms, total, cost }) {
  const { c_i, c_o, k, size } = state;
  const parts = terms.map((term, c) => `${fmt(term)} from channel ${c}`).join(", ");
  const oneByOne = k === 1 ? " With k = 1 every pixel goes through the same dense layer, alone." : "";
  return `nn.Conv2d(${c_i}, ${c_o}, kernel_size=${k}, bias=False) makes ${c_o}×${cost.out}×${cost.out} of ${c_i}×${size}×${size}, `
    + `with ${grouped(cost.weights)} weights and ${grouped(cost.multiplyAdds)} multiply-adds. `
    + `Y[${o}, ${unit[0]}, ${unit[1]}]: ${parts}${terms.length > 1 ? `, together ${fmt(total)}` : ""}.${oneByOne}`;
}

export default explorer({ keys: CHANNEL_KEYS, build: buildChannels });
