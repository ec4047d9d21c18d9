// Components of a factorisation, assigned to sources by hand. Python (factors.py) sends templates and activations as
// bytes; the page sends back `value`, the source of each component from 0 (-1: none), and `selected`.

import { bytesOf } from "./shared/bytes.js";
import { make, press } from "./shared/dom.js";
import { drawAxis, fit } from "./shared/drawing.js";
import { watchKernel } from "./shared/kernel.js";

const NONE = -1;
// A pointer that moves less than this selects; further, it drags.
const DRAG_PX = 5;

const hertz = (hz) => `${hz.toFixed(0)} Hz`;

class Explorer {
  constructor(model, el) {
    this.model = model;
    this.content = model.get("content");
    this.owners = [...model.get("value")];
    this.selected = model.get("selected");
    this.focused = Math.max(0, this.selected);
    this.drag = null;
    this.frame = 0;
    this.spectra = bytesOf(model.get("templates"));
    this.curves = bytesOf(model.get("activations"));
    this.build(el);
    this.take = () => {
      this.owners = [...model.get("value")];
      this.selected = model.get("selected");
      this.plan();
    };
    this.named = () => this.name();
    model.on("change:value", this.take);
    model.on("change:selected", this.take);
    model.on("change:description", this.named);
    this.name();
    this.show();
  }

  // -- building

  build(el) {
    const { names, colours } = this.content;
    this.title = make("span", { class: "mss-title" });
    this.status = make("div", { class: "mss-said", role: "status", "aria-live": "polite" });
    // The last zone takes components away from all sources.
    this.zones = [...names, "none"].map((name, j) => {
      const owner = j < names.length ? j : NONE;
      const key = owner === NONE ? "0" : String(j + 1);
      const zone = make(
        "button",
        {
          type: "button",
          class: "mss-zone",
          "data-owner": owner,
          style: owner === NONE ? null : `--mss-own: ${colours[j]}`,
          "aria-keyshortcuts": key,
          title: `Drop components here, or press ${key}`,
          onclick: () => this.assign(this.focused, owner),
        },
        make("b", {}, key),
        name,
        make("output"),
      );
      return zone;
    });
    this.axis = make("canvas", { class: "mss-seconds" });
    this.list = make("div", { class: "mss-list", role: "listbox" });
    this.rows = this.owners.map((_, k) => this.row(k));
    this.list.append(...this.rows);
    this.ghost = make("div", { class: "mss-ghost", "aria-hidden": "true", hidden: "" });
    this.root = make(
      "div",
      // JupyterLab's own shortcuts must not use our keys.
      { class: "mss-card mss-factors", role: "group", "data-lm-suppress-shortcuts": "true" },
      this.title,
      make("div", { class: "mss-zones", role: "group", "aria-label": "Sources" }, ...this.zones),
      make("div", { class: "mss-axes", "aria-hidden": "true" }, this.frequencies(), this.axis),
      this.list,
      this.status,
      this.ghost,
    );
    this.list.addEventListener("pointerdown", (event) => this.down(event));
    this.list.addEventListener("pointermove", (event) => this.move(event));
    this.list.addEventListener("pointerup", (event) => this.up(event));
    this.list.addEventListener("pointercancel", () => this.drop());
    this.root.addEventListener("keydown", (event) => this.key(event));
    // A screen reader moves the focus by itself.
    this.list.addEventListener("focusin", (event) => {
      const k = this.rows.indexOf(event.target.closest(".mss-component"));
      if (k >= 0 && k !== this.focused) this.focus(k);
    });
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.list);
    el.append(this.root);
    this.unwatch = watchKernel(this.model, this.root);
  }

  row(k) {
    return make(
      "div",
      { class: "mss-component", role: "option", tabindex: k === this.focused ? 0 : -1, "data-component": k },
      make("span", { class: "mss-number" }, String(k + 1)),
      make("span", { class: "mss-owner" }),
      make("canvas", { class: "mss-spectrum", "aria-hidden": "true" }),
      make("canvas", { class: "mss-curve", "aria-hidden": "true" }),
    );
  }

  frequencies() {
    const { rows, edgesHz, ticksHz } = this.content;
    const marks = ticksHz.map((hz) => {
      const row = edgesHz.findLastIndex((edge) => edge <= hz);
      const at = (100 * (row + (hz - edgesHz[row]) / (edgesHz[row + 1] - edgesHz[row]))) / rows;
      return make("span", { style: `left: ${at}%` }, hz >= 1000 ? `${hz / 1000}k` : `${hz} Hz`);
    });
    return make("div", { class: "mss-hertz" }, ...marks);
  }

  name() {
    const label = this.model.get("description");
    this.title.textContent = label;
    this.root.setAttribute("aria-label", label || "Components");
    const keys = "arrow keys choose a component, numbers assign it, enter hears it alone";
    this.list.setAttribute("aria-label", `${label || "Components"}: ${keys}`);
  }

  // -- drawing

  colour(k) {
    const owner = this.owners[k];
    return owner === NONE ? getComputedStyle(this.status).color : this.content.colours[owner];
  }

  // All rows, after a change of size; of one row after a change of its source.
  draw(only = null) {
    this.drawn ??= [];
    this.rows.forEach((row, k) => {
      if (only && !only.includes(k)) return;
      this.area(row.querySelector(".mss-spectrum"), this.spectra, this.content.rows, k);
      this.area(row.querySelector(".mss-curve"), this.curves, this.content.columns, k);
      this.drawn[k] = this.owners[k];
    });
    if (!only) drawAxis(this.axis, { fromS: 0, toS: this.content.columns * this.content.columnS });
  }

  area(canvas, bytes, count, k) {
    const { pen, width, height } = fit(canvas);
    pen.fillStyle = this.colour(k);
    pen.beginPath();
    pen.moveTo(0, height);
    for (let i = 0; i < count; i++) {
      const y = height * (1 - (0.94 * bytes[k * count + i]) / 255);
      pen.lineTo((width * i) / count, y);
      pen.lineTo((width * (i + 1)) / count, y);
    }
    pen.lineTo(width, height);
    pen.fill();
  }

  // One drawing for each frame, however many events arrive.
  plan() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.show();
    });
  }

  show() {
    const { names, peaksHz, energies } = this.content;
    this.rows.forEach((row, k) => {
      const owner = this.owners[k];
      const name = owner === NONE ? "no source" : names[owner];
      row.setAttribute("aria-selected", String(k === this.selected));
      row.tabIndex = k === this.focused ? 0 : -1;
      const share = `${(100 * energies[k]).toFixed(energies[k] < 0.1 ? 1 : 0)} % of the energy`;
      row.setAttribute("aria-label", `component ${k + 1}, ${name}, peak at ${hertz(peaksHz[k])}, ${share}`);
      row.title = `Peak at ${hertz(peaksHz[k])}, ${share}. Click to hear it alone, drag it to a source`;
      row.style.setProperty("--mss-own", this.content.colours[owner] ?? "transparent");
      row.querySelector(".mss-owner").textContent = owner === NONE ? "–" : names[owner];
    });
    // At the first time the rows have no size yet; the observer of sizes draws them.
    const changed = this.drawn ? this.owners.flatMap((owner, k) => (owner === this.drawn[k] ? [] : [k])) : [];
    if (changed.length) this.draw(changed);
    for (const zone of this.zones) {
      const owner = Number(zone.dataset.owner);
      zone.querySelector("output").value = this.owners.filter((own) => own === owner).length;
      press(zone, this.drag?.over === owner);
    }
    const alone = this.selected === NONE ? "All sources are heard" : `Component ${this.selected + 1} plays alone`;
    if (this.status.textContent !== alone) this.status.textContent = alone;
  }

  // -- what a reader does

  // While Python is busy, the notebook's front end keeps only the newest value.
  assign(k, owner) {
    if (this.owners[k] === owner) return;
    this.owners = this.owners.with(k, owner);
    this.model.set("value", [...this.owners]);
    this.model.save_changes();
    this.plan();
  }

  select(k) {
    this.selected = k === this.selected ? NONE : k;
    this.model.set("selected", this.selected);
    this.model.save_changes();
    this.plan();
  }

  focus(k) {
    this.focused = Math.min(Math.max(k, 0), this.rows.length - 1);
    this.rows.forEach((row, i) => (row.tabIndex = i === this.focused ? 0 : -1));
    this.rows[this.focused].focus({ preventScroll: true });
    this.reveal(this.rows[this.focused]);
  }

  // Within the list only: the page must not move under a reader.
  reveal(row) {
    const [box, list] = [row.getBoundingClientRect(), this.list.getBoundingClientRect()];
    if (box.top < list.top) this.list.scrollTop -= list.top - box.top;
    if (box.bottom > list.bottom) this.list.scrollTop += box.bottom - list.bottom;
  }

  // -- pointer

  down(event) {
    const row = event.target.closest(".mss-component");
    if (!row || event.button !== 0 || this.drag) return;
    const k = Number(row.dataset.component);
    this.drag = { k, pointer: event.pointerId, x: event.clientX, y: event.clientY, moving: false, over: null };
    this.list.setPointerCapture(event.pointerId);
    this.focus(k);
    event.preventDefault();
  }

  move(event) {
    const { drag } = this;
    if (event.pointerId !== drag?.pointer) return;
    if (!drag.moving) {
      if (Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < DRAG_PX) return;
      drag.moving = true;
      this.ghost.hidden = false;
      this.ghost.textContent = `Component ${drag.k + 1}`;
      this.root.classList.add("mss-dragged");
    }
    const box = this.root.getBoundingClientRect();
    this.ghost.style.transform = `translate(${event.clientX - box.left + 8}px, ${event.clientY - box.top + 8}px)`;
    drag.over = this.zoneAt(event);
    this.plan();
  }

  zoneAt(event) {
    const zone = document.elementFromPoint(event.clientX, event.clientY)?.closest(".mss-zone");
    return zone && this.root.contains(zone) ? Number(zone.dataset.owner) : null;
  }

  up(event) {
    const { drag } = this;
    if (event.pointerId !== drag?.pointer) return;
    const over = drag.moving ? this.zoneAt(event) : null;
    this.drop();
    if (!drag.moving) this.select(drag.k);
    else if (over !== null) this.assign(drag.k, over);
  }

  drop() {
    this.drag = null;
    this.ghost.hidden = true;
    this.root.classList.remove("mss-dragged");
    this.plan();
  }

  // -- keys

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
    // Nothing typed here may reach the notebook, where a letter can delete a cell.
    event.stopPropagation();
    const last = this.rows.length - 1;
    const page = 8;
    const to = {
      ArrowUp: this.focused - 1,
      ArrowDown: this.focused + 1,
      PageUp: this.focused - page,
      PageDown: this.focused + page,
      Home: 0,
      End: last,
    }[event.key];
    const number = /^[0-9]$/.test(event.key) ? Number(event.key) : null;
    if (to !== undefined) this.focus(to);
    else if (event.key === "Escape" && this.drag) this.drop();
    else if (event.key === "Escape" && this.selected !== NONE) this.select(this.selected);
    else if (number !== null && number <= this.content.names.length) this.assign(this.focused, number - 1);
    else if (event.key === "Delete" || event.key === "Backspace") this.assign(this.focused, NONE);
    // Enter and space on a zone press that button.
    else if ([" ", "Enter"].includes(event.key) && event.target.closest(".mss-component")) this.select(this.focused);
    else return;
    event.preventDefault();
  }

  close() {
    cancelAnimationFrame(this.frame);
    this.unwatch();
    this.resized.disconnect();
    this.model.off("change:value", this.take);
    this.model.off("change:selected", this.take);
    this.model.off("change:description", this.named);
  }
}

export default {
  render({ model, el }) {
    const explorer = new Explorer(model, el);
    return () => explorer.close();
  },
};
