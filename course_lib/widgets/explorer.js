// What every explorer shares: the frame around the picture, drawing once per
// frame, links to the values, Reset, Step and Play. No library: the text of all
// these files is shipped inside each explorer.

import { button, element, prefersReducedMotion, setText } from "./dom.js";
import { Palette } from "./palette.js";

export { button, choice, element, legend, prefersReducedMotion, setText } from "./dom.js";
export { Grid } from "./grid.js";
export { clamp, count, fmt } from "./numbers.js";
export { Palette, luminance, mix, rgb } from "./palette.js";

/**
 * One explorer on the page. `build(view)` makes the DOM once and returns
 * `draw(state)`, which paints and returns the sentence that says what is seen.
 */
export class View {
  constructor(model, el, keys) {
    Object.assign(this, { model, keys, grids: [], cleanups: [], frame: 0, drawn: 0 });
    this.stage = element("div", { class: "cnn-stage" });
    this.text = element("p", { class: "cnn-text", "aria-live": "polite" });
    this.error = element("p", { class: "cnn-error", role: "alert", hidden: true });
    this.toolbar = element("div", { class: "cnn-toolbar" });
    // In JupyterLab single keys are commands; not while they edit cells here.
    this.root = element("div", { class: "cnn-view", "data-lm-suppress-shortcuts": "true" },
      this.stage, this.toolbar, this.text, this.error);
    this.root.explorer = this; // a handle for tests and for the console
    el.append(this.root);
  }

  start(build) {
    this.palette = new Palette(this.root);
    this.draw = build(this);
    this.toolbar.append(button("Reset", () => this.reset(), { class: "cnn-button cnn-reset" }));
    for (const key of this.keys) this.listen(this.model, `change:${key}`, () => this.redraw());
    this.followTheme();
    this.paint();
  }

  listen(target, event, handler) {
    target.on(event, handler);
    this.cleanups.push(() => target.off(event, handler));
  }

  get state() {
    return Object.fromEntries(this.keys.map((key) => [key, this.model.get(key)]));
  }

  /** Write traits: the controls follow through their links, Python if there. */
  set(changes) {
    for (const [key, value] of Object.entries(changes)) this.model.set(key, value);
    try {
      this.model.save_changes();
    } catch {
      // A static page has nobody to tell; the picture is already right.
    }
    this.redraw();
  }

  reset() {
    this.onreset?.();
    this.set(structuredClone(this.model.get("defaults")));
  }

  /** Ask for a drawing; many asks within one frame are one drawing. */
  redraw() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  paint() {
    // An exception here would break the chain of links between the controls.
    try {
      this.canvases = [];
      setText(this.text, this.draw(this.state));
      // Canvas text makes the browser settle styles and layout: after all changes to
      // the document it does so once, between them once for each grid.
      for (const fill of this.canvases) fill();
      this.error.hidden = true;
    } catch (problem) {
      this.error.hidden = false;
      setText(this.error, `This picture could not be drawn: ${problem.message}`);
      console.error(problem);
    }
    this.root.dataset.drawn = ++this.drawn;
  }

  followTheme() {
    const refresh = () => {
      this.palette = new Palette(this.root);
      this.redraw();
    };
    const watcher = new MutationObserver(refresh);
    for (const node of [document.documentElement, document.body])
      watcher.observe(node, { attributes: true, attributeFilter: ["data-theme", "data-jp-theme-light", "class"] });
    this.cleanups.push(() => watcher.disconnect());
    // A canvas is not redrawn by itself when a web font arrives.
    document.fonts.addEventListener("loadingdone", refresh);
    this.cleanups.push(() => document.fonts.removeEventListener("loadingdone", refresh));
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
      const media = matchMedia(query);
      media.addEventListener("change", refresh);
      this.cleanups.push(() => media.removeEventListener("change", refresh));
    }
  }

  stop() {
    cancelAnimationFrame(this.frame);
    for (const cleanup of this.cleanups) cleanup();
  }
}

/** The default export of an explorer's module. */
export function explorer({ keys, build }) {
  return {
    render({ model, el }) {
      const view = new View(model, el, keys);
      view.start(build);
      return () => view.stop();
    },
  };
}

/** Step and Play buttons; `step()` returns false when it has reached the end. */
export function player(view, step, milliseconds = 450) {
  let timer = 0;
  const label = () => (timer ? "Pause" : "Play");
  const pause = () => {
    clearInterval(timer);
    timer = 0;
    setText(play, label());
  };
  const tick = () => {
    if (step() === false) pause();
  };
  const play = button("Play", () => {
    if (timer) return pause();
    timer = setInterval(tick, milliseconds);
    setText(play, label());
    tick();
  });
  const once = button("Step", () => {
    pause();
    step();
  });
  view.cleanups.push(pause);
  // Whoever asked for less motion steps by hand.
  const buttons = prefersReducedMotion() ? [once] : [once, play];
  return { buttons, pause };
}
