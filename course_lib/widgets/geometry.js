// Sizes, windows and pixel use: whole numbers only, no DOM. It mirrors
// course_lib/geometry.py function by function; the tests compare the two.
// Padding is always [before, after]; one axis at a time.

/** What a dilated kernel reaches over: d(k − 1) + 1. */
export function span(k, dilation = 1) {
  return dilation * (k - 1) + 1;
}

/** Number of windows along one axis, or 0 when not even one fits. */
export function outputSize(n, k, { padding = [0, 0], stride = 1, dilation = 1, ceilMode = false } = {}) {
  const room = n + padding[0] + padding[1] - span(k, dilation);
  if (!ceilMode) return Math.max(0, Math.floor(room / stride) + 1);
  // Rounding up admits a window that is a little larger than the image, as torch does.
  const size = Math.max(0, Math.ceil(room / stride) + 1);
  // PyTorch drops a last window that would start in the padding after the end.
  return (size - 1) * stride >= n + padding[0] ? size - 1 : size;
}

/** [before, after] that keep the size at stride 1; the larger half comes first. */
export function samePadding(k, dilation = 1) {
  return splitTotal(span(k, dilation) - 1);
}

/** A total split over both sides: ceil before, floor after. */
export function splitTotal(total) {
  return [Math.ceil(total / 2), Math.floor(total / 2)];
}

/** Trailing padded positions that no window reaches. */
export function unused(n, k, { padding = [0, 0], stride = 1, dilation = 1 } = {}) {
  const padded = n + padding[0] + padding[1];
  const size = outputSize(n, k, { padding, stride, dilation });
  return size === 0 ? padded : padded - ((size - 1) * stride + span(k, dilation));
}

/** How often each of the n input pixels is read, along one axis. */
export function pixelUse(n, k, { padding = [0, 0], stride = 1, dilation = 1 } = {}) {
  const use = new Array(n).fill(0);
  const size = outputSize(n, k, { padding, stride, dilation });
  for (let i = 0; i < size; i++) {
    for (let a = 0; a < k; a++) {
      const at = i * stride + a * dilation - padding[0];
      if (at >= 0 && at < n) use[at]++;
    }
  }
  return use;
}

/**
 * Receptive field of one unit on top of a stack of windows
 * {k, stride, padding: [before, after], dilation}: its size, the distance between
 * neighbouring units, and the first input index that unit 0 sees.
 */
export function receptiveField(stack) {
  let size = 1, stride = 1, start = 0;
  for (const layer of stack) {
    size += (span(layer.k, layer.dilation) - 1) * stride;
    start -= layer.padding[0] * stride;
    stride *= layer.stride;
  }
  return { size, stride, start };
}

/** First and last input index seen by unit i; they may leave the image. */
export function interval(field, i) {
  const first = field.start + i * field.stride;
  return [first, first + field.size - 1];
}
