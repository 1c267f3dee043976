// Grids of cells that work by pointer and by keyboard.

import { element, setText } from "./dom.js";
import { clamp } from "./numbers.js";

/**
 * A grid of cells on a canvas: quick to paint, yet every cell is reachable.
 * Screen readers and keyboards meet a `grid` of which only the current cell
 * exists in the DOM (two take turns, so that a move moves the focus too).
 *
 * options: name (what the grid is), role ("input" | "kernel" | "output"),
 * maxCell (px), onmove(r, c, by) with by "pointer" | "key", onleave(),
 * onpress(r, c, by), ondrag(r, c), draggable, onkey(event, r, c) → true when it
 * used the key, "pass" when the key should go on into a field focused meanwhile.
 */
export class Grid {
  constructor(view, options) {
    Object.assign(this, { view, rows: 1, cols: 1, cell: 0, at: [0, 0], maxCell: 44, ...options });
    this.caption = element("figcaption", {});
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.cells = [0, 1].map(() => element("div", { role: "gridcell", class: "cnn-cell" }));
    this.lines = this.cells.map((cell) => element("div", { role: "row", hidden: true }, cell));
    this.turn = 0;
    this.table = element("div", { role: "grid", class: "cnn-cells", "aria-label": this.name }, ...this.lines);
    this.box = element("div", { class: "cnn-canvas" }, this.canvas, this.table);
    this.node = element("figure", { class: `cnn-figure cnn-${this.role ?? "plain"}` }, this.caption, this.box);
    if (this.draggable) this.canvas.classList.add("cnn-draggable");
    this.width = 0;
    const sizes = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry.contentRect.width);
      if (width !== this.width) {
        this.width = width;
        view.redraw();
      }
    });
    sizes.observe(this.node);
    view.cleanups.push(() => sizes.disconnect());
    this.listenToPointer();
    this.table.addEventListener("keydown", (event) => this.key(event));
    this.place(0, 0);
  }

  // ---- pointer

  hit(event) {
    const box = this.canvas.getBoundingClientRect();
    const r = Math.floor(((event.clientY - box.top) / box.height) * this.rows);
    const c = Math.floor(((event.clientX - box.left) / box.width) * this.cols);
    return [clamp(r, 0, this.rows - 1), clamp(c, 0, this.cols - 1)];
  }

  listenToPointer() {
    let last = "";
    let pressed = false;
    const move = (event) => {
      const [r, c] = this.hit(event);
      if (`${r},${c}` === last) return;
      last = `${r},${c}`;
      if (pressed) this.ondrag?.(r, c);
      else if (event.pointerType !== "touch") this.onmove?.(r, c, "pointer");
    };
    const on = (name, handler) => this.canvas.addEventListener(name, handler);
    on("pointermove", move);
    on("pointerdown", (event) => {
      const [r, c] = this.hit(event);
      last = `${r},${c}`;
      pressed = true;
      if (this.draggable) this.canvas.setPointerCapture(event.pointerId);
      this.place(r, c);
      this.onmove?.(r, c, "pointer");
      this.onpress?.(r, c, "pointer");
      event.preventDefault(); // keep the focus where it is set next
      this.focus();
    });
    for (const name of ["pointerup", "pointercancel"]) on(name, () => (pressed = false));
    on("pointerleave", () => {
      last = "";
      this.onleave?.();
    });
  }

  // ---- keyboard

  key(event) {
    const [r, c] = this.at;
    const moves = {
      ArrowUp: [r - 1, c], ArrowDown: [r + 1, c], ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1],
      Home: [event.ctrlKey ? 0 : r, 0], End: [event.ctrlKey ? this.rows - 1 : r, this.cols - 1],
    };
    const to = moves[event.key];
    if (to && !event.altKey && !event.metaKey) {
      const [i, j] = [clamp(to[0], 0, this.rows - 1), clamp(to[1], 0, this.cols - 1)];
      this.place(i, j, true);
      this.onmove?.(i, j, "key");
    } else if ([" ", "Enter"].includes(event.key) && this.onpress) {
      this.onpress(r, c, "key");
    } else {
      const handled = this.onkey?.(event, r, c);
      if (!handled) return;
      if (handled === "pass") return event.stopPropagation();
    }
    event.preventDefault();
    event.stopPropagation();
  }

  focus() {
    this.cells[this.turn].focus({ preventScroll: true });
  }

  /** Make (r, c) the current cell. */
  place(r, c, focus = false) {
    const moved = r !== this.at[0] || c !== this.at[1];
    const focused = this.table.contains(document.activeElement);
    if (moved) this.turn = 1 - this.turn;
    this.at = [r, c];
    this.lines.forEach((line, i) => {
      line.hidden = i !== this.turn;
      this.cells[i].tabIndex = i === this.turn ? 0 : -1;
    });
    this.lines[this.turn].setAttribute("aria-rowindex", r + 1);
    this.cells[this.turn].setAttribute("aria-colindex", c + 1);
    this.label();
    if (focus || (moved && focused)) this.focus();
  }

  label() {
    const [r, c] = this.at;
    const cell = this.cells[this.turn];
    const value = this.say?.(r, c);
    // Counted from 0, as in the code that the page prints.
    const text = `row ${r}, column ${c}${value === undefined ? "" : `: ${value}`}`;
    if (cell.getAttribute("aria-label") !== text) cell.setAttribute("aria-label", text);
    Object.assign(cell.style, {
      left: `${c * this.cell}px`, top: `${r * this.cell}px`, width: `${this.cell}px`, height: `${this.cell}px`,
    });
  }

  // ---- drawing

  /**
   * shape: rows, cols; colour(r, c) → [fill, ink]; text(r, c) → "" or a number
   * to print; hatched(r, c) → padding?; say(r, c) → the cell in words;
   * marks: [{r, c, h, w, colour, width, dash, fill}] in cells.
   */
  draw(picture) {
    const { rows, cols, say, caption } = picture;
    Object.assign(this, { rows, cols, say });
    if (caption !== undefined) setText(this.caption, caption);
    this.resize();
    if (this.at[0] >= rows || this.at[1] >= cols) this.place(Math.min(this.at[0], rows - 1), Math.min(this.at[1], cols - 1));
    this.label();
    this.view.canvases.push(() => this.fill(picture));
  }

  /** Paint the canvas; the view calls it when the document has changed for good. */
  fill({ rows, cols, colour, text, hatched, marks = [], lines = true, paint }) {
    const { canvas, cell } = this;
    const g = canvas.getContext("2d");
    const { palette } = this.view;
    g.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    g.clearRect(0, 0, cols * cell, rows * cell);
    const size = Math.min(15, Math.floor(cell * 0.4));
    g.font = `${size}px ${palette.font}`;
    g.textAlign = "center";
    g.textBaseline = "middle";
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < cols; c++) {
        if (hatched?.(r, c)) this.hatch(g, r, c);
        const [fill, ink] = colour(r, c) ?? [null, palette.ink];
        if (fill) {
          g.fillStyle = fill;
          g.fillRect(c * cell, r * cell, cell, cell);
        }
        const label = cell >= 18 && text ? text(r, c) : "";
        if (label) this.print(g, label, r, c, ink, size);
      }
    }
    if (lines && cell >= 14) this.rule(g);
    for (const mark of marks) this.mark(g, mark);
    paint?.(g, cell);
  }

  resize() {
    const { rows, cols, canvas } = this;
    const width = this.width || this.node.clientWidth || 240;
    this.scale = Math.min(globalThis.devicePixelRatio || 1, 3);
    // Whole device pixels per cell, or neighbouring fills leave seams.
    const whole = Math.floor((width / cols) * this.scale) / this.scale;
    this.cell = clamp(whole, 2, this.maxCell);
    const [w, h] = [cols * this.cell, rows * this.cell];
    const [pw, ph] = [Math.round(w * this.scale), Math.round(h * this.scale)];
    if (canvas.width !== pw || canvas.height !== ph) {
      Object.assign(canvas, { width: pw, height: ph });
      Object.assign(canvas.style, { width: `${w}px`, height: `${h}px` });
      Object.assign(this.box.style, { width: `${w}px`, height: `${h}px` });
      this.table.setAttribute("aria-rowcount", rows);
      this.table.setAttribute("aria-colcount", cols);
    }
  }

  print(g, label, r, c, ink, size) {
    const { cell } = this;
    const fits = Math.min(1, (cell - 4) / (label.length * size * 0.62));
    if (size * fits < 7) return; // too small to read: the sentence below says it
    g.fillStyle = ink;
    if (fits < 1) g.font = `${Math.floor(size * fits)}px ${this.view.palette.font}`;
    g.fillText(label, (c + 0.5) * cell, (r + 0.5) * cell + 0.5);
    if (fits < 1) g.font = `${size}px ${this.view.palette.font}`;
  }

  hatch(g, r, c) {
    const { cell } = this;
    g.fillStyle = this.view.palette.hatching(g, this.scale);
    g.fillRect(c * cell, r * cell, cell, cell);
  }

  rule(g) {
    const { rows, cols, cell } = this;
    g.strokeStyle = this.view.palette.line;
    g.lineWidth = 1;
    g.beginPath();
    for (let r = 0; r <= rows; r++) {
      const y = clamp(r * cell, 0.5, rows * cell - 0.5);
      g.moveTo(0, y);
      g.lineTo(cols * cell, y);
    }
    for (let c = 0; c <= cols; c++) {
      const x = clamp(c * cell, 0.5, cols * cell - 0.5);
      g.moveTo(x, 0);
      g.lineTo(x, rows * cell);
    }
    g.stroke();
  }

  mark(g, { r, c, h = 1, w = 1, colour, width = 3, dash, fill }) {
    const { cell } = this;
    const inset = Math.min(width / 2, cell * h / 2, cell * w / 2);
    const box = [c * cell + inset, r * cell + inset, w * cell - 2 * inset, h * cell - 2 * inset];
    if (fill) {
      g.globalAlpha = 0.22;
      g.fillStyle = fill;
      g.fillRect(...box);
      g.globalAlpha = 1;
    }
    if (colour) {
      g.setLineDash(dash ?? []);
      // A thin paper-coloured casing keeps the frame visible on any cell.
      g.strokeStyle = this.view.palette.paper;
      g.lineWidth = width + 2;
      if (!dash) g.strokeRect(...box);
      g.strokeStyle = colour;
      g.lineWidth = width;
      g.strokeRect(...box);
      g.setLineDash([]);
    }
  }
}
