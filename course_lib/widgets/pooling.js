/**
 * Maximum and average pooling of one channel, with PyTorch's rules. No DOM: runs under Node too.
 *
 * An image is a flat row-major array; a pair is [down, across]. The rules that surprise people are
 * written once, in poolWindow():
 *   - maximum pooling pads with minus infinity, so a padded cell can never win;
 *   - average pooling pads with zeros and, unless countIncludePad is false, divides by the padded
 *     cells too, but never by the cells that ceilMode adds beyond the padding;
 *   - padding is per side and at most half of the window.
 */

import { outputSize, span } from "./geometry.js";

/** Fill in what the caller left out: stride = window, no padding, no dilation. */
export function poolSettings(options) {
  const { kernel, mode = "max" } = options;
  const { stride = kernel, padding = [0, 0], dilation = [1, 1] } = options;
  const { ceilMode = false, countIncludePad = true } = options;
  return { kernel, stride, padding, dilation, mode, ceilMode, countIncludePad };
}

/** Why PyTorch refuses this pooling layer on an image of this size, as a sentence; "" when it accepts it. */
export function poolProblem(height, width, options) {
  const { kernel, stride, padding, dilation, mode } = poolSettings(options);
  const axes = [["height", height], ["width", width]];
  if (mode !== "max" && mode !== "avg") return `mode is "max" or "avg", not "${mode}".`;
  if (mode === "avg" && (dilation[0] > 1 || dilation[1] > 1)) return "Average pooling has no dilation.";
  for (const [axis, [name, n]] of axes.entries()) {
    if (stride[axis] < 1) return `The stride along the ${name} is ${stride[axis]}; it is at least 1.`;
    if (padding[axis] > Math.floor(kernel[axis] / 2)) {
      return `Padding ${padding[axis]} is more than half of the window's ${name} ${kernel[axis]}: `
        + "some windows could then hold nothing but padding.";
    }
    if (pooledSize(n, axis, options) < 1) {
      return `No window fits: the ${name} ${n} with padding ${padding[axis]} on both sides is ${n + 2 * padding[axis]}, `
        + `the window needs ${span(kernel[axis], dilation[axis])}.`;
    }
  }
  return "";
}

/** Number of windows along one axis (0 = down, 1 = across); 0 when none fits. */
export function pooledSize(n, axis, options) {
  const { kernel, stride, padding, dilation, ceilMode } = poolSettings(options);
  const both = [padding[axis], padding[axis]];
  return outputSize(n, kernel[axis], { padding: both, stride: stride[axis], dilation: dilation[axis], ceilMode });
}

/** Image coordinates of the window's rows (or columns) for unit i; they may lie outside 0 … n-1. */
export function poolPositions(i, axis, options) {
  const { kernel, stride, padding, dilation } = poolSettings(options);
  const start = i * stride[axis] - padding[axis];
  return Array.from({ length: kernel[axis] }, (_, a) => start + a * dilation[axis]);
}

/** The value of output cell (i, j); the sum runs in reading order, as PyTorch's does. */
export function poolValue(image, height, width, i, j, settings) {
  const { kernel, stride, padding, dilation, mode, countIncludePad } = settings;
  const [top, left] = [i * stride[0] - padding[0], j * stride[1] - padding[1]];
  let [largest, total, count] = [-Infinity, 0, 0];
  for (let a = 0; a < kernel[0]; a++) {
    const r = top + a * dilation[0];
    if (r < 0 || r >= height) continue;
    for (let b = 0; b < kernel[1]; b++) {
      const c = left + b * dilation[1];
      if (c < 0 || c >= width) continue;
      const value = image[r * width + c];
      if (value > largest || Number.isNaN(value)) largest = value;
      total += value;
      count += 1;
    }
  }
  if (mode === "max") return largest;
  if (count === 0) return 0;
  return total / (countIncludePad ? paddedCount(i, j, height, width, settings) : count);
}

/** How many cells the padded average divides by: image and padding, but not what ceilMode adds beyond. */
function paddedCount(i, j, height, width, { kernel, stride, padding }) {
  const along = (unit, n, axis) => {
    const start = unit * stride[axis] - padding[axis];
    return Math.min(start + kernel[axis], n + padding[axis]) - start;
  };
  return along(i, height, 0) * along(j, width, 1);
}

/**
 * One output cell explained: { value, cells, winner, divisor }. `cells` lists [row, column, value] inside the
 * image in reading order; `winner` is the first largest cell (maximum), `divisor` what an average divides by.
 */
export function poolWindow(image, height, width, i, j, options) {
  const settings = poolSettings(options);
  const inside = (n) => (r) => r >= 0 && r < n;
  const rows = poolPositions(i, 0, settings).filter(inside(height));
  const columns = poolPositions(j, 1, settings).filter(inside(width));
  const cells = rows.flatMap((r) => columns.map((c) => [r, c, image[r * width + c]]));
  const value = poolValue(image, height, width, i, j, settings);
  if (settings.mode === "max") {
    const winner = cells.find(([, , v]) => Object.is(v, value)) ?? cells.find(([, , v]) => v === value) ?? null;
    return { value, cells, winner: winner && winner.slice(0, 2), divisor: null };
  }
  const divisor = settings.countIncludePad ? paddedCount(i, j, height, width, settings) : cells.length;
  return { value, cells, winner: null, divisor };
}

/** Pool a whole image: { height, width, values: Float64Array }. Throws a RangeError where PyTorch refuses. */
export function poolImage(image, height, width, options) {
  const problem = poolProblem(height, width, options);
  if (problem) throw new RangeError(problem);
  const settings = poolSettings(options);
  const [outHeight, outWidth] = [pooledSize(height, 0, settings), pooledSize(width, 1, settings)];
  const values = new Float64Array(outHeight * outWidth);
  for (let i = 0; i < outHeight; i++) {
    for (let j = 0; j < outWidth; j++) {
      values[i * outWidth + j] = poolValue(image, height, width, i, j, settings);
    }
  }
  return { height: outHeight, width: outWidth, values };
}
