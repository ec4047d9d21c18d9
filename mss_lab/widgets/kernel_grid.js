// A grid on which a kernel is drawn. Python (kernel_grid.py) sends the named kernels; the page sends back `value`.

import { clamp, make } from "./shared/dom.js";
import { watchKernel } from "./shared/kernel.js";

const SIDE_PX = 270;
const LEAST_CELL_PX = 12;
const MOST_CELL_PX = 30;
// The least distance between the numbers of an axis, so that they can be read.
const ACROSS_PX = 44;
const UP_PX = 20;

const copy = (cells) => cells.map((row) => [...row]);
const same = (a, b) => a.every((row, r) => row.every((cell, c) => cell === b[r][c]));
const capital = (word) => word[0].toUpperCase() + word.slice(1);
// Without rounding, three tenths would be shown as 0.30000000000000004.
const number = (value) => String(Number(value.toPrecision(3))).replace("-", "−");
const signed = (value) => (value > 0 ? `+${number(value)}` : number(value));

class Grid {
  constructor(model, el) {
    this.model = model;
    this.drag = null;
    this.planned = 0;
    this.cells = copy(model.get("value"));
    this.rows = this.cells.length;
    this.columns = this.cells[0].length;
    this.middle = [(this.rows - 1) / 2, (this.columns - 1) / 2];
    this.focused = this.middle;
    this.build(el);
    this.take = () => {
      // While a reader draws, a value from Python does not replace the cells.
      if (this.drag) return;
      this.cells = copy(model.get("value"));
      this.show();
    };
    this.named = () => this.name();
    model.on("change:value", this.take);
    model.on("change:description", this.named);
    this.show();
    this.name();
  }

  build(el) {
    const side = clamp(Math.floor(SIDE_PX / Math.max(this.rows, this.columns)), LEAST_CELL_PX, MOST_CELL_PX);
    this.title = make("div", { class: "mss-title" });
    this.status = make("span", { class: "mss-said", role: "status", "aria-live": "polite" });
    this.buttons = new Map();
    for (const name of Object.keys(this.model.get("kernels"))) {
      const button = make("button", { type: "button" }, capital(name));
      button.addEventListener("click", () => this.choose(name));
      this.buttons.set(name, button);
    }
    this.field = make("div", { class: "mss-field", role: "grid", "aria-multiselectable": "true" });
    this.elements = this.cells.map((row, r) => {
      const line = make("div", { role: "row" });
      this.field.append(line);
      return row.map((_, c) => {
        const cell = make("div", { role: "gridcell", tabindex: -1, "data-at": `${r},${c}` });
        line.append(cell);
        return cell;
      });
    });
    // A screen reader moves the focus by itself.
    this.field.addEventListener("focusin", (event) => {
      const at = event.target.dataset.at?.split(",").map(Number);
      if (at && `${at}` !== `${this.focused}`) this.focus(at);
    });
    const [r, c] = this.middle;
    this.elements[r][c].classList.add("mss-middle");
    this.elements[r][c].tabIndex = 0;
    const frame = make("div", { class: "mss-frame" }, this.field, ...this.numbers(side));
    this.root = make(
      "div",
      {
        class: "mss-card mss-kernel",
        role: "group",
        style: `--mss-side: ${side}px; --mss-columns: ${this.columns}`,
        // JupyterLab's own shortcuts must not use our keys.
        "data-lm-suppress-shortcuts": "true",
      },
      this.title,
      make("div", { class: "mss-bar", role: "group", "aria-label": "Named kernels" }, ...this.buttons.values()),
      make("div", { class: "mss-unit", "aria-hidden": "true" }, "Frequency (Hz, from the bin)"),
      frame,
      make("div", { class: "mss-unit mss-below", "aria-hidden": "true" }, "Time (s, from the bin)"),
      this.status,
    );
    this.field.addEventListener("pointerdown", (event) => this.press(event));
    this.field.addEventListener("pointermove", (event) => this.move(event));
    for (const kind of ["pointerup", "pointercancel"]) this.field.addEventListener(kind, () => this.release());
    this.field.addEventListener("keydown", (event) => this.key(event));
    el.append(this.root);
    this.unwatch = watchKernel(this.model, this.root);
  }

  // The numbers of the axes: the middle, and outwards from it as many as can be read.
  numbers(side) {
    const made = [];
    const [r0, c0] = this.middle;
    const [up, along] = [Math.ceil(UP_PX / side), Math.ceil(ACROSS_PX / side)];
    for (let r = r0 % up; r < this.rows; r += up) {
      const text = signed((r0 - r) * this.model.get("cell_hz"));
      made.push(make("span", { class: "mss-hz", "aria-hidden": "true", style: `top: ${(r + 0.5) * side}px` }, text));
    }
    for (let c = c0 % along; c < this.columns; c += along) {
      const text = signed((c - c0) * this.model.get("cell_s"));
      made.push(make("span", { class: "mss-s", "aria-hidden": "true", style: `left: ${(c + 0.5) * side}px` }, text));
    }
    return made;
  }

  name() {
    const label = this.model.get("description");
    this.title.textContent = label;
    this.root.setAttribute("aria-label", label || "Kernel");
    this.field.setAttribute("aria-label", `${label || "Kernel"}: arrow keys move, space draws`);
  }

  // -- pointer

  at(event) {
    const box = this.field.getBoundingClientRect();
    return [
      clamp(Math.floor((this.rows * (event.clientY - box.top)) / box.height), 0, this.rows - 1),
      clamp(Math.floor((this.columns * (event.clientX - box.left)) / box.width), 0, this.columns - 1),
    ];
  }

  press(event) {
    if (event.button !== 0 || this.drag) return;
    const at = this.at(event);
    // The first cell decides: a drag that begins on an empty cell draws, on a full cell it erases.
    this.drag = { pointer: event.pointerId, last: at, on: !this.cells[at[0]][at[1]] };
    this.field.setPointerCapture(event.pointerId);
    this.focus(at);
    this.paint(at, this.drag.on);
    event.preventDefault();
  }

  move(event) {
    if (event.pointerId !== this.drag?.pointer) return;
    const [r1, c1] = this.at(event);
    const [r0, c0] = this.drag.last;
    // A fast pointer skips cells, so the line between two of its events is drawn.
    const steps = Math.max(Math.abs(r1 - r0), Math.abs(c1 - c0));
    for (let i = 1; i <= steps; i++) {
      this.paint([Math.round(r0 + ((r1 - r0) * i) / steps), Math.round(c0 + ((c1 - c0) * i) / steps)], this.drag.on);
    }
    this.drag.last = [r1, c1];
  }

  release() {
    if (!this.drag) return;
    this.focus(this.drag.last);
    this.drag = null;
    this.send();
  }

  // -- keys

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
    // Nothing typed here may reach the notebook, where a letter can delete a cell.
    event.stopPropagation();
    const [r, c] = this.focused;
    const to = {
      ArrowUp: [r - 1, c],
      ArrowDown: [r + 1, c],
      ArrowLeft: [r, c - 1],
      ArrowRight: [r, c + 1],
      Home: [r, 0],
      End: [r, this.columns - 1],
    }[event.key];
    if (to) this.focus([clamp(to[0], 0, this.rows - 1), clamp(to[1], 0, this.columns - 1)]);
    else if (event.key === " " || event.key === "Enter") this.paint(this.focused, !this.cells[r][c]);
    else return;
    event.preventDefault();
  }

  focus(at) {
    this.elements[this.focused[0]][this.focused[1]].tabIndex = -1;
    this.focused = at;
    const cell = this.elements[at[0]][at[1]];
    cell.tabIndex = 0;
    cell.focus({ preventScroll: true });
  }

  // -- the cells

  choose(name) {
    this.cells = copy(this.model.get("kernels")[name]);
    this.plan();
  }

  paint([r, c], on) {
    if (this.cells[r][c] === on) return;
    // There is no median over an empty kernel, so the last cell stays.
    if (!on && this.cells.flat().filter(Boolean).length === 1) {
      this.status.textContent = "The last cell stays: a kernel needs one";
      return;
    }
    this.cells[r][c] = on;
    this.plan();
  }

  // One drawing and one message for each frame, however many events the pointer sends.
  plan() {
    this.planned ||= requestAnimationFrame(() => {
      this.planned = 0;
      this.show();
      this.send();
    });
  }

  // While Python is busy, the notebook's front end keeps only the newest value.
  send() {
    this.model.set("value", copy(this.cells));
    this.model.save_changes();
  }

  show() {
    const [r0, c0] = this.middle;
    this.cells.forEach((row, r) =>
      row.forEach((on, c) => {
        const cell = this.elements[r][c];
        if (cell.getAttribute("aria-selected") === String(on)) return;
        const place = r === r0 && c === c0 ? "the bin itself" : this.place(r, c);
        cell.setAttribute("aria-selected", String(on));
        cell.setAttribute("aria-label", `${place}, ${on ? "in the kernel" : "empty"}`);
      }),
    );
    const kernels = this.model.get("kernels");
    for (const [name, button] of this.buttons) {
      button.setAttribute("aria-pressed", String(same(this.cells, kernels[name])));
    }
    const count = this.cells.flat().filter(Boolean).length;
    this.status.textContent = `${count} cell${count > 1 ? "s" : ""} of ${this.rows * this.columns}`;
  }

  place(r, c) {
    const hz = (this.middle[0] - r) * this.model.get("cell_hz");
    const s = (c - this.middle[1]) * this.model.get("cell_s");
    const parts = [];
    if (s) parts.push(`${number(Math.abs(s))} s ${s > 0 ? "later" : "earlier"}`);
    if (hz) parts.push(`${number(Math.abs(hz))} Hz ${hz > 0 ? "higher" : "lower"}`);
    return parts.join(", ");
  }

  close() {
    cancelAnimationFrame(this.planned);
    this.unwatch();
    this.model.off("change:value", this.take);
    this.model.off("change:description", this.named);
  }
}

export default {
  render({ model, el }) {
    const grid = new Grid(model, el);
    return () => grid.close();
  },
};
