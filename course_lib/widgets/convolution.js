// Cross-correlation and true convolution on plain arrays, no DOM.
// A matrix is {rows, cols, data} with data row by row; data may be a typed array.

import { outputSize } from "./geometry.js";

export function matrix(rows, cols, data = new Float64Array(rows * cols)) {
  return { rows, cols, data };
}

export function fromRows(lists) {
  return matrix(lists.length, lists[0].length, Float64Array.from(lists.flat()));
}

export function toRows({ rows, cols, data }) {
  return Array.from({ length: rows }, (_, r) => Array.from(data.subarray?.(r * cols, (r + 1) * cols) ?? data.slice(r * cols, (r + 1) * cols)));
}

/** The kernel turned by half a turn: first becomes last along both axes. */
export function flip({ rows, cols, data }) {
  return matrix(rows, cols, Float64Array.from(data).reverse());
}

/**
 * The products under one window, row by row; zero where it lies in the padding.
 * (r, c) is the window's top left corner in the unpadded image.
 */
export function products(image, kernel, r, c, dilation = [1, 1]) {
  const out = new Float64Array(kernel.rows * kernel.cols);
  for (let a = 0; a < kernel.rows; a++) {
    const y = r + a * dilation[0];
    if (y < 0 || y >= image.rows) continue;
    for (let b = 0; b < kernel.cols; b++) {
      const x = c + b * dilation[1];
      if (x >= 0 && x < image.cols)
        out[a * kernel.cols + b] = image.data[y * image.cols + x] * kernel.data[a * kernel.cols + b];
    }
  }
  return out;
}

/**
 * Slide the kernel over the image and add the products at each stop.
 * padding: [[top, bottom], [left, right]]; stride and dilation: [down, across].
 * When no window fits the result has no rows or no columns.
 */
export function crossCorrelate(image, kernel, { padding = [[0, 0], [0, 0]], stride = [1, 1], dilation = [1, 1] } = {}) {
  const options = (axis) => ({ padding: padding[axis], stride: stride[axis], dilation: dilation[axis] });
  const rows = outputSize(image.rows, kernel.rows, options(0));
  const cols = outputSize(image.cols, kernel.cols, options(1));
  const out = matrix(rows, cols);
  for (let i = 0; i < rows; i++) {
    const top = i * stride[0] - padding[0][0];
    for (let j = 0; j < cols; j++) {
      const left = j * stride[1] - padding[1][0];
      let sum = 0;
      for (let a = 0; a < kernel.rows; a++) {
        const y = top + a * dilation[0];
        if (y < 0 || y >= image.rows) continue;
        for (let b = 0; b < kernel.cols; b++) {
          const x = left + b * dilation[1];
          if (x >= 0 && x < image.cols) sum += image.data[y * image.cols + x] * kernel.data[a * kernel.cols + b];
        }
      }
      out.data[i * cols + j] = sum;
    }
  }
  return out;
}

/** True convolution: the same walk with the kernel flipped both ways. */
export function convolve(image, kernel, options) {
  return crossCorrelate(image, flip(kernel), options);
}
