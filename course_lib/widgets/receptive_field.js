/**
 * Receptive fields of a stack of sliding-window layers, one axis at a time. No DOM: runs under Node too.
 *
 * A layer is { kernel, stride, padding, dilation } (padding per side); a stack is an array of layers, input
 * first. Unit i of a layer reads positions i*stride - padding + a*dilation, a = 0 … kernel-1, of the layer below.
 */

import { interval, outputSize, receptiveField } from "./geometry.js";

/** Number of units per layer for n inputs: [n, n1, n2, …]; from the first layer that does not fit on, 0. */
export function layerSizes(n, stack) {
  const sizes = [n];
  for (const { kernel, stride = 1, padding = 0, dilation = 1 } of stack) {
    const below = sizes[sizes.length - 1];
    sizes.push(below > 0 ? outputSize(below, kernel, { padding: [padding, padding], stride, dilation }) : 0);
  }
  return sizes;
}

/** The window of the stack's units in the input: unit i covers start + i*stride …, `size` positions. */
export function fieldOf(stack) {
  return receptiveField(stack.map(({ kernel, stride = 1, padding = 0, dilation = 1 }) =>
    ({ k: kernel, stride, padding: [padding, padding], dilation })));
}

/** First and last input index in the window of unit i; both may lie outside the input. */
export function fieldInterval(stack, i) {
  return interval(fieldOf(stack), i);
}

/**
 * How many routes lead from each of n inputs to unit i of the top layer (an array of n counts).
 * With all weights equal to one this is the unit's gradient; an input that no route reaches counts 0,
 * as it does in the holes of a dilated kernel. Padding cuts routes: it is not computed from the input.
 */
export function routeCounts(n, stack, i) {
  const sizes = layerSizes(n, stack);
  let counts = new Float64Array(Math.max(0, sizes[stack.length]));
  if (i >= 0 && i < counts.length) counts[i] = 1;
  for (let l = stack.length - 1; l >= 0; l--) {
    const { kernel, stride = 1, padding = 0, dilation = 1 } = stack[l];
    const below = new Float64Array(Math.max(0, sizes[l]));
    counts.forEach((count, unit) => {
      if (count === 0) return;
      for (let a = 0; a < kernel; a++) {
        const position = unit * stride - padding + a * dilation;
        if (position >= 0 && position < below.length) below[position] += count;
      }
    });
    counts = below;
  }
  return counts;
}
