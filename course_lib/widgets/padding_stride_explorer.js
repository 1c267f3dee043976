// Padding, stride and dilation: which windows there are, and what they leave out.

import { button, element, legend, setText } from "./dom.js";
import { explorer, player } from "./explorer.js";
import { Grid } from "./grid.js";
import { clamp, count } from "./numbers.js";
import { outputSize, pixelUse, samePadding, span, splitTotal, unused } from "./geometry.js";

const PADDING_STRIDE_KEYS = [
  "height", "width", "kernel_height", "kernel_width", "top", "bottom", "left", "right",
  "total_height", "total_width", "entry_index", "stride_height", "stride_width",
  "dilation_height", "dilation_width", "row", "column",
];
const MAX_SIDE = 9;

export default explorer({ keys: PADDING_STRIDE_KEYS, build: buildPaddingStride });

/** Everything that is true of one axis of the setting. */
export function axisFacts(n, k, before, after, stride, dilation) {
  const options = { padding: [before, after], stride, dilation };
  return {
    n, k, before, after, stride, dilation,
    padded: n + before + after,
    span: span(k, dilation),
    size: outputSize(n, k, options),
    dropped: unused(n, k, options),
    use: pixelUse(n, k, options),
  };
}

export function factsOf(s) {
  return [
    axisFacts(s.height, s.kernel_height, s.top, s.bottom, s.stride_height, s.dilation_height),
    axisFacts(s.width, s.kernel_width, s.left, s.right, s.stride_width, s.dilation_width),
  ];
}

/** ⌊(n − k + p) / s⌋ + 1 with this axis's numbers, up to the result. */
export function formula(name, { n, k, before, after, stride, dilation, span: reach, size }) {
  const p = before + after;
  const room = n - reach + p;
  const inner = `(${n} − ${reach} + ${p}) / ${stride}`;
  const where = dilation > 1 ? `   (the kernel spans ${reach} = ${dilation}·(${k} − 1) + 1)` : "";
  if (size === 0)
    return `${name}: n − k + p = ${n} − ${reach} + ${p} = ${String(room).replace("-", "−")} < 0: no window fits${where}`;
  const quotient = String(Math.round((room / stride) * 1000) / 1000);
  return `${name}: ⌊${inner}⌋ + 1 = ⌊${quotient}⌋ + 1 = ${size}${where}`;
}

/** The PyTorch lines that do the same. */
export function torchCode([down, across]) {
  const short = (a, b) => (a === b ? `${a}` : `(${a}, ${b})`);
  const lines = [];
  const list = [`kernel_size=${short(down.k, across.k)}`];
  if (down.stride > 1 || across.stride > 1) list.push(`stride=${short(down.stride, across.stride)}`);
  if (down.before !== down.after || across.before !== across.after)
    lines.push(`X = F.pad(X, (${across.before}, ${across.after}, ${down.before}, ${down.after}))`);
  else if (down.before || across.before) list.push(`padding=${short(down.before, across.before)}`);
  if (down.dilation > 1 || across.dilation > 1) list.push(`dilation=${short(down.dilation, across.dilation)}`);
  return [...lines, `nn.Conv2d(1, 1, ${list.join(", ")})`].join("\n");
}

function whyNone([down, across]) {
  const [axis, facts, noun] = down.size === 0 ? ["height", down, "row"] : ["width", across, "column"];
  const kernel = facts.dilation > 1 ? "the dilated kernel spans" : "the kernel has";
  return `No output: along the ${axis} ${kernel} ${count(facts.span, noun)} but the padded input has only ` +
    `${facts.padded}. ${count(facts.span - facts.padded, `more ${noun}`)} of padding would let one window in. ` +
    "PyTorch raises a RuntimeError here.";
}

function buildPaddingStride(view) {
  const { model } = view;
  const axes = { height: ["top", "bottom"], width: ["left", "right"] };
  for (const [axis, [before, after]] of Object.entries(axes)) {
    const total = `total_${axis}`;
    const add = () => {
      const sum = model.get(before) + model.get(after);
      if (model.get(total) !== sum) view.set({ [total]: sum });
    };
    let splitting = false;
    view.listen(model, `change:${before}`, () => splitting || add());
    view.listen(model, `change:${after}`, () => splitting || add());
    view.listen(model, `change:${total}`, () => {
      if (model.get(before) + model.get(after) === model.get(total)) return;
      const [first, second] = splitTotal(model.get(total));
      splitting = true; // the first half alone would be added up again
      view.set({ [before]: first, [after]: second });
      splitting = false;
    });
  }

  const facts = () => factsOf(view.state);
  const moveTo = (r, c) => {
    const [down, across] = facts();
    view.set({ row: clamp(r, 0, Math.max(down.size - 1, 0)), column: clamp(c, 0, Math.max(across.size - 1, 0)) });
  };
  // A cell of the padded input calls for the window whose middle is nearest.
  const nearest = (at, { span: reach, stride }) => Math.round((at - (reach - 1) / 2) / stride);
  const input = new Grid(view, {
    name: "Padded input. Arrow keys move the window", role: "input", maxCell: 34,
    onmove(r, c) {
      const [down, across] = facts();
      moveTo(nearest(r, down), nearest(c, across));
    },
  });
  const output = new Grid(view, {
    name: "Output. Arrow keys choose a cell and move the window", role: "output", maxCell: 34, onmove: moveTo,
  });
  const scale = legend("counts");
  const step = () => {
    const [down, across] = facts();
    if (!down.size || !across.size) return false;
    const next = (model.get("row") * across.size + model.get("column") + 1) % (down.size * across.size);
    moveTo(Math.floor(next / across.size), next % across.size);
    return next !== down.size * across.size - 1;
  };
  const pad = (before, after) => {
    const [down, across] = facts();
    view.set({
      top: before(down), bottom: after(down), left: before(across), right: after(across),
    });
  };
  const none = button("No padding", () => pad(() => 0, () => 0));
  const same = button("Same", () => pad(({ k, dilation }) => samePadding(k, dilation)[0], ({ k, dilation }) => samePadding(k, dilation)[1]));
  const full = button("Full", () => pad(({ span: reach }) => reach - 1, ({ span: reach }) => reach - 1));
  const presets = element("div", { class: "cnn-toolbar", role: "group", "aria-label": "Padding presets" }, none, same, full);
  const formulas = [0, 1].map(() => element("div", { class: "cnn-formula" }));
  const code = element("div", { class: "cnn-code" });
  view.stage.append(
    presets,
    element("div", { class: "cnn-figures cnn-padding-figures" },
      element("div", { class: "cnn-padding-input" }, input.node, scale.node), output.node),
    element("div", { class: "cnn-padding-formulas" }, ...formulas), code);
  const walk = player(view, step);
  view.toolbar.append(...walk.buttons);
  view.onreset = walk.pause;

  return (state) => {
    const { palette } = view;
    const [down, across] = factsOf(state);
    const fits = down.size > 0 && across.size > 0;
    view.root.dataset.output = `${down.size}x${across.size}`;
    view.root.closest(".cnn-explorer")?.setAttribute("data-padding-entry", state.entry_index ? "total" : "side");
    full.disabled = Math.max(down.span, across.span) - 1 > MAX_SIDE;

    const r = Math.min(state.row, Math.max(down.size - 1, 0));
    const c = Math.min(state.column, Math.max(across.size - 1, 0));
    const most = fits ? Math.max(...down.use) * Math.max(...across.use) : 0;
    const inside = (i, j) => i >= down.before && i < down.before + down.n && j >= across.before && j < across.before + across.n;
    const uses = (i, j) => (fits ? down.use[i - down.before] * across.use[j - across.before] : 0);
    const dropRow = (i) => i >= down.padded - down.dropped;
    const dropColumn = (j) => j >= across.padded - across.dropped;
    const dropped = fits ? droppedMarks(down, across, palette) : [];
    const window = { r: r * down.stride, c: c * across.stride, h: down.span, w: across.span, colour: palette.kernel };
    const taps = [];
    if (fits && (down.dilation > 1 || across.dilation > 1))
      for (let a = 0; a < down.k; a++)
        for (let b = 0; b < across.k; b++)
          taps.push({ r: window.r + a * down.dilation, c: window.c + b * across.dilation, colour: palette.kernel, width: 1.5 });
    input.draw({
      rows: down.padded, cols: across.padded,
      caption: `Input ${down.n} × ${across.n}, padded to ${down.padded} × ${across.padded}`,
      hatched: (i, j) => !inside(i, j),
      colour: (i, j) => (inside(i, j) ? palette.heat(uses(i, j), most) : null),
      text: (i, j) => (inside(i, j) ? String(uses(i, j)) : ""),
      say: (i, j) =>
        `${inside(i, j) ? `read by ${count(uses(i, j), "window")}` : "padding"}${fits && (dropRow(i) || dropColumn(j)) ? ", dropped" : ""}`,
      marks: [...dropped, ...taps, ...(fits ? [window] : [])],
    });
    output.node.hidden = !fits;
    scale.node.hidden = !fits;
    scale.show("0 reads", "", count(most, "read"));
    setText(formulas[0], formula("height", down));
    setText(formulas[1], formula("width", across));
    setText(code, torchCode([down, across]));
    if (!fits) return whyNone([down, across]);

    output.draw({
      rows: down.size, cols: across.size, caption: `Output ${down.size} × ${across.size}`,
      colour: (i, j) => [i === r && j === c ? palette.output : palette.paper, palette.ink],
      say: (i, j) => `rows ${i * down.stride} to ${i * down.stride + down.span - 1}, columns ${j * across.stride} to ${j * across.stride + across.span - 1} of the padded input`,
    });
    output.place(r, c);
    return sentence(down, across, most);
  };
}

function droppedMarks(down, across, palette) {
  const style = { colour: palette.ink, fill: palette.ink, width: 1.5, dash: [4, 3] };
  const marks = [];
  if (down.dropped) marks.push({ r: down.padded - down.dropped, c: 0, h: down.dropped, w: across.padded, ...style });
  if (across.dropped) marks.push({ r: 0, c: across.padded - across.dropped, h: down.padded, w: across.dropped, ...style });
  return marks;
}

function sentence(down, across, most) {
  const last = (n, noun) => n > 0 && `the last ${n === 1 ? noun : count(n, noun)}`;
  const lost = [last(down.dropped, "row"), last(across.dropped, "column")].filter(Boolean);
  const drop = lost.length === 0
    ? "Every row and column of the padded input is reached."
    : `The floor drops ${lost.join(" and ")} of the padded input (dashed): no window reaches ${down.dropped + across.dropped === 1 ? "it" : "them"}.`;
  const least = Math.min(...down.use) * Math.min(...across.use);
  const use = least === most
    ? `Every pixel is read equally often: ${count(most, "time")}.`
    : `Pixels are read ${least} to ${count(most, "time")}.`;
  return `Output ${down.size} × ${across.size}, from ${count(down.size * across.size, "window")}. ${drop} ${use}`;
}
