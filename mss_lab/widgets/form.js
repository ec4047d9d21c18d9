// The form of a listening test: sliders, buttons and words. Python (form.py) sends `content`, `answer`, `closed` and
// `table`; the page sends back `value` (the ratings) and says which button was pressed.

import { button, make, range } from "./shared/dom.js";
import { watchKernel } from "./shared/kernel.js";

const HIGHEST = 100;
const GRADES = ["bad", "poor", "fair", "good", "excellent"];
// Keys that move a slider, also where it is at its end already.
const MOVES = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];

const gradeOf = (rating) => GRADES[Math.min(GRADES.length - 1, Math.floor((rating / HIGHEST) * GRADES.length))];

class Form {
  constructor(model, el) {
    this.model = model;
    this.planned = 0;
    this.heading = make("div", { class: "mss-title" });
    this.question = make("p", { class: "mss-question" });
    this.sliders = make("div", { class: "mss-sliders" });
    this.bar = make("div", { class: "mss-bar", role: "group", "aria-label": "Answer" });
    this.status = make("div", { class: "mss-status", role: "status", "aria-live": "polite" });
    this.revealed = make("div", {});
    this.root = make(
      "div",
      {
        class: "mss-card mss-form",
        role: "group",
        // JupyterLab's own shortcuts must not use our keys.
        "data-lm-suppress-shortcuts": "true",
        onkeydown: (event) => this.key(event),
      },
      this.heading,
      this.question,
      this.sliders,
      this.bar,
      this.status,
      this.revealed,
    );
    el.append(this.root);
    this.unwatch = watchKernel(model, this.root);
    this.listeners = {
      content: () => this.build(),
      value: () => this.takeRatings(),
      answer: () => this.say(),
      closed: () => this.close(),
      table: () => this.reveal(),
    };
    for (const [name, listener] of Object.entries(this.listeners)) model.on(`change:${name}`, listener);
    for (const listener of Object.values(this.listeners)) listener();
  }

  build() {
    const { page, heading, question, buttons, labels } = this.model.get("content");
    cancelAnimationFrame(this.planned);
    this.planned = 0;
    this.page = page;
    this.heading.textContent = heading;
    this.question.textContent = question;
    this.root.dataset.page = page;
    this.root.setAttribute("aria-label", heading);
    this.ratings = { ...this.model.get("value").ratings };
    this.inputs = new Map();
    this.sliders.replaceChildren(...labels.map((label) => this.slider(label)));
    if (labels.length) this.sliders.append(this.scale());
    // The buttons stay in place on the next page, and so does the focus.
    for (let index = this.bar.children.length; index < buttons.length; index++) {
      this.bar.append(button("", "", null, () => this.press(index)));
    }
    [...this.bar.children].slice(buttons.length).forEach((element) => element.remove());
    buttons.forEach((name, index) => {
      this.bar.children[index].textContent = name;
      this.bar.children[index].setAttribute("aria-label", name);
    });
    this.takeRatings();
    this.close();
  }

  slider(label) {
    const say = (value) => (this.ratings[label] === null ? "not rated yet" : `${value}, ${gradeOf(value)}`);
    const rate = (value) => this.rate(label, value);
    const input = range(`Rating of ${label}`, 0, HIGHEST, 1, this.ratings[label] ?? 0, say, rate);
    // A press or a key on a slider that is at its end already is a rating, too.
    const still = (event) => {
      if (this.ratings[label] !== null || (event.type === "keyup" && !MOVES.includes(event.key))) return;
      rate(Number(input.value));
    };
    for (const kind of ["pointerup", "keyup"]) input.addEventListener(kind, still);
    const output = make("output", {});
    this.inputs.set(label, { input, output, say });
    return make("label", { class: "mss-rating" }, make("b", {}, label), input, output);
  }

  scale() {
    const words = GRADES.map((grade) => make("span", {}, grade));
    return make("div", { class: "mss-scale", "aria-hidden": "true" }, ...words);
  }

  rate(label, value) {
    if (this.model.get("closed")) return;
    this.ratings[label] = value;
    this.show();
    this.planned ||= requestAnimationFrame(() => this.send());
  }

  // One message for each frame, however many events the pointer sends.
  send() {
    cancelAnimationFrame(this.planned);
    this.planned = 0;
    this.model.set("value", { page: this.page, ratings: { ...this.ratings } });
    this.model.save_changes();
  }

  press(index) {
    if (this.model.get("closed")) return;
    if (this.planned) this.send();
    this.model.send({ kind: "pressed", page: this.page, button: index, ratings: { ...this.ratings } });
  }

  takeRatings() {
    const { page, ratings } = this.model.get("value");
    if (page !== this.page || this.planned) return;
    this.ratings = { ...ratings };
    this.show();
  }

  show() {
    for (const [label, { input, output, say }] of this.inputs) {
      const rating = this.ratings[label];
      if (Number(input.value) !== (rating ?? 0)) input.value = rating ?? 0;
      input.setAttribute("aria-valuetext", say(rating));
      output.value = rating ?? "not rated";
      output.classList.toggle("mss-missing", rating === null);
    }
  }

  say() {
    const { text, kind } = this.model.get("answer");
    this.status.classList.toggle("mss-error", kind === "error");
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  // A button that is only marked as disabled keeps the focus.
  close() {
    const closed = this.model.get("closed");
    for (const element of this.bar.children) element.setAttribute("aria-disabled", String(closed));
    for (const { input } of this.inputs.values()) input.disabled = closed;
  }

  reveal() {
    const { caption, head, rows } = this.model.get("table");
    if (!rows) {
      this.revealed.replaceChildren();
      return;
    }
    const line = ([first, ...cells]) =>
      make("tr", {}, make("th", { scope: "row" }, first), ...cells.map((cell) => make("td", {}, cell)));
    this.revealed.replaceChildren(
      make(
        "table",
        {},
        make("caption", {}, caption),
        make("thead", {}, make("tr", {}, ...head.map((words) => make("th", { scope: "col" }, words)))),
        make("tbody", {}, ...rows.map(line)),
      ),
    );
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
    // Nothing typed here may reach the notebook, where a letter can delete a cell.
    event.stopPropagation();
    // A key that is held down must not answer the next page, too.
    if (event.repeat && event.target.tagName === "BUTTON") event.preventDefault();
  }

  leave() {
    cancelAnimationFrame(this.planned);
    this.unwatch();
    for (const [name, listener] of Object.entries(this.listeners)) this.model.off(`change:${name}`, listener);
  }
}

export default {
  render({ model, el }) {
    const form = new Form(model, el);
    return () => form.leave();
  },
};
