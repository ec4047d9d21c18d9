// A mask painted over a spectrogram. Python (mask_painter.py) sends the picture and its axes; the page sends back
// `value`, one byte for each cell, row 0 the lowest frequency.

import { bytesOf } from "./shared/bytes.js";
import { clamp, make, press } from "./shared/dom.js";
import { drawAxis, lookup } from "./shared/drawing.js";
import { History } from "./shared/history.js";
import { watchKernel } from "./shared/kernel.js";

const FULL = 255;
// Sizes of brush, eraser and harmonics in rows; all are odd, so that a row is the middle.
const SIZES = [1, 3, 5, 9, 15, 25, 41];
const TOOLS = {
  brush: { label: "Brush", key: "b", size: 9, help: "paints freely" },
  eraser: { label: "Eraser", key: "e", size: 9, help: "erases freely" },
  rectangle: { label: "Rectangle", key: "r", size: null, help: "paints from corner to corner" },
  harmonics: { label: "Harmonics", key: "h", size: 3, help: "begin at a fundamental, paints its harmonics" },
};
// Height of the plane over its width on a wide page: makes the brush about as wide as it is high.
const ASPECT = 0.5;
// The paint: #56b4e9, as in fallback.py.
const PAINT = [86, 180, 233];
const OPACITY = 0.6;
const BIG_STEP = 8;

const same = (a, b) => a.every((value, i) => value === b[i]);

class Painter {
  constructor(model, el) {
    this.model = model;
    this.axes = model.get("plane");
    this.mask = bytesOf(model.get("value"));
    this.history = new History();
    this.stroke = null;
    this.frame = 0;
    this.tool = "brush";
    this.sizes = Object.fromEntries(Object.entries(TOOLS).map(([name, { size }]) => [name, size]));
    const { rows, columns } = this.axes;
    // The frequency within a row, from 0 to 1, is that of the pointer; the keyboard stays in the middle of the row.
    this.cursor = { row: Math.floor(rows / 3), column: Math.floor(columns / 2), within: 0.5 };
    this.build(el);
    this.take = () => {
      // While a reader paints, a value from Python does not replace the mask.
      if (this.stroke) return;
      const mask = bytesOf(model.get("value"));
      if (same(mask, this.mask)) return;
      this.history.remember(this.mask);
      this.mask = mask;
      this.plan(false);
    };
    this.named = () => this.name();
    model.on("change:value", this.take);
    model.on("change:description", this.named);
    this.name();
    this.show();
  }

  // -- building

  build(el) {
    this.title = make("span", { class: "mss-title" });
    this.readout = make("output");
    this.status = make("div", { class: "mss-said", role: "status", "aria-live": "polite" });
    this.field = make(
      "div",
      { class: "mss-plane", role: "application", tabindex: 0, "aria-roledescription": "mask over a spectrogram" },
      this.background(),
    );
    const { rows, columns } = this.axes;
    this.paint = make("canvas", { width: columns, height: rows, "aria-hidden": "true" });
    this.pointer = make("i", { class: "mss-cursor" });
    this.field.append(this.paint, this.pointer);
    this.axis = make("canvas", { class: "mss-seconds", "aria-hidden": "true" });
    const plot = make("div", { class: "mss-plot" }, ...this.frequencies(), this.field, this.axis);
    this.root = make(
      "div",
      // JupyterLab's own shortcuts must not use our keys.
      { class: "mss-card mss-painter", role: "group", "data-lm-suppress-shortcuts": "true" },
      make("div", { class: "mss-head" }, this.title, this.readout),
      this.toolbar(),
      make("div", { class: "mss-unit", "aria-hidden": "true" }, "Frequency (Hz)"),
      plot,
      this.status,
    );
    this.field.addEventListener("pointerdown", (event) => this.down(event));
    this.field.addEventListener("pointermove", (event) => this.move(event));
    this.field.addEventListener("pointerup", (event) => this.up(event));
    this.field.addEventListener("pointercancel", () => this.cancel());
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.resized = new ResizeObserver(() => drawAxis(this.axis, { fromS: 0, toS: columns * this.axes.columnS }));
    this.resized.observe(this.axis);
    el.append(this.root);
    this.unwatch = watchKernel(this.model, this.root);
  }

  toolbar() {
    this.buttons = {};
    const add = (name, label, key, title, action) => {
      const text = { type: "button", title: `${title} (${key.toUpperCase()})`, "aria-keyshortcuts": key };
      return (this.buttons[name] = make("button", { ...text, onclick: action }, label));
    };
    const tools = Object.entries(TOOLS).map(([name, { label, key, help }]) =>
      add(name, label, key, `${label}: ${help}`, () => this.choose(name)),
    );
    this.size = make("output", { class: "mss-size" });
    const sizes = [
      add("smaller", "−", "-", "Smaller", () => this.resize(-1)),
      this.size,
      add("larger", "+", "+", "Larger", () => this.resize(1)),
    ];
    this.buttons.smaller.setAttribute("aria-label", "Smaller");
    this.buttons.larger.setAttribute("aria-label", "Larger");
    const rest = [
      add("invert", "Invert", "i", "Swap painted and empty", () => this.change((value) => FULL - value)),
      add("clear", "Clear", "c", "Erase everything", () => this.change(() => 0)),
      add("undo", "Undo", "z", "Take the last change back", () => this.step("undo")),
      add("redo", "Redo", "y", "Make it again", () => this.step("redo")),
    ];
    const group = (label, items) => make("div", { class: "mss-tools", role: "group", "aria-label": label }, ...items);
    return make("div", { class: "mss-bar" }, group("Tools", tools), group("Size", sizes), group("Whole mask", rest));
  }

  background() {
    const { rows, columns, palette } = this.axes;
    const canvas = make("canvas", { class: "mss-sound", width: columns, height: rows, "aria-hidden": "true" });
    const levels = bytesOf(this.model.get("picture"));
    const colours = lookup(palette);
    this.paintCells(canvas, (image, at, i) => image.set([...colours[levels[i]], 255], at));
    return canvas;
  }

  // Row 0 is the lowest frequency and belongs at the bottom.
  paintCells(canvas, set) {
    const { rows, columns } = this.axes;
    const image = new ImageData(columns, rows);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        set(image.data, 4 * ((rows - 1 - row) * columns + column), row * columns + column);
      }
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  frequencies() {
    const { rows, edgesHz, ticksHz } = this.axes;
    let free = -Infinity;
    return ticksHz.flatMap((hz) => {
      const row = this.rowOf(hz);
      const at = (100 * (row + (hz - edgesHz[row]) / (edgesHz[row + 1] - edgesHz[row]))) / rows;
      // Numbers that would touch are left out.
      if (at < free) return [];
      free = at + 5;
      const text = hz >= 1000 ? `${hz / 1000}k` : `${hz}`;
      return [make("span", { class: "mss-hz", "aria-hidden": "true", style: `bottom: ${at}%` }, text)];
    });
  }

  name() {
    const label = this.model.get("description");
    this.title.textContent = label;
    this.root.setAttribute("aria-label", label || "Mask");
    const keys = "arrow keys move the cursor, space begins and ends a stroke, escape takes it back";
    this.field.setAttribute("aria-label", `${label || "Mask"}: ${keys}`);
  }

  // -- the grid

  rowOf(hz) {
    const { rows, edgesHz } = this.axes;
    let [low, high] = [0, rows - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (edgesHz[middle] <= hz) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  hzOf({ row, within }) {
    const { edgesHz } = this.axes;
    return edgesHz[row] + within * (edgesHz[row + 1] - edgesHz[row]);
  }

  at(event) {
    const { rows, columns } = this.axes;
    const box = this.field.getBoundingClientRect();
    const up = clamp((rows * (box.bottom - event.clientY)) / box.height, 0, rows - 1e-6);
    const along = clamp((columns * (event.clientX - box.left)) / box.width, 0, columns - 1e-6);
    return { row: Math.floor(up), column: Math.floor(along), within: up % 1 };
  }

  // Half the brush, in rows and in columns.
  reach() {
    const rows = ((this.sizes[this.tool] ?? 1) - 1) / 2;
    const columns = Math.round((rows * ASPECT * this.axes.columns) / this.axes.rows);
    return [rows, this.tool === "harmonics" || this.tool === "rectangle" ? 0 : columns];
  }

  fill(mask, value, fromRow, toRow, fromColumn, toColumn) {
    const { rows, columns } = this.axes;
    for (let row = Math.max(0, fromRow); row <= Math.min(rows - 1, toRow); row++) {
      const [from, to] = [Math.max(0, fromColumn), Math.min(columns - 1, toColumn)];
      mask.fill(value, row * columns + from, row * columns + to + 1);
    }
  }

  dab({ row, column }, value) {
    const [up, along] = this.reach();
    for (let r = -up; r <= up; r++) {
      const half = Math.round(along * Math.sqrt(Math.max(0, 1 - (r / (up + 0.5)) ** 2)));
      this.fill(this.mask, value, row + r, row + r, column - half, column + half);
    }
  }

  // Bands that would touch are narrower; where no row is free between two harmonics, the grid cannot separate them.
  harmonics(mask, value, from, to) {
    const [half] = this.reach();
    const [left, right] = [Math.min(from.column, to.column), Math.max(from.column, to.column)];
    const fundamental = this.hzOf(from);
    const top = this.axes.edgesHz.at(-1);
    for (let k = 1; k * fundamental < top; k++) {
      const row = this.rowOf(k * fundamental);
      const upper = (k + 1) * fundamental;
      const free = (upper < top ? this.rowOf(upper) : this.axes.rows) - row - 1;
      if (free < 1) break;
      const reach = Math.min(half, Math.floor((free - 1) / 2));
      this.fill(mask, value, row - reach, row + reach, left, right);
    }
  }

  // -- strokes, the same for pointer and keyboard

  begin(at, erasing) {
    const value = erasing || this.tool === "eraser" ? 0 : FULL;
    this.stroke = { from: at, last: at, value, before: this.mask.slice() };
    this.extend(at);
  }

  extend(to) {
    const { from, last, value, before } = this.stroke;
    if (this.tool === "rectangle" || this.tool === "harmonics") {
      this.mask = before.slice();
      if (this.tool === "harmonics") this.harmonics(this.mask, value, from, to);
      else {
        const [low, high] = [from.row, to.row].sort((a, b) => a - b);
        const [left, right] = [from.column, to.column].sort((a, b) => a - b);
        this.fill(this.mask, value, low, high, left, right);
      }
    } else {
      // A fast pointer skips cells, so the line between two of its events is painted.
      const steps = Math.max(1, Math.abs(to.row - last.row), Math.abs(to.column - last.column));
      for (let i = 1; i <= steps; i++) {
        const between = (key) => Math.round(last[key] + ((to[key] - last[key]) * i) / steps);
        this.dab({ row: between("row"), column: between("column") }, value);
      }
    }
    this.stroke.last = to;
    this.plan();
  }

  end() {
    const { before } = this.stroke;
    this.stroke = null;
    if (!same(before, this.mask)) this.history.remember(before);
    this.plan();
  }

  cancel() {
    if (!this.stroke) return;
    this.mask = this.stroke.before;
    this.stroke = null;
    this.plan();
  }

  // -- the whole mask

  change(of) {
    this.finish();
    const mask = this.mask.map(of);
    if (same(mask, this.mask)) return;
    this.history.remember(this.mask);
    this.mask = mask;
    this.plan();
  }

  // "undo" or "redo"
  step(way) {
    this.finish();
    const mask = this.history[way](this.mask)?.state;
    if (!mask) return;
    this.mask = mask;
    this.plan();
  }

  finish() {
    if (this.stroke) this.end();
  }

  choose(tool) {
    this.finish();
    this.tool = tool;
    this.plan(false);
  }

  resize(by) {
    const size = this.sizes[this.tool];
    if (size === null) return;
    this.sizes[this.tool] = SIZES[clamp(SIZES.indexOf(size) + by, 0, SIZES.length - 1)];
    this.plan(false);
  }

  // -- pointer

  down(event) {
    if (event.button !== 0 || this.drag !== undefined) return;
    this.finish();
    this.drag = event.pointerId;
    this.field.setPointerCapture(event.pointerId);
    this.field.focus({ preventScroll: true });
    this.cursor = this.at(event);
    this.begin(this.cursor, event.shiftKey);
    event.preventDefault();
  }

  move(event) {
    if (this.stroke && event.pointerId !== this.drag) return;
    this.cursor = this.at(event);
    if (this.stroke) this.extend(this.cursor);
    else this.plan(false);
  }

  up(event) {
    if (event.pointerId !== this.drag) return;
    this.drag = undefined;
    this.finish();
  }

  // -- keys

  key(event) {
    if (event.altKey || event.key === "Tab") return;
    const letter = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && letter !== "z" && letter !== "y") return;
    // Nothing typed here may reach the notebook, where a letter can delete a cell.
    event.stopPropagation();
    if (event.target === this.field ? this.planeKey(event) : false) event.preventDefault();
    else if (this.anyKey(letter, event.shiftKey)) event.preventDefault();
  }

  planeKey(event) {
    const { rows, columns } = this.axes;
    const { row, column } = this.cursor;
    const step = event.shiftKey ? BIG_STEP : 1;
    const to = {
      ArrowUp: [row + step, column],
      ArrowDown: [row - step, column],
      ArrowLeft: [row, column - step],
      ArrowRight: [row, column + step],
      PageUp: [row + BIG_STEP, column],
      PageDown: [row - BIG_STEP, column],
      Home: [row, 0],
      End: [row, columns - 1],
    }[event.key];
    if (to) {
      this.cursor = { row: clamp(to[0], 0, rows - 1), column: clamp(to[1], 0, columns - 1), within: 0.5 };
      if (this.stroke) this.extend(this.cursor);
      else this.plan(false);
    } else if (event.key === " " || event.key === "Enter") {
      if (this.stroke) this.end();
      else {
        this.begin({ ...this.cursor }, event.shiftKey);
        this.status.textContent = "The stroke has begun: arrow keys extend it, space ends it, escape takes it back";
      }
    } else if (event.key === "Escape" && this.stroke) this.cancel();
    else return false;
    return true;
  }

  anyKey(letter, shifted) {
    const tool = Object.keys(TOOLS).find((name) => TOOLS[name].key === letter);
    if (tool) this.choose(tool);
    else if (letter === "+" || letter === "=") this.resize(1);
    else if (letter === "-") this.resize(-1);
    else if (letter === "i") this.buttons.invert.click();
    else if (letter === "c") this.buttons.clear.click();
    else if (letter === "y" || (letter === "z" && shifted)) this.step("redo");
    else if (letter === "z") this.step("undo");
    else return false;
    return true;
  }

  // -- drawing and sending

  // One drawing and one message for each frame, however many events the pointer sends.
  plan(send = true) {
    this.unsent ||= send;
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.show();
      if (this.unsent) this.send();
      this.unsent = false;
    });
  }

  // While Python is busy, the notebook's front end keeps only the newest value.
  send() {
    if (same(bytesOf(this.model.get("value")), this.mask)) return;
    this.model.set("value", this.mask.slice().buffer);
    this.model.save_changes();
  }

  show() {
    if (this.shown !== this.mask || this.stroke || this.unsent) this.showMask();
    const { rows, columns, columnS, firstS } = this.axes;
    const { row, column } = this.cursor;
    const [up, along] = this.reach();
    this.pointer.style.left = `${(100 * (column - along)) / columns}%`;
    this.pointer.style.bottom = `${(100 * (row - up)) / rows}%`;
    this.pointer.style.width = `${(100 * (2 * along + 1)) / columns}%`;
    this.pointer.style.height = `${(100 * (2 * up + 1)) / rows}%`;
    const seconds = Math.max(0, firstS + (column + 0.5) * columnS);
    this.readout.value = `${this.hzOf(this.cursor).toFixed(0)} Hz, ${seconds.toFixed(2)} s`;
    for (const name of Object.keys(TOOLS)) press(this.buttons[name], name === this.tool);
    const size = this.sizes[this.tool];
    this.size.value = size === null ? "–" : `${size} row${size > 1 ? "s" : ""}`;
    this.buttons.smaller.disabled = size === null || size === SIZES[0];
    this.buttons.larger.disabled = size === null || size === SIZES.at(-1);
    this.buttons.undo.disabled = !this.history.past.length;
    this.buttons.redo.disabled = !this.history.future.length;
  }

  showMask() {
    this.shown = this.mask;
    this.paintCells(this.paint, (image, at, i) => {
      if (this.mask[i]) image.set([...PAINT, OPACITY * this.mask[i]], at);
    });
    if (this.stroke) return;
    const share = this.mask.reduce((sum, value) => sum + (value > 0), 0) / this.mask.length;
    const text = `${(100 * share).toFixed(1)} % of the cells painted`;
    this.status.textContent = share === 0 ? "Nothing is painted" : text;
  }

  close() {
    cancelAnimationFrame(this.frame);
    this.unwatch();
    this.resized.disconnect();
    this.model.off("change:value", this.take);
    this.model.off("change:description", this.named);
  }
}

export default {
  render({ model, el }) {
    const painter = new Painter(model, el);
    return () => painter.close();
  },
};
