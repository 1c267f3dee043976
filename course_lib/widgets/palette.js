// The page's colours, light or dark, and the maps from values to colours.

import { element } from "./dom.js";
import { clamp } from "./numbers.js";

const TOKENS = {
  ink: "#1c2430", muted: "#566172", paper: "#fffdf9", panel: "#f6f2e9", line: "#d8d2c4",
  input: "#2563a8", kernel: "#b3470b", output: "#1f7350", pad: "#b9b2a3", accent: "#6b3fa0",
  negative: "#b3470b", zero: "#f4f1ea", positive: "#2563a8",
};

export function rgb(hex) {
  const n = parseInt(hex.slice(1), 16);
  return [(n >> 16) & 255, (n >> 8) & 255, n & 255];
}

export function mix(from, to, t) {
  return from.map((a, i) => Math.round(a + (to[i] - a) * t));
}

const css = ([r, g, b]) => `rgb(${r},${g},${b})`;

/** WCAG relative luminance of an [r, g, b] colour, 0 (black) to 1 (white). */
export function luminance(colour) {
  const [r, g, b] = colour.map((c) => {
    const s = c / 255;
    return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** A ramp of 256 fills with, for each, the text colour readable on it. */
function ramp(stops) {
  const fills = [], inks = [];
  for (let i = 0; i < 256; i++) {
    const x = (i / 255) * (stops.length - 1);
    const k = Math.min(Math.floor(x), stops.length - 2);
    const colour = mix(stops[k], stops[k + 1], x - k);
    fills.push(css(colour));
    inks.push(luminance(colour) > 0.18 ? "#14181f" : "#ffffff");
  }
  return { fills, inks };
}

/** The page's colours now, and the maps from values to colours. */
export class Palette {
  constructor(node) {
    const style = getComputedStyle(node);
    for (const [name, light] of Object.entries(TOKENS))
      this[name] = style.getPropertyValue(`--x-${name}`).trim() || light;
    const hex = (name) => rgb(/^#[0-9a-f]{6}$/i.test(this[name]) ? this[name] : TOKENS[name]);
    this.greys = ramp([[0, 0, 0], [255, 255, 255]]);
    // Equal steps of orange and blue differ for every common colour blindness.
    this.diverging = ramp([hex("negative"), hex("zero"), hex("positive")]);
    this.heats = ramp([hex("zero"), hex("output")]);
    this.font = style.getPropertyValue("--x-mono") || "ui-monospace, monospace";
  }

  /** Diagonal lines on panel colour, for padding; made once for each theme. */
  hatching(g, scale) {
    if (this.hatch) return this.hatch;
    const tile = element("canvas", { width: 8 * scale, height: 8 * scale });
    const t = tile.getContext("2d");
    t.scale(scale, scale);
    t.fillStyle = this.panel;
    t.fillRect(0, 0, 8, 8);
    t.strokeStyle = this.pad;
    t.lineWidth = 1.2;
    t.beginPath();
    for (const d of [-8, 0, 8]) {
      t.moveTo(d - 1, 9);
      t.lineTo(d + 9, -1);
    }
    t.stroke();
    this.hatch = g.createPattern(tile, "repeat");
    this.hatch.setTransform(new DOMMatrix().scale(1 / scale));
    return this.hatch;
  }

  static index(t) {
    return Number.isFinite(t) ? clamp(Math.round(t * 255), 0, 255) : 0;
  }

  /** Fill and ink of a grey image value in [0, 1]; white is 1. */
  grey(value) {
    const i = Palette.index(value);
    return [this.greys.fills[i], this.greys.inks[i]];
  }

  /** Fill and ink of a signed value; ±`top` reach the ends of the map. */
  signed(value, top) {
    const i = Palette.index(0.5 + 0.5 * (top > 0 ? value / top : 0));
    return [this.diverging.fills[i], this.diverging.inks[i]];
  }

  /** Fill and ink of a count in [0, top]. */
  heat(value, top) {
    const i = Palette.index(top > 0 ? value / top : 0);
    return [this.heats.fills[i], this.heats.inks[i]];
  }
}
