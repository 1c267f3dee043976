// Predict, then reveal: questions, the verdict on an answer, progress in this browser.

import { button, element, setText } from "./dom.js";

const LISTS = ["answers", "tries", "solved", "shown"];
const PREFIX = "cnn-quiz/";
const CHANGED = "cnn-quiz-changed";
const FORGOTTEN = "cnn-quiz-forgotten";

// ------------------------------------------------------------- what is right

/** A number as readers type it: 3,996,001 · −1 · 1e9 · 10^12 · 4/9 · 85.9 %; or null. */
export function readNumber(typed) {
  let text = typed.trim().replace(/[−–]/g, "-").replace(/[\s_'’\u00a0\u202f]|%$/g, "");
  text = /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(text) ? text.replaceAll(",", "") : text.replace(",", ".");
  const fraction = text.match(/^([^/]+)\/([^/]+)$/);
  if (fraction) {
    const [above, below] = [readNumber(fraction[1]), readNumber(fraction[2])];
    return above === null || !below ? null : above / below;
  }
  text = text.replace(/^([+-]?[\d.]+)[·*×x]10\^/, "$1e").replace(/^([+-]?)10\^/, "$11e");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : null;
}

/** Whether two answers are the same; grids and shapes number by number. */
export function agree(one, other, tolerance = 0) {
  if (Array.isArray(one)) {
    return Array.isArray(other) && one.length === other.length
      && one.every((value, i) => agree(value, other[i], tolerance));
  }
  if (typeof one !== "number") return one === other;
  return Math.abs(one - other) <= tolerance + 1e-9 * Math.abs(other);
}

/** What to say to an answer: right, the mistake that it fits, or how much of it is right. */
export function judge(question, given) {
  const { answer, mistakes, tolerance = 0 } = question;
  if (agree(given, answer, tolerance)) return { right: true };
  const mistake = mistakes.find((m) => agree(given, m.answer, tolerance));
  if (mistake) return { right: false, mistake };
  if (!Array.isArray(answer)) return { right: false, part: "" };
  const flags = given.flat().map((value, i) => agree(value, answer.flat()[i], tolerance));
  const good = flags.filter(Boolean).length;
  if (question.kind === "cells") return { right: false, part: `${good} of ${flags.length} cells are right.`, flags };
  const fine = question.names.filter((_, i) => flags[i]);
  return { right: false, part: fine.length ? `Right so far: ${fine.join(", ")}.` : "", flags };
}

// ------------------------------------------------------------------ progress

// Without storage (private windows, some pages from disk) progress lasts as long as the page.
const memory = new Map();
let kept = true;

function storage(use) {
  try {
    return use(globalThis.localStorage);
  } catch {
    kept = false;
    return null;
  }
}

function remembered(id) {
  const text = storage((s) => s.getItem(PREFIX + id)) ?? memory.get(id);
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

function remember(id, record) {
  const text = JSON.stringify(record);
  memory.set(id, text);
  storage((s) => s.setItem(PREFIX + id, text));
}

/** Forget every question whose id begins so, also those of other pages. */
function forget(start) {
  for (const id of [...memory.keys()]) if (id.startsWith(start)) memory.delete(id);
  storage((s) => {
    for (const key of Object.keys(s)) if (key.startsWith(PREFIX + start)) s.removeItem(key);
  });
  document.dispatchEvent(new CustomEvent(FORGOTTEN, { detail: start }));
}

/** The questions of this page, each once, however often it is shown. */
function onThisPage(page) {
  const states = new Map();
  for (const root of document.querySelectorAll(".cnn-quiz-view")) {
    if (root.quiz?.page === page) root.quiz.items.forEach((item, i) => states.set(item.question.id, root.quiz.record(i)));
  }
  return [...states.values()];
}

// --------------------------------------------------------------- one question

/** HTML written by the course's authors, which came with the widget. */
function rich(tag, attributes, text) {
  const node = element(tag, attributes);
  node.innerHTML = text;
  return node;
}

/** A link to a paragraph: on the built site a page and an anchor, in a notebook its heading. */
function pointer([label, target]) {
  const [page, anchor] = target.split("#");
  const site = document.documentElement.dataset.content_root;
  if (site !== undefined) {
    const here = location.pathname.endsWith(`/${page}.html`);
    return element("a", { href: here ? `#${anchor}` : `${site}book/${page}.html#${anchor}` }, label);
  }
  const heading = [...document.querySelectorAll("h1, h2, h3, h4")]
    .find((node) => node.textContent.replace(/[¶#]/g, "").trim() === label);
  if (!heading) return element("cite", {}, `${label} (${page})`);
  const onclick = (event) => {
    event.preventDefault();
    heading.scrollIntoView();
  };
  return element("a", { href: heading.id ? `#${heading.id}` : "#", onclick }, label);
}

class Item {
  constructor(quiz, question, place, total) {
    Object.assign(this, { quiz, question, place });
    this.name = `cnn-quiz-${Math.random().toString(36).slice(2)}`; // shown twice, it needs two
    const number = element("span", { class: "cnn-quiz-count" }, total > 1 ? `${place + 1} of ${total}. ` : "");
    const legend = element("legend", {}, number, rich("span", {}, question.ask));
    const picture = question.picture ? rich("div", { class: "cnn-quiz-picture" }, question.picture) : "";
    this.fields = [];
    this.verdict = element("div", { class: "cnn-verdict", role: "status" });
    this.why = element("div", { class: "cnn-why", id: `${this.name}-why`, hidden: true });
    this.check = button("Check", () => this.submit(), { class: "cnn-button cnn-check" });
    this.show = button("Show why", () => this.reveal(), { hidden: true, "aria-expanded": "false", "aria-controls": this.why.id });
    // No form element: notebooks do not let one be submitted by the Enter key.
    const onkeydown = (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.submit();
    };
    const form = element("div", { class: "cnn-form" },
      element("fieldset", { onkeydown }, legend, picture, this.inputs()),
      element("div", { class: "cnn-toolbar" }, this.check, this.show), this.verdict, this.why);
    this.node = element("li", { class: "cnn-question", "data-kind": question.kind, "data-id": question.id }, form);
  }

  field(label, attributes = {}) {
    const input = element("input", { type: "text", inputmode: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false", "aria-label": label, ...attributes });
    this.fields.push(input);
    return input;
  }

  inputs() {
    const { kind, names, options, unit, answer, name } = this.question;
    if (kind === "number") {
      const label = unit ? `your answer, ${unit}` : "your answer";
      return element("div", { class: "cnn-quiz-row" }, this.field(label, { size: 14 }), unit ? element("span", { "aria-hidden": "true" }, unit) : "");
    }
    if (kind === "shape") {
      const boxes = names.flatMap((label, i) => [i ? element("span", { class: "cnn-times", "aria-hidden": "true" }, "×") : "",
        element("label", {}, label, this.field(label, { size: 5 }))]);
      return element("div", { class: "cnn-quiz-row" }, ...boxes);
    }
    if (kind === "choice") {
      return element("div", { class: "cnn-options" }, ...options.map((text, i) => {
        const input = element("input", { type: "radio", name: this.name, value: i });
        this.fields.push(input);
        return element("label", {}, input, rich("span", {}, text));
      }));
    }
    const columns = answer[0].length;
    const cells = answer.flatMap((row, r) => row.map((_, c) =>
      this.field(`${name}, row ${r}, column ${c}`, { onkeydown: (event) => this.walk(event, r, c, columns) })));
    return element("div", {}, element("div", { class: "cnn-cells-name", "aria-hidden": "true" }, name),
      element("div", { class: "cnn-quiz-grid", style: `--columns: ${columns}` }, ...cells));
  }

  /** Arrow keys lead from cell to cell; sideways only from the end of what is typed. */
  walk(event, r, c, columns) {
    const { selectionStart: at, selectionEnd: end, value } = event.target;
    const step = { ArrowUp: -columns, ArrowDown: columns, ArrowLeft: c > 0 && end === 0 ? -1 : 0, ArrowRight: c < columns - 1 && at === value.length ? 1 : 0 }[event.key];
    const next = step && this.fields[r * columns + c + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.select();
  }

  /** What is entered, or the field that is still empty or unreadable. */
  entered() {
    const { kind, options, answer } = this.question;
    if (kind === "choice") {
      const chosen = this.fields.findIndex((field) => field.checked);
      return chosen < 0 ? { missing: this.fields[0] } : { given: options[chosen] };
    }
    const values = this.fields.map((field) => readNumber(field.value));
    const missing = this.fields[values.findIndex((value) => value === null)];
    if (missing) return { missing };
    if (kind === "number") return { given: values[0] };
    if (kind === "shape") return { given: values };
    const columns = answer[0].length;
    return { given: answer.map((_, r) => values.slice(r * columns, (r + 1) * columns)) };
  }

  submit() {
    const { given, missing } = this.entered();
    if (missing) {
      const ask = { choice: "Choose one first.", cells: "Write a number into every cell first." };
      this.verdict.replaceChildren(ask[this.question.kind] ?? "Type a number first, for example 12, −3 or 1/4.");
      missing.focus();
      return;
    }
    const { tries, solved } = this.quiz.record(this.place);
    const { right } = judge(this.question, given);
    this.quiz.change(this.place, { answers: given, tries: tries + 1, solved: solved || right });
  }

  reveal() {
    this.quiz.change(this.place, { shown: !this.quiz.record(this.place).shown });
  }

  draw(record) {
    const changed = JSON.stringify([record.tries, record.answers]);
    if (changed !== this.drawn) {
      this.drawn = changed;
      this.fill(record.answers);
      this.say(record);
    }
    this.show.hidden = record.tries === 0;
    this.node.dataset.state = record.tries === 0 ? "open" : record.solved ? "solved" : "tried";
    const open = record.shown && record.tries > 0;
    if (open && !this.why.firstChild) this.explain();
    this.why.hidden = !open;
    this.show.setAttribute("aria-expanded", String(open));
    setText(this.show, open ? "Hide why" : "Show why");
  }

  fill(answer) {
    if (this.question.kind === "choice") {
      this.fields.forEach((field, i) => { field.checked = this.question.options[i] === answer; });
      return;
    }
    const values = answer === null ? [] : [answer].flat(2);
    this.fields.forEach((field, i) => {
      if (answer === null) field.value = "";
      else if (readNumber(field.value) !== values[i]) field.value = String(values[i]).replace("-", "−");
    });
  }

  say({ tries, answers }) {
    for (const field of this.fields) field.removeAttribute("aria-invalid");
    if (tries === 0) return this.verdict.replaceChildren();
    const { right, mistake, part, flags } = judge(this.question, answers);
    this.verdict.dataset.result = right ? "right" : mistake ? "mistake" : "wrong";
    if (right) {
      this.verdict.replaceChildren(element("strong", {}, "✓ Right."));
      return;
    }
    flags?.forEach((good, i) => { if (!good) this.fields[i].setAttribute("aria-invalid", "true"); });
    const read = element("span", { class: "cnn-read" }, "Read: ", pointer(mistake?.see ?? this.question.see));
    if (mistake) this.verdict.replaceChildren(rich("strong", {}, `✗ Not quite: ${mistake.name}.`), " ", rich("span", {}, mistake.why), " ", read);
    else this.verdict.replaceChildren(element("strong", {}, "✗ Not yet."), ` ${part} `, read);
  }

  explain() {
    const { shown, why, reveal, see } = this.question;
    this.why.append(
      element("div", { class: "cnn-answer" }, element("strong", {}, "Answer: "), rich("span", {}, shown)),
      rich("p", {}, why), reveal ? rich("div", { class: "cnn-quiz-picture" }, reveal) : "",
      element("p", { class: "cnn-read" }, "Read: ", pointer(see)));
  }
}

// ------------------------------------------------------------------- the quiz

class Quiz {
  constructor(model, el) {
    this.model = model;
    const key = model.get("_key");
    this.page = key.split("/")[0];
    const questions = model.get("_questions");
    this.items = questions.map((question, i) => new Item(this, question, i, questions.length));
    this.line = element("summary");
    this.note = element("p", { role: "status" });
    this.root = element("div", { class: "cnn-view cnn-quiz-view", "data-lm-suppress-shortcuts": "true" },
      element("ol", { class: "cnn-questions" }, ...this.items.map((item) => item.node)),
      element("details", { class: "cnn-progress" }, this.line,
        element("div", { class: "cnn-toolbar" },
          button("Reset this page", () => this.forget(`${this.page}/`, "this page")),
          button("Reset all pages", () => this.forget("", "all pages"))), this.note));
    this.root.quiz = this; // the other quizzes of the page count this one in; tests read it
    el.append(this.root);
    this.restore();
    const redraw = () => this.redraw();
    for (const name of LISTS) model.on(`change:${name}`, redraw);
    const count = () => this.count();
    const forgotten = ({ detail }) => this.clear(detail);
    document.addEventListener(CHANGED, count);
    document.addEventListener(FORGOTTEN, forgotten);
    this.stop = () => {
      for (const name of LISTS) model.off(`change:${name}`, redraw);
      document.removeEventListener(CHANGED, count);
      document.removeEventListener(FORGOTTEN, forgotten);
      queueMicrotask(() => document.dispatchEvent(new Event(CHANGED)));
    };
    this.draw();
  }

  record(place) {
    const record = Object.fromEntries(LISTS.map((name) => [name, this.model.get(name)[place]]));
    // Python sets one list after another: without an answer there was no try.
    return record.answers === null ? { ...record, tries: 0 } : record;
  }

  /** Write new lists: a list that is changed in place is no change to the model. */
  write(place, values) {
    for (const [name, value] of Object.entries(values)) {
      this.model.set(name, this.model.get(name).map((old, i) => (i === place ? value : old)));
    }
  }

  save() {
    try {
      this.model.save_changes();
    } catch {
      // A static page has nobody to tell.
    }
  }

  change(place, values) {
    this.write(place, values);
    this.save();
    this.draw();
  }

  /** Take up what this browser remembers, where the kernel knows nothing newer. */
  restore() {
    this.items.forEach(({ question }, i) => {
      const record = remembered(question.id);
      if (record?.tries > 0 && this.record(i).tries === 0) {
        this.write(i, Object.fromEntries(LISTS.map((name) => [name, record[name]])));
      }
    });
    this.save();
  }

  forget(start, what) {
    forget(start);
    setText(this.note, `Forgotten: the predictions of ${what}.`);
  }

  clear(start) {
    this.items.forEach(({ question }, i) => {
      if (question.id.startsWith(start)) this.write(i, { answers: null, tries: 0, solved: false, shown: false });
    });
    this.save();
    this.draw();
  }

  redraw() {
    if (this.asked) return; // several lists that change together are one drawing
    this.asked = true;
    queueMicrotask(() => {
      this.asked = false;
      this.draw();
    });
  }

  draw() {
    this.items.forEach((item, i) => {
      const record = this.record(i);
      item.draw(record);
      if (record.tries > 0) remember(item.question.id, record);
      else if (memory.has(item.question.id)) {
        // Python set the values back.
        memory.delete(item.question.id);
        storage((s) => s.removeItem(PREFIX + item.question.id));
      }
    });
    this.root.dataset.drawn = "true";
    document.dispatchEvent(new Event(CHANGED));
  }

  count() {
    const states = onThisPage(this.page);
    const tried = states.filter((state) => state.tries > 0).length;
    const solved = states.filter((state) => state.solved).length;
    setText(this.line, `You have predicted ${tried} of ${states.length} on this page; ${solved} right.${kept ? "" : " (This browser does not let the page remember it.)"}`);
  }
}

export default {
  render({ model, el }) {
    const quiz = new Quiz(model, el);
    return () => quiz.stop();
  },
};
