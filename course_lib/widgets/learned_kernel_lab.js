// Why the learning rate must stay below 1/30: two weights, one bowl.

import { button, element, setText } from "./dom.js";
import { explorer, player } from "./explorer.js";
import { clamp, count, fmt } from "./numbers.js";

const LEARNED_KERNEL_KEYS = ["learning_rate", "steps", "start_0", "start_1"];
const MOST_STEPS = 60;
// The loss is (w − w*)ᵀ G (w − w*); G from the columns of the 6 × 8 edge image.
const GRAM = [[18, 12], [12, 18]];
const TARGET = [1, -1];
const EIGENVALUES = [12, 60]; // of 2G, along [1, −1] and [1, 1]
const LOSS_RANGE = [-6, 6]; // powers of ten on the loss axis
const LEVELS = [0.25, 1, 3, 7, 13, 21, 31, 43, 57];

export default explorer({ keys: LEARNED_KERNEL_KEYS, build: buildLearnedKernel });

export function lossAt([w0, w1]) {
  const [x, y] = [w0 - TARGET[0], w1 - TARGET[1]];
  return GRAM[0][0] * x * x + 2 * GRAM[0][1] * x * y + GRAM[1][1] * y * y;
}

/** The weights before the first step and after each of the steps. */
export function descend(start, learningRate, steps) {
  const path = [start];
  for (let i = 0; i < steps; i++) {
    const [w0, w1] = path[i];
    const [x, y] = [w0 - TARGET[0], w1 - TARGET[1]];
    path.push([
      w0 - learningRate * 2 * (GRAM[0][0] * x + GRAM[0][1] * y),
      w1 - learningRate * 2 * (GRAM[1][0] * x + GRAM[1][1] * y),
    ]);
  }
  return path;
}

/** What one step multiplies the error by, along [1, −1] and along [1, 1]. */
export function stepFactors(learningRate) {
  return EIGENVALUES.map((value) => 1 - learningRate * value);
}

/** One factor in words; within rounding of ±1 counts as exactly there. */
export function factorInWords(factor) {
  if (Math.abs(factor + 1) < 1e-9) return "swings back and forth for ever";
  if (factor < -1) return "overshoots further every time: it grows";
  if (factor < 0) return "overshoots, and shrinks";
  return "shrinks without overshooting";
}

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function buildLearnedKernel(view) {
  const bowl = drawBowl(view);
  const curve = drawCurve();
  const rates = [["1/36: fastest", 1 / 36], ["0.03: the book’s", 0.03], ["1/30: the limit", 1 / 30]].map(
    ([label, rate]) => button(label, () => view.set({ learning_rate: rate })));
  const factors = EIGENVALUES.map((value, i) => {
    const number = element("strong", {});
    const words = element("span", {});
    const node = element("p", { class: "cnn-factor" },
      `along ${i === 0 ? "[1, −1]" : "[1, 1]"}, curvature ${value}: error × `, number, " a step – ", words);
    return { node, number, words };
  });
  const printed = element("div", { class: "cnn-code" });
  view.stage.append(
    element("div", { class: "cnn-toolbar", role: "group", "aria-label": "Learning rates to try" }, ...rates),
    element("div", { class: "cnn-figures cnn-lab-figures" }, bowl.node, element("div", { class: "cnn-lab-side" }, curve.node, printed)),
    ...factors.map(({ node }) => node));
  const walk = player(view, () => {
    const steps = view.model.get("steps") % MOST_STEPS;
    view.set({ steps: steps + 1 });
    return steps + 1 < MOST_STEPS;
  }, 350);
  view.toolbar.append(...walk.buttons);
  view.onreset = walk.pause;

  return ({ learning_rate: rate, steps, start_0, start_1 }) => {
    const path = descend([start_0, start_1], rate, steps);
    const losses = path.map(lossAt);
    const both = stepFactors(rate);
    view.root.dataset.loss = losses[steps];
    bowl.show(path);
    curve.show(losses);
    both.forEach((factor, i) => {
      setText(factors[i].number, fmt(factor, 3));
      setText(factors[i].words, factorInWords(factor));
      factors[i].node.classList.toggle("cnn-grows", factor < -1 + 1e-9);
    });
    setText(printed, printedLosses(path, losses));
    const verdict = both[1] < -1 - 1e-9
      ? "The rate is above 2/60 = 1/30, so every step lands further away: the run diverges."
      : both[1] < -1 + 1e-9
        ? "The rate is exactly 2/60 = 1/30: the swing along [1, 1] neither shrinks nor grows."
        : `The slower of the two directions sets the pace: error × ${fmt(Math.max(...both.map(Math.abs)), 3)} a step.`;
    return `Learning rate ${fmt(rate, 4)}. ${verdict} After ${count(steps, "step")} the kernel is ` +
      `[${fmt(path[steps][0], 3)}, ${fmt(path[steps][1], 3)}] and the loss ${fmt(losses[steps], 4)}.`;
  };
}

/** The lines that the training loop of the section prints, at most five. */
function printedLosses(path, losses) {
  const fixed = (x) => (Math.abs(x) < 1e6 ? x.toFixed(3).replace("-", "−") : fmt(x));
  const every = Math.max(2, 2 * Math.ceil((path.length - 1) / 10));
  const lines = [];
  for (let i = every; i < path.length; i += every)
    lines.push(`step ${String(i).padStart(2)}, loss ${fixed(losses[i])}`);
  const [w0, w1] = path[path.length - 1];
  return [...lines, `kernel [${fixed(w0)}, ${fixed(w1)}]`].join("\n");
}

// The plane of the two weights: x from −1.2 to 3.2, y from −3.2 to 1.2.
const PLANE = 352;
const planeX = (w) => (w + 1.2) * 80;
const planeY = (w) => (1.2 - w) * 80;

function drawBowl(view) {
  const at = `${planeX(1)} ${planeY(-1)}`;
  const contours = [...LEVELS].reverse().map((level) =>
    svg("ellipse", {
      class: "cnn-contour", cx: planeX(1), cy: planeY(-1), transform: `rotate(45 ${at})`,
      rx: 80 * Math.sqrt(level / 6), ry: 80 * Math.sqrt(level / 30),
    }));
  const axes = [-45, 45].map((angle) =>
    svg("line", { class: "cnn-axis", x1: planeX(1) - 400, x2: planeX(1) + 400, y1: planeY(-1), y2: planeY(-1), transform: `rotate(${angle} ${at})` }));
  const label = (x, y, text, more = {}) => svg("text", { x, y, class: "cnn-plot-label", ...more }, text);
  const ticks = [-1, 0, 1, 2, 3].flatMap((w) => [
    label(planeX(w), PLANE - 6, fmt(w), { "text-anchor": "middle" }),
    ...(w > -1 ? [label(6, planeY(w - 2) + 4, fmt(w - 2))] : []),
  ]);
  const names = [label(planeX(2.4), PLANE - 6, "w₀ →"), label(24, 14, "w₁ ↑")];
  const line = svg("polyline", { class: "cnn-path" });
  const dots = Array.from({ length: MOST_STEPS + 1 }, () => svg("circle", { class: "cnn-dot", r: 3 }));
  const start = svg("circle", { class: "cnn-start", r: 8 });
  const end = svg("circle", { class: "cnn-end", r: 5 });
  const best = svg("path", { class: "cnn-best", d: `M${planeX(1) - 6} ${planeY(-1)}h12M${planeX(1)} ${planeY(-1) - 6}v12` });
  const plot = svg("svg", { viewBox: `0 0 ${PLANE} ${PLANE}`, class: "cnn-plot", "aria-hidden": "true" },
    ...contours, ...axes, ...ticks, ...names,
    label(planeX(2.05), planeY(0.15), "curvature 60"), label(planeX(1.55), planeY(-2.45), "curvature 12"),
    best, line, ...dots, end, start);

  // Pressing or dragging on the plane moves the start; the sliders do the same.
  const move = (event) => {
    const box = plot.getBoundingClientRect();
    const w0 = ((event.clientX - box.left) / box.width) * 4.4 - 1.2;
    const w1 = 1.2 - ((event.clientY - box.top) / box.height) * 4.4;
    const tidy = (w, low, high) => clamp(Math.round(w * 20) / 20, low, high);
    view.set({ start_0: tidy(w0, -1, 3), start_1: tidy(w1, -3, 1) });
  };
  let dragging = false;
  plot.addEventListener("pointerdown", (event) => {
    dragging = event.pointerType !== "touch"; // a finger that drags scrolls the page
    if (dragging) plot.setPointerCapture(event.pointerId);
    move(event);
  });
  plot.addEventListener("pointermove", (event) => dragging && move(event));
  for (const name of ["pointerup", "pointercancel"]) plot.addEventListener(name, () => (dragging = false));

  const far = (v) => clamp(v, -3000, 3000); // a diverging path leaves the picture
  const show = (path) => {
    const points = path.map(([w0, w1]) => [far(planeX(w0)), far(planeY(w1))]);
    line.setAttribute("points", points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" "));
    dots.forEach((dot, i) => {
      const [x, y] = points[i] ?? [-50, -50];
      dot.setAttribute("cx", x);
      dot.setAttribute("cy", y);
    });
    for (const [node, [x, y]] of [[start, points[0]], [end, points[points.length - 1]]]) {
      node.setAttribute("cx", x);
      node.setAttribute("cy", y);
    }
  };
  const node = element("figure", { class: "cnn-figure cnn-kernel cnn-bowl" },
    element("figcaption", {}, "Loss over both weights (press: new start)"), plot);
  return { node, show };
}

function drawCurve() {
  const [width, height, left, bottom] = [320, 200, 44, 24];
  const [low, high] = LOSS_RANGE;
  const x = (i) => left + (i / MOST_STEPS) * (width - left - 8);
  const y = (loss) => {
    const power = clamp(Math.log10(Math.max(loss, 1e-12)), low, high);
    return 8 + ((high - power) / (high - low)) * (height - bottom - 8);
  };
  const label = (px, py, text, anchor = "end") => svg("text", { x: px, y: py, class: "cnn-plot-label", "text-anchor": anchor }, text);
  const grid = [-6, -3, 0, 3, 6].flatMap((power) => [
    svg("line", { class: "cnn-axis", x1: left, x2: width - 8, y1: y(10 ** power), y2: y(10 ** power) }),
    label(left - 6, y(10 ** power) + 4, power === 0 ? "1" : power > 0 ? `10${"³⁶"[power / 3 - 1]}` : `10⁻${"³⁶"[-power / 3 - 1]}`),
  ]);
  const ticks = [0, 20, 40, 60].map((i) => label(x(i), height - 6, String(i), "middle"));
  const line = svg("polyline", { class: "cnn-path" });
  const end = svg("circle", { class: "cnn-end", r: 5 });
  const plot = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "cnn-plot", "aria-hidden": "true" }, ...grid, ...ticks, line, end);
  const show = (losses) => {
    line.setAttribute("points", losses.map((loss, i) => `${x(i).toFixed(1)},${y(loss).toFixed(1)}`).join(" "));
    end.setAttribute("cx", x(losses.length - 1));
    end.setAttribute("cy", y(losses[losses.length - 1]));
  };
  const node = element("figure", { class: "cnn-figure cnn-output" },
    element("figcaption", {}, "Loss after each step, powers of ten"), plot);
  return { node, show };
}
