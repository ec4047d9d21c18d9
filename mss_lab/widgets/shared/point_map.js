// A map of many points with a handle that a reader moves: by the pointer anywhere on it, or by the arrow keys.

import { clamp, make } from "./dom.js";
import { fit } from "./drawing.js";

const DOT_PX = 2;
const STEPS = 100;
const BIG_STEPS = 10;

// `content` has bounds, kinds (a number for each point), colours, leaves, places, families and familyNames; `bytes` the
// points as float32 pairs; `moved` receives [across, up].
export class PointMap {
  constructor(content, bytes, moved) {
    this.content = content;
    this.points = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    this.moved = moved;
    this.canvas = make("canvas", { class: "mss-dots", "aria-hidden": "true" });
    this.handle = make("div", { class: "mss-handle", role: "slider", tabindex: 0, "aria-label": "Point of the map" });
    const [left, right] = content.bounds[0];
    this.handle.setAttribute("aria-valuemin", left.toFixed(2));
    this.handle.setAttribute("aria-valuemax", right.toFixed(2));
    const names = content.leaves.map((leaf, i) => {
      const [x, y] = this.percent(content.places[i]);
      return make("span", { class: "mss-leaf", "aria-hidden": "true", style: `left: ${x}%; top: ${y}%` }, leaf);
    });
    this.area = make("div", { class: "mss-plane" }, this.canvas, ...names, this.handle);
    this.legend = make("div", { class: "mss-families" }, ...content.familyNames.map((name, i) => this.entry(name, i)));
    this.area.addEventListener("pointerdown", (event) => this.press(event));
    this.area.addEventListener("pointermove", (event) => this.dragging && this.go(this.under(event)));
    for (const kind of ["pointerup", "pointercancel"]) this.area.addEventListener(kind, () => (this.dragging = false));
    this.handle.addEventListener("keydown", (event) => this.key(event));
  }

  get elements() {
    const words = "Each dot is a stored query, each name the mean of an instrument. Drag the ring, or move it by the arrow keys.";
    return [this.area, this.legend, make("div", { class: "mss-hint" }, words)];
  }

  entry(name, number) {
    const colour = this.content.colours[number % this.content.colours.length];
    return make("span", {}, make("i", { style: `background: ${colour}` }), name);
  }

  // Called once the elements are on the page.
  start() {
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(this.area);
  }

  draw() {
    const { pen, ratio, width, height } = fit(this.canvas);
    const { kinds, colours } = this.content;
    pen.globalAlpha = 0.5;
    kinds.forEach((kind, i) => {
      const [x, y] = this.percent([this.points[2 * i], this.points[2 * i + 1]]);
      pen.fillStyle = colours[kind % colours.length];
      pen.beginPath();
      pen.arc((x / 100) * width, (y / 100) * height, DOT_PX * ratio, 0, 2 * Math.PI);
      pen.fill();
    });
  }

  // From a point to percent of the area, from its left and from its top.
  percent([across, up]) {
    const [[left, right], [bottom, top]] = this.content.bounds;
    return [(100 * (across - left)) / (right - left), (100 * (top - up)) / (top - bottom)];
  }

  under(event) {
    const box = this.area.getBoundingClientRect();
    const [[left, right], [bottom, top]] = this.content.bounds;
    const across = left + ((right - left) * (event.clientX - box.left)) / box.width;
    return [across, top - ((top - bottom) * (event.clientY - box.top)) / box.height];
  }

  press(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.dragging = true;
    this.area.setPointerCapture(event.pointerId);
    this.handle.focus();
    this.go(this.under(event));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!move) return;
    event.preventDefault();
    const steps = event.shiftKey ? BIG_STEPS : 1;
    this.go(this.content.bounds.map(([low, high], i) => this.point[i] + (move[i] * steps * (high - low)) / STEPS));
  }

  go(point) {
    const inside = point.map((value, i) => clamp(value, ...this.content.bounds[i]));
    this.show(inside, "");
    this.moved(inside);
  }

  show(point, words) {
    this.point = point;
    const [x, y] = this.percent(point);
    this.handle.style.left = `${clamp(x, 0, 100)}%`;
    this.handle.style.top = `${clamp(y, 0, 100)}%`;
    const where = `${point[0].toFixed(2)} across, ${point[1].toFixed(2)} up`;
    this.handle.setAttribute("aria-valuenow", point[0].toFixed(2));
    this.handle.setAttribute("aria-valuetext", words ? `${where}: ${words}` : where);
  }

  close() {
    this.watch?.disconnect();
  }
}
