// Making DOM nodes: elements, buttons, choices, colour scales.

/** element("p", {class: "x"}, "text", child): a DOM node in one expression. */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** Set text only where it changed, so that screen readers hear changes only. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function button(label, onclick, attributes = {}) {
  return element("button", { type: "button", class: "cnn-button", onclick, ...attributes }, label);
}

/** A row of buttons of which exactly one is pressed; `pick(i)` shows which. */
export function choice(name, labels, onpick) {
  const buttons = labels.map((label, i) =>
    button(label, () => onpick(i), { "aria-pressed": "false" }));
  const node = element("div", { class: "cnn-choice", role: "group", "aria-label": name }, ...buttons);
  const pick = (chosen) =>
    buttons.forEach((b, i) => b.setAttribute("aria-pressed", String(i === chosen)));
  return { node, pick, buttons };
}

/** A colour scale with three labels; `show(low, middle, high)` sets them. */
export function legend(kind = "signed") {
  const labels = [0, 1, 2].map(() => element("span"));
  const node = element("div", { class: `cnn-legend cnn-${kind}` }, ...labels);
  const show = (...texts) => texts.forEach((text, i) => setText(labels[i], text));
  return { node, show };
}

export function prefersReducedMotion() {
  return globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches ?? false;
}
