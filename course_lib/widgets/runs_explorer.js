// Recorded training runs, chosen by sliders. Nothing is trained here.

import { button, element, setText } from "./dom.js";
import { explorer } from "./explorer.js";
import { clamp } from "./numbers.js";

const RUNS_KEYS = ["activation_index", "init_index", "rate_index", "moment_index", "pinned"];
const CHANCE_LOSS = Math.log(10);
const TOP_LOSS = 3;
const LOG_RANGE = [-7, 2]; // powers of ten of the gradients' axis
const WINDOW = 20; // steps that each recorded loss is the mean of

export default explorer({ keys: RUNS_KEYS, build: buildRuns });

/** A number of at most three digits: 0.843, 2.5·10⁻⁶; null stands for no number. */
export function shortNumber(value) {
  if (value === null) return "no finite number";
  if (value === 0 || (Math.abs(value) >= 0.001 && Math.abs(value) < 10000))
    return String(value).replace("-", "−");
  const [mantissa, exponent] = value.toExponential(2).split("e");
  const raised = [...String(Number(exponent))].map((d) => (d === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[d])).join("");
  return `${Number(mantissa)}·10${raised}`.replace("-", "−");
}

/** Where a run stands among all: by activation, initialisation, learning rate. */
export function runPlace(record, { activation_index: a, init_index: i, rate_index: r }) {
  return (a * record.inits.length + i) * record.rates.length + r;
}

/** A norm on the logarithmic axis, 0 to 1; what is no number stands at its end. */
export function logShare(value) {
  if (value === null) return 1;
  const [low, high] = LOG_RANGE;
  return clamp((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low), 0, 1);
}

export function fateInWords(steps) {
  if (steps === null) return "The loss stays above 2 in all steps that were recorded";
  if (steps === 0) return "The loss falls below 2 within the first 20 steps";
  return `The loss falls below 2 after ${steps} steps`;
}

function nameOfRun(record, place) {
  const rates = record.rates.length;
  const r = place % rates;
  const i = Math.floor(place / rates) % record.inits.length;
  const a = Math.floor(place / rates / record.inits.length);
  return [record.activations[a], record.inits[i], shortNumber(record.rates[r])];
}

/** The run and what was measured at the moment, as the static page says it too. */
export function runInWords(record, state) {
  const place = runPlace(record, state);
  const run = record.runs[place];
  const moment = run.moments[state.moment_index];
  const [activation, init, rate] = nameOfRun(record, place);
  const ends = [moment.gradients[0], moment.gradients[moment.gradients.length - 1]];
  return `${activation}, weights ${init}, learning rate ${rate}. ` +
    `${fateInWords(run.steps_at_chance)}; test accuracy ` +
    `${shortNumber(run.test_acc[run.test_acc.length - 1])} at the end. After step ` +
    `${record.moments[state.moment_index]}, with accuracy ` +
    `${shortNumber(run.test_acc[state.moment_index])}: gradient norms ` +
    `${ends.map(shortNumber).join(" to ")} from the first layer to the last; scores ` +
    `differ from picture to picture by ${shortNumber(moment.spreads[moment.spreads.length - 1])}.`;
}

function drawn(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function place(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
}

const label = (x, y, text, anchor = "start") =>
  drawn("text", { x, y, class: "cnn-run-label", "text-anchor": anchor }, text);

function buildRuns(view) {
  const record = view.model.get("_record");
  const last = record.moments[record.moments.length - 1];
  const loss = drawCurves({
    title: "Training loss", top: TOP_LOSS, ticks: [0, 1, 2, 3], last,
    level: CHANCE_LOSS, levelName: "ln 10: chance",
  });
  const accuracy = drawCurves({
    title: "Accuracy: training (line), test (dots)", top: 1, ticks: [0, 0.5, 1], last,
    level: 0.1, levelName: "1 in 10",
  });
  const gradients = drawGradients(record.layers);
  const histograms = record.layers.slice(0, -1).map((name) => drawHistogram(name));
  const pin = button("Pin this run", () => {
    const here = runPlace(record, view.state);
    view.set({ pinned: view.model.get("pinned") === here ? -1 : here });
  });
  const pinText = element("span", { class: "cnn-run-pinned" });
  view.stage.append(
    element("div", { class: "cnn-run-curves" }, loss.node, accuracy.node),
    element("div", { class: "cnn-run-moment" }),
    element("div", { class: "cnn-run-measured" }, gradients.node,
      element("div", { class: "cnn-run-histograms" }, ...histograms.map(({ node }) => node))));
  const heading = view.stage.querySelector(".cnn-run-moment");
  view.toolbar.append(pin, pinText);

  return (state) => {
    const here = runPlace(record, state);
    const run = record.runs[here];
    const moment = run.moments[state.moment_index];
    const step = record.moments[state.moment_index];
    const other = state.pinned < 0 ? null : record.runs[state.pinned];
    const dots = record.moments.map((at, i) => [at, run.test_acc[i]]);
    loss.show(run.loss, other?.loss, step);
    accuracy.show(run.acc, other?.acc, step, dots);
    setText(heading, `After step ${step}, on 1,000 test pictures`);
    gradients.show(moment.gradients, other?.moments[state.moment_index].gradients);
    const range = record.ranges[state.activation_index];
    histograms.forEach((one, i) => one.show(moment.histograms[i], range, moment.spreads[i]));
    setText(pin, state.pinned === here ? "Unpin this run" : "Pin this run");
    setText(pinText, other ? `pinned: ${nameOfRun(record, state.pinned).join(", ")}` : "");
    view.root.dataset.run = here;
    return runInWords(record, state);
  };
}

const [WIDTH, HEIGHT, LEFT, BELOW] = [360, 200, 30, 22];

function drawCurves({ title, top, ticks, last, level, levelName }) {
  const x = (step) => LEFT + (step / last) * (WIDTH - LEFT - 10);
  const y = (value) => 10 + (1 - clamp(value, 0, top) / top) * (HEIGHT - BELOW - 10);
  const grid = ticks.flatMap((tick) => [
    drawn("line", { class: "cnn-run-grid", x1: LEFT, x2: WIDTH - 10, y1: y(tick), y2: y(tick) }),
    label(LEFT - 6, y(tick) + 4, String(tick), "end"),
  ]);
  const steps = [0, last / 2, last].map((step, i) =>
    label(x(step), HEIGHT - 6, i === 1 ? `step ${step}` : String(step), ["start", "middle", "end"][i]));
  const chance = drawn("line", { class: "cnn-run-chance", x1: LEFT, x2: WIDTH - 10, y1: y(level), y2: y(level) });
  const now = drawn("line", { class: "cnn-run-now", y1: 10, y2: HEIGHT - BELOW });
  const pinned = drawn("path", { class: "cnn-run-line cnn-run-other" });
  const line = drawn("path", { class: "cnn-run-line" });
  const dots = drawn("g", { class: "cnn-run-dots" });
  const plot = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "cnn-run-plot", "aria-hidden": "true" },
    ...grid, ...steps, chance, now, pinned, line, dots,
    label(WIDTH - 10, y(level) - 5, levelName, "end"));
  // A value that is no number breaks the line.
  const path = (values) => {
    let pen = "M";
    return values.map((value, i) => {
      if (value === null) return (pen = "M"), "";
      const part = `${pen}${x((i + 0.5) * WINDOW).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
      return part;
    }).join("");
  };
  const show = (values, other, step, points = []) => {
    place(line, { d: path(values) });
    place(pinned, { d: other ? path(other) : "" });
    place(now, { x1: x(step), x2: x(step) });
    dots.replaceChildren(...points.map(([at, value]) =>
      drawn("circle", { cx: x(at), cy: y(value ?? 0), r: 3.5 })));
  };
  const node = element("figure", { class: "cnn-figure cnn-output" }, element("figcaption", {}, title), plot);
  return { node, show };
}

function drawGradients(layers) {
  const [width, row, left] = [360, 34, 62];
  const x = (share) => left + share * (width - left - 14);
  const height = row * layers.length + 24;
  const [low, high] = LOG_RANGE;
  const ticks = [-6, -4, -2, 0, 2].flatMap((power) => {
    const at = x((power - low) / (high - low));
    const name = power === 0 ? "1" : shortNumber(10 ** power).replace("1·", "");
    return [
      drawn("line", { class: "cnn-run-grid", x1: at, x2: at, y1: 0, y2: height - 22 }),
      label(at, height - 8, power === 2 ? "100" : power === -2 ? "0.01" : name, "middle"),
    ];
  });
  const rows = layers.map((name, i) => {
    const bar = drawn("rect", { class: "cnn-run-bar", x: left, y: i * row + 4, height: 20 });
    const mark = drawn("line", { class: "cnn-run-mark", y1: i * row + 1, y2: i * row + 27 });
    const number = drawn("text", { class: "cnn-run-label cnn-run-number", y: i * row + 18 });
    return { bar, mark, number, parts: [label(left - 6, i * row + 18, name, "end"), bar, mark, number] };
  });
  const plot = drawn("svg", { viewBox: `0 0 ${width} ${height}`, class: "cnn-run-plot", "aria-hidden": "true" },
    ...ticks, ...rows.flatMap(({ parts }) => parts));
  const show = (norms, others) => rows.forEach(({ bar, mark, number }, i) => {
    const end = x(logShare(norms[i]));
    place(bar, { width: end - left });
    // Beside a short bar, inside the end of a long one.
    const inside = end > width - 90;
    place(number, { x: inside ? end - 5 : end + 5, "text-anchor": inside ? "end" : "start" });
    number.classList.toggle("cnn-run-inside", inside);
    setText(number, norms[i] === null ? "none" : shortNumber(norms[i]));
    const at = others ? x(logShare(others[i])) : -10;
    place(mark, { x1: at, x2: at });
  });
  const node = element("figure", { class: "cnn-figure cnn-kernel" },
    element("figcaption", {}, "Norm of the gradient of each layer’s weights"), plot);
  return { node, show };
}

function drawHistogram(name) {
  const [width, height] = [170, 76];
  const bars = drawn("g", { class: "cnn-run-columns" });
  const ends = [label(0, height + 13, ""), label(width, height + 13, "", "end")];
  const axis = drawn("line", { class: "cnn-run-grid", x1: 0, x2: width, y1: height, y2: height });
  const plot = drawn("svg", { viewBox: `0 0 ${width} ${height + 18}`, class: "cnn-run-plot", "aria-hidden": "true" },
    bars, axis, ...ends);
  const spreadText = element("span", { class: "cnn-run-spread" });
  const caption = element("figcaption", {}, name, spreadText);
  const show = (shares, [low, high], spread) => {
    const each = width / shares.length;
    // Roots, so that a few per cent are still seen beside a bin with nearly all.
    bars.replaceChildren(...shares.map((share, i) => {
      const tall = Math.sqrt(share / 1000) * (height - 4);
      return drawn("rect", { x: (i * each + 0.5).toFixed(1), y: (height - tall).toFixed(1), width: (each - 1).toFixed(1), height: tall.toFixed(1) });
    }));
    setText(ends[0], shortNumber(low));
    setText(ends[1], `${shortNumber(high)}${low === 0 && high !== 1 ? " and more" : ""}`);
    setText(spreadText, `spread ${shortNumber(spread)}`);
  };
  const node = element("figure", { class: "cnn-figure cnn-output" }, caption, plot);
  return { node, show };
}
