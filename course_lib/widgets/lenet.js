/**
 * The forward pass of LeNet and its relatives for one image, keeping every map. No DOM: runs under Node too.
 *
 * A net is a list of layers in order, as LeNetExplorer writes it from an nn.Sequential:
 *   { kind: "conv", in, out, kernel, stride, padding, weight, bias }        pairs are [down, across]
 *   { kind: "avg_pool" | "max_pool", kernel, stride, padding }
 *   { kind: "linear", in, out, weight, bias }
 *   { kind: "sigmoid" | "tanh" | "relu" | "flatten" }
 * `weight` and `bias` are flat arrays in PyTorch's order. Sums run in double precision; what is stored has the
 * precision of `Store` (Float32Array like the page's net, or Float64Array).
 */

import { poolImage } from "./pooling.js";

const ACTIVATIONS = {
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  relu: (x) => (x > 0 || Number.isNaN(x) ? x : 0),
};

/** All maps of the net, input first: [{ shape: [C, H, W] or [n], values }]. */
export function forwardMaps(layers, image, shape, Store = Float32Array) {
  const maps = [{ shape, values: Store.from(image) }];
  for (const layer of layers) maps.push(applyLayer(layer, maps[maps.length - 1], Store));
  return maps;
}

function applyLayer(layer, input, Store) {
  if (layer.kind === "conv") return convMaps(layer, input, Store);
  if (layer.kind === "linear") return denseUnits(layer, input, Store);
  if (layer.kind === "flatten") return { shape: [input.values.length], values: input.values };
  if (layer.kind.endsWith("_pool")) return poolMaps(layer, input, Store);
  const activation = ACTIVATIONS[layer.kind];
  if (!activation) throw new RangeError(`No forward pass for a layer of kind "${layer.kind}".`);
  return { shape: input.shape, values: input.values.map(activation) };
}

function convMaps({ in: channelsIn, out, kernel, stride, padding, weight, bias }, { shape, values }, Store) {
  const [, H, W] = shape;
  const [kh, kw] = kernel;
  const outH = Math.floor((H + 2 * padding[0] - kh) / stride[0]) + 1;
  const outW = Math.floor((W + 2 * padding[1] - kw) / stride[1]) + 1;
  const result = new Store(out * outH * outW);
  const sums = new Float64Array(outH * outW);
  for (let o = 0; o < out; o++) {
    sums.fill(bias ? bias[o] : 0);
    for (let c = 0; c < channelsIn; c++) {
      for (let a = 0; a < kh; a++) {
        for (let b = 0; b < kw; b++) {
          // One weight at a time, added to every output it takes part in: the inner loop has no tests.
          const w = weight[((o * channelsIn + c) * kh + a) * kw + b];
          const [firstCol, endCol] = reachable(W, outW, b - padding[1], stride[1]);
          const [firstRow, endRow] = reachable(H, outH, a - padding[0], stride[0]);
          for (let i = firstRow; i < endRow; i++) {
            const row = (c * H + i * stride[0] + a - padding[0]) * W + b - padding[1];
            for (let j = firstCol; j < endCol; j++) sums[i * outW + j] += w * values[row + j * stride[1]];
          }
        }
      }
    }
    result.set(sums, o * outH * outW);
  }
  return { shape: [out, outH, outW], values: result };
}

/** The outputs i whose position i*stride + offset lies in the input 0 … n-1, as [first, end). */
function reachable(n, outputs, offset, stride) {
  const first = Math.max(0, Math.ceil(-offset / stride));
  return [first, Math.min(outputs, Math.floor((n - 1 - offset) / stride) + 1)];
}

function poolMaps({ kind, kernel, stride, padding }, { shape, values }, Store) {
  const [C, H, W] = shape;
  const options = { kernel, stride, padding, mode: kind === "max_pool" ? "max" : "avg" };
  const pooled = Array.from({ length: C }, (_, c) => poolImage(values.subarray(c * H * W, (c + 1) * H * W), H, W, options));
  const { height, width } = pooled[0];
  const result = new Store(C * height * width);
  pooled.forEach((map, c) => result.set(map.values, c * height * width));
  return { shape: [C, height, width], values: result };
}

function denseUnits({ in: inputs, out, weight, bias }, { values }, Store) {
  const result = new Store(out);
  for (let o = 0; o < out; o++) {
    let sum = bias ? bias[o] : 0;
    for (let i = 0; i < inputs; i++) sum += weight[o * inputs + i] * values[i];
    result[o] = sum;
  }
  return { shape: [out], values: result };
}

/** Probabilities from scores, shifted by the largest score so that the exponentials cannot overflow. */
export function softmax(scores) {
  const top = Math.max(...scores);
  const powers = Float64Array.from(scores, (s) => Math.exp(s - top));
  const total = powers.reduce((sum, p) => sum + p, 0);
  return powers.map((p) => p / total);
}
