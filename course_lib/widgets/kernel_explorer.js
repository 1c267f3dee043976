// One image, one kernel, one window that multiplies and adds.

import { button, choice, element, legend, setText } from "./dom.js";
import { explorer, player } from "./explorer.js";
import { Grid } from "./grid.js";
import { clamp, count, fmt } from "./numbers.js";
import { convolve, crossCorrelate, flip, fromRows, products } from "./convolution.js";

const KERNEL_EXPLORER_KEYS = [
  "image", "image_index", "kernel", "kernel_index", "kernel_height", "kernel_width",
  "operation_index", "row", "column",
];
const BRUSHES = [["black", 0], ["grey", 0.5], ["white", 1]];

export default explorer({ keys: KERNEL_EXPLORER_KEYS, build: buildKernelExplorer });

/** The kernel at a new size: an even blur stays one, else the centres align. */
export function resizeKernel(kernel, height, width) {
  const flat = kernel.flat();
  if (flat.length > 1 && flat.every((x) => x === flat[0])) {
    const even = flat.reduce((a, b) => a + b, 0) / (height * width);
    return Array.from({ length: height }, () => new Array(width).fill(even));
  }
  const middle = (k) => Math.floor((k - 1) / 2);
  const down = middle(height) - middle(kernel.length);
  const across = middle(width) - middle(kernel[0].length);
  return Array.from({ length: height }, (_, r) =>
    Array.from({ length: width }, (_, c) => kernel[r - down]?.[c - across] ?? 0));
}

export function transposed(rows) {
  return rows[0].map((_, c) => rows.map((row) => row[c]));
}

/** "0.5·1 + 0·(−1)": the window's sum written out, long ones shortened. */
export function sumInWords(pixels, weights) {
  const number = (x) => (x < 0 ? `(${fmt(x)})` : fmt(x));
  if (pixels.length > 9) return `the sum of ${pixels.length} products`;
  return pixels.map((x, i) => `${fmt(x)}·${number(weights[i])}`).join(" + ");
}

function replaced(rows, r, c, value) {
  return rows.map((row, i) => (i === r ? row.map((x, j) => (j === c ? value : x)) : row));
}

function buildKernelExplorer(view) {
  const { model } = view;
  const ownImage = model.get("_images").length;
  const ownKernel = model.get("_kernels").length;
  let painting = false;
  let brush = 0;
  let chosen = [0, 0]; // the kernel cell whose number is edited

  // ---- the values keep each other company

  view.listen(model, "change:image_index", () => {
    const preset = model.get("_images")[model.get("image_index")];
    if (preset) view.set({ image: preset });
  });
  view.listen(model, "change:kernel_index", () => {
    const preset = model.get("_kernels")[model.get("kernel_index")];
    if (preset) view.set({ kernel: preset });
  });
  view.listen(model, "change:kernel", () => {
    const kernel = model.get("kernel");
    view.set({ kernel_height: kernel.length, kernel_width: kernel[0].length });
  });
  view.listen(model, "change:kernel_height", () => {
    const [kernel, height] = [model.get("kernel"), model.get("kernel_height")];
    if (kernel.length !== height) setKernel(resizeKernel(kernel, height, kernel[0].length));
  });
  view.listen(model, "change:kernel_width", () => {
    const [kernel, width] = [model.get("kernel"), model.get("kernel_width")];
    if (kernel[0].length !== width) setKernel(resizeKernel(kernel, kernel.length, width));
  });

  const setKernel = (kernel) => view.set({ kernel, kernel_index: ownKernel });
  const paint = (r, c, value = BRUSHES[brush][1]) => {
    const image = model.get("image");
    if (image[r][c] !== value)
      view.set({ image: replaced(image, r, c, value), image_index: ownImage });
  };

  // ---- where the window is

  const outputShape = () => [
    model.get("image").length - model.get("kernel").length + 1,
    model.get("image")[0].length - model.get("kernel")[0].length + 1,
  ];
  const moveTo = (r, c) => {
    const [rows, cols] = outputShape();
    view.set({ row: clamp(r, 0, Math.max(rows - 1, 0)), column: clamp(c, 0, Math.max(cols - 1, 0)) });
  };
  const centreOn = (r, c) => {
    const kernel = model.get("kernel");
    moveTo(r - Math.floor((kernel.length - 1) / 2), c - Math.floor((kernel[0].length - 1) / 2));
  };
  const step = () => {
    const [rows, cols] = outputShape();
    if (rows < 1 || cols < 1) return false;
    const next = (model.get("row") * cols + model.get("column") + 1) % (rows * cols);
    moveTo(Math.floor(next / cols), next % cols);
    return next !== rows * cols - 1;
  };

  // ---- the picture

  const input = new Grid(view, {
    name: "Image. Arrow keys move the window; 0 to 9 and w paint a cell",
    role: "input", maxCell: 38,
    onmove: (r, c, by) => (!painting || by === "key") && centreOn(r, c),
    onpress: (r, c) => painting && paint(r, c),
    ondrag: (r, c) => (painting ? paint(r, c) : centreOn(r, c)),
    onkey(event, r, c) {
      if (/^[0-9]$/.test(event.key)) paint(r, c, Number(event.key) / 10);
      else if (event.key === "w") paint(r, c, 1);
      else if (event.key === "+" || event.key === "-")
        paint(r, c, clamp(Math.round(10 * model.get("image")[r][c] + (event.key === "+" ? 1 : -1)) / 10, 0, 1));
      else return false;
      return true;
    },
  });
  const nudge = (by) => {
    const [r, c] = chosen;
    setKernel(replaced(model.get("kernel"), r, c, Number((model.get("kernel")[r][c] + by).toFixed(3))));
  };
  const weights = new Grid(view, {
    name: "Kernel. Arrow keys choose a weight; plus and minus change it, Enter types a number",
    role: "kernel", maxCell: 44,
    onmove(r, c, by) {
      if (by === "pointer") return; // a weight is chosen by pressing, not by passing
      chosen = [r, c];
      view.redraw();
    },
    onpress(r, c, by) {
      chosen = [r, c];
      view.redraw();
      if (by !== "key") return;
      field.focus();
      field.select();
    },
    onkey(event) {
      if (event.key === "+" || event.key === "=") nudge(1);
      else if (event.key === "-") nudge(-1);
      else if (/^[0-9.]$/.test(event.key)) {
        field.value = "";
        field.focus();
        return "pass"; // the key types into the field
      } else return false;
      return true;
    },
  });
  const terms = new Grid(view, { name: "Products under the window", role: "plain", maxCell: 44 });
  const output = new Grid(view, {
    name: "Output. Arrow keys choose a cell and move the window to its inputs",
    role: "output", maxCell: 38, onmove: moveTo, ondrag: moveTo,
  });

  const field = element("input", {
    type: "number", step: "any", class: "cnn-field", "aria-label": "weight",
    oninput() {
      if (field.value !== "" && Number.isFinite(field.valueAsNumber))
        setKernel(replaced(model.get("kernel"), ...chosen, field.valueAsNumber));
    },
    onkeydown(event) {
      event.stopPropagation();
      if (event.key === "Enter" || event.key === "Escape") weights.focus();
    },
  });
  const editor = element("div", { class: "cnn-toolbar cnn-editor" },
    button("−", () => nudge(-1), { "aria-label": "weight minus 1" }), field,
    button("+", () => nudge(1), { "aria-label": "weight plus 1" }),
    button("±", () => {
      const [r, c] = chosen;
      setKernel(replaced(model.get("kernel"), r, c, 0 - model.get("kernel")[r][c]));
    }, { "aria-label": "change the sign of the weight" }),
    button("Transpose", () => setKernel(transposed(model.get("kernel"))), { title: "Swap rows and columns of the kernel" }));

  const mode = choice("What the pointer does on the image", ["Move window", "Paint"], (i) => {
    painting = i === 1;
    view.redraw();
  });
  const brushes = choice("Brush", BRUSHES.map(([name]) => name), (i) => {
    brush = i;
    view.redraw();
  });
  const equation = element("div", { class: "cnn-formula cnn-code" });
  const scale = legend();
  const area = (name, ...nodes) => element("div", { class: `cnn-area cnn-${name}-area` }, ...nodes);
  view.stage.append(
    element("div", { class: "cnn-kernel-layout" },
      area("image", input.node, element("div", { class: "cnn-toolbar" }, mode.node, brushes.node)),
      area("kernel", weights.node),
      area("terms", terms.node),
      area("editor", editor),
      area("output", output.node, scale.node)),
    equation);
  const walk = player(view, step);
  view.toolbar.append(...walk.buttons);
  view.onreset = () => {
    walk.pause();
    painting = false;
    chosen = [0, 0];
  };

  return (state) => {
    const { palette } = view;
    const image = fromRows(state.image);
    const kernel = fromRows(state.kernel);
    const flipped = state.operation_index === 1;
    const result = (flipped ? convolve : crossCorrelate)(image, kernel);
    const fits = result.rows > 0 && result.cols > 0;
    view.root.dataset.output = `${result.rows}x${result.cols}`;
    input.canvas.classList.toggle("cnn-draggable", painting);
    mode.pick(painting ? 1 : 0);
    brushes.pick(brush);
    brushes.node.hidden = !painting;

    const r = Math.min(state.row, Math.max(result.rows - 1, 0));
    const c = Math.min(state.column, Math.max(result.cols - 1, 0));
    const laid = flipped ? flip(kernel) : kernel; // the weights as they lie on the image
    const part = products(image, laid, r, c);
    const top = result.data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const heaviest = kernel.data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const largest = part.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const cellOf = ({ cols, data }) => (i, j) => data[i * cols + j];

    const pixel = cellOf(image);
    const window = { r, c, h: kernel.rows, w: kernel.cols, colour: palette.kernel };
    input.draw({
      rows: image.rows, cols: image.cols, caption: `Image ${image.rows} × ${image.cols}`,
      colour: (i, j) => palette.grey(pixel(i, j)),
      text: (i, j) => (image.cols <= 12 ? fmt(pixel(i, j), 1) : ""),
      say: (i, j) => fmt(pixel(i, j)),
      marks: fits ? [window] : [],
      paint: (g, cell) => fits && image.cols <= 12 && overlayWeights(g, cell, laid, r, c, palette),
    });

    const weight = cellOf(kernel);
    chosen = [Math.min(chosen[0], kernel.rows - 1), Math.min(chosen[1], kernel.cols - 1)];
    weights.draw({
      rows: kernel.rows, cols: kernel.cols, caption: `Kernel ${kernel.rows} × ${kernel.cols}`,
      colour: (i, j) => palette.signed(weight(i, j), heaviest),
      text: (i, j) => fmt(weight(i, j)),
      say: (i, j) => fmt(weight(i, j)),
      marks: [{ r: chosen[0], c: chosen[1], colour: palette.accent, width: 2 }],
    });
    if (document.activeElement !== field) field.value = Number(weight(...chosen).toFixed(3));
    const where = `weight in row ${chosen[0]}, column ${chosen[1]}`;
    if (field.getAttribute("aria-label") !== where) field.setAttribute("aria-label", where);

    const term = (i, j) => part[i * kernel.cols + j];
    terms.draw({
      rows: kernel.rows, cols: kernel.cols, caption: flipped ? "Pixel × flipped weight" : "Pixel × weight",
      colour: (i, j) => (fits ? palette.signed(term(i, j), largest) : null),
      text: (i, j) => (fits ? fmt(term(i, j)) : ""),
      say: (i, j) => fmt(term(i, j)),
    });

    output.node.hidden = !fits;
    scale.node.hidden = !fits;
    equation.hidden = !fits;
    const sizes = `${image.rows} × ${image.cols} image, ${kernel.rows} × ${kernel.cols} kernel`;
    if (!fits) {
      const [axis, k, n] = kernel.rows > image.rows
        ? ["row", kernel.rows, image.rows] : ["column", kernel.cols, image.cols];
      return `No output: the kernel has ${count(k, axis)} and the image only ${n}, so no window fits (${sizes}).`;
    }
    const value = cellOf(result);
    output.draw({
      rows: result.rows, cols: result.cols, caption: `Output ${result.rows} × ${result.cols}`,
      colour: (i, j) => palette.signed(value(i, j), top),
      text: (i, j) => (result.cols <= 12 ? fmt(value(i, j), 1) : ""),
      say: (i, j) => fmt(value(i, j)),
      marks: [{ r, c, colour: palette.output, width: 3 }],
    });
    output.place(r, c);
    scale.show(fmt(-top), "0", fmt(top));

    const pixels = Array.from(part, (_, i) => pixel(r + Math.floor(i / kernel.cols), c + (i % kernel.cols)));
    const sum = fmt(value(r, c));
    setText(equation, `Y[${r}, ${c}] = ${sumInWords(pixels, laid.data)} = ${sum}`);
    const low = result.data.reduce((a, b) => Math.min(a, b), Infinity);
    const high = result.data.reduce((a, b) => Math.max(a, b), -Infinity);
    return `${flipped ? "True convolution (kernel flipped both ways)" : "Cross-correlation"}: ${sizes}, ` +
      `output ${result.rows} × ${result.cols} with values from ${fmt(low)} to ${fmt(high)}. ` +
      `The window X[${r}:${r + kernel.rows}, ${c}:${c + kernel.cols}] gives Y[${r}, ${c}] = ${sum}.`;
  };
}

/** Small weights in the corners of the cells that the window covers. */
function overlayWeights(g, cell, laid, r, c, palette) {
  if (cell < 28) return;
  g.font = `600 ${Math.round(cell * 0.24)}px ${palette.font}`;
  g.textAlign = "right";
  for (let a = 0; a < laid.rows; a++) {
    for (let b = 0; b < laid.cols; b++) {
      const text = `×${fmt(laid.data[a * laid.cols + b], 1)}`;
      const [x, y] = [(c + b + 1) * cell - 4, (r + a + 1) * cell - cell * 0.18];
      const width = g.measureText(text).width;
      g.fillStyle = palette.paper;
      g.fillRect(x - width - 2, y - cell * 0.13, width + 4, cell * 0.26);
      g.fillStyle = palette.kernel;
      g.fillText(text, x, y);
    }
  }
}
