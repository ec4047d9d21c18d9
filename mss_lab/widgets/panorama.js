// A window over a panning histogram. Python (panorama.py) sends the bins; the page sends back `value`, in radians.
// What follows the pointer is moved by style sheets only, so that a drag never waits for a drawing.

import { clamp, make } from "./shared/dom.js";
import { watchKernel } from "./shared/kernel.js";

const RIGHT_DEG = 90;
const LEAST_DEG = 1;
const STEP_DEG = 1;
const BIG_STEP_DEG = 5;
const PLACES = [
  [0, "left"],
  [45, "centre"],
  [90, "right"],
];
const TICK_DEG = 15;
const TICK_DB = 10;

const toDeg = (rad) => (rad * 180) / Math.PI;
const toRad = (deg) => (deg * Math.PI) / 180;
// A tenth of a degree is finer than any histogram, and easy to read.
const rounded = (deg) => Math.round(deg * 10) / 10;
const minus = (number) => String(number).replace("-", "−");

function where(deg) {
  const place = PLACES.find(([at]) => Math.abs(at - deg) < 0.05);
  if (place) return `${deg} degrees, ${place[1]}`;
  return `${deg} degrees, ${deg < 45 ? "left" : "right"} of the centre`;
}

// The histogram as the outline of a filled shape, in degrees across and dB downwards.
function shape(centres, levels, rangeDb) {
  const points = centres.map((deg, i) => `${deg.toFixed(3)} ${(-levels[i]).toFixed(3)}`);
  return `M0 ${rangeDb}L${centres[0].toFixed(3)} ${rangeDb}L${points.join("L")}L${centres.at(-1).toFixed(3)} ${rangeDb}Z`;
}

function picture(centres, levels, rangeDb, name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", `0 0 ${RIGHT_DEG} ${rangeDb}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", `mss-hill ${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", shape(centres, levels, rangeDb));
  path.setAttribute("vector-effect", "non-scaling-stroke");
  svg.append(path);
  return svg;
}

class Panorama {
  constructor(model, el) {
    this.model = model;
    this.drag = null;
    this.planned = 0;
    this.build(el);
    this.take = () => {
      // While a reader drags the window, a value from Python does not move it.
      if (this.drag) return;
      this.window = model.get("value").map(toDeg);
      this.show();
    };
    this.named = () => this.name();
    model.on("change:value", this.take);
    model.on("change:description", this.named);
    this.take();
    this.name();
  }

  build(el) {
    const centres = this.model.get("centres_deg");
    const levels = this.model.get("levels_db");
    const rangeDb = this.model.get("range_db");
    this.title = make("span", { class: "mss-title" });
    this.readout = make("output");
    this.lit = picture(centres, levels, rangeDb, "mss-lit");
    this.parts = { both: this.slider("mss-whole"), low: this.slider("mss-edge"), high: this.slider("mss-edge") };
    this.plot = make("div", { class: "mss-plot" });
    for (let db = 0; db <= rangeDb; db += TICK_DB) {
      const at = `top: ${(100 * db) / rangeDb}%`;
      this.plot.append(make("i", { class: "mss-rule", style: at }), make("span", { class: "mss-db", style: at }, minus(-db)));
    }
    for (let deg = 0; deg <= RIGHT_DEG; deg += TICK_DEG) {
      const place = PLACES.find(([at]) => at === deg);
      const text = place ? [make("b", {}, `${deg}°`), make("br"), place[1]] : [`${deg}°`];
      this.plot.append(make("span", { class: "mss-deg", style: `left: ${(100 * deg) / RIGHT_DEG}%` }, ...text));
    }
    const { both, low, high } = this.parts;
    this.plot.append(picture(centres, levels, rangeDb, "mss-dim"), this.lit, both, low, high);
    this.root = make(
      "div",
      // JupyterLab's own shortcuts must not use our keys.
      { class: "mss-card mss-panorama", role: "group", "data-lm-suppress-shortcuts": "true" },
      make("div", { class: "mss-head" }, this.title, this.readout),
      make("div", { class: "mss-unit", "aria-hidden": "true" }, "Level (dB)"),
      this.plot,
    );
    this.plot.addEventListener("pointerdown", (event) => this.press(event));
    this.plot.addEventListener("pointermove", (event) => this.move(event));
    for (const kind of ["pointerup", "pointercancel"]) this.plot.addEventListener(kind, () => this.release());
    for (const [part, element] of Object.entries(this.parts)) {
      element.addEventListener("keydown", (event) => this.key(event, part));
    }
    el.append(this.root);
    this.unwatch = watchKernel(this.model, this.root);
  }

  slider(name) {
    const bounds = { "aria-valuemin": 0, "aria-valuemax": RIGHT_DEG, "aria-orientation": "horizontal" };
    return make("div", { class: name, role: "slider", tabindex: 0, ...bounds });
  }

  name() {
    const label = this.model.get("description");
    this.title.textContent = label;
    this.root.setAttribute("aria-label", label || "Window of angles");
    this.parts.low.setAttribute("aria-label", "Left edge of the window");
    this.parts.high.setAttribute("aria-label", "Right edge of the window");
    this.parts.both.setAttribute("aria-label", "Whole window");
  }

  // -- pointer

  at(event) {
    const box = this.plot.getBoundingClientRect();
    return (RIGHT_DEG * (event.clientX - box.left)) / box.width;
  }

  press(event) {
    if (event.button !== 0 || this.drag) return;
    const { both, low, high } = this.parts;
    let part = event.target === low ? "low" : event.target === high ? "high" : "both";
    const deg = this.at(event);
    const [from, to] = this.window;
    this.drag = { part, pointer: event.pointerId, offset: deg - (part === "high" ? to : from) };
    // Outside the window: the window moves to the pointer, and then follows it.
    if (event.target !== both && part === "both") {
      this.drag.offset = (to - from) / 2;
      this.place(part, deg - this.drag.offset);
    }
    this.plot.setPointerCapture(event.pointerId);
    this.parts[part].focus({ preventScroll: true });
    this.root.classList.add("mss-dragged");
    event.preventDefault();
  }

  move(event) {
    if (event.pointerId !== this.drag?.pointer) return;
    this.place(this.drag.part, this.at(event) - this.drag.offset);
  }

  release() {
    if (!this.drag) return;
    this.drag = null;
    this.root.classList.remove("mss-dragged");
    this.send();
  }

  // -- keys

  key(event, part) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
    // Nothing typed here may reach the notebook, where a letter can delete a cell.
    event.stopPropagation();
    const [low, high] = this.window;
    const from = part === "high" ? high : low;
    const step = event.shiftKey ? BIG_STEP_DEG : STEP_DEG;
    const to = {
      ArrowLeft: from - step,
      ArrowDown: from - step,
      ArrowRight: from + step,
      ArrowUp: from + step,
      PageDown: from - BIG_STEP_DEG,
      PageUp: from + BIG_STEP_DEG,
      Home: 0,
      End: RIGHT_DEG,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.place(part, to);
  }

  // -- the window

  // Move an edge, or the low edge of the whole window, as near to `deg` as the plot and the other edge allow.
  place(part, deg) {
    const [low, high] = this.window;
    const least = Math.min(LEAST_DEG, high - low);
    let next = [clamp(rounded(deg), 0, high - least), high];
    if (part === "high") next = [low, clamp(rounded(deg), low + least, RIGHT_DEG)];
    if (part === "both") {
      const start = clamp(rounded(deg), 0, RIGHT_DEG - (high - low));
      next = [start, Math.min(RIGHT_DEG, start + (high - low))];
    }
    if (next[0] === low && next[1] === high) return;
    this.window = next;
    // One drawing and one message for each frame, however many events the pointer sends.
    this.planned ||= requestAnimationFrame(() => {
      this.planned = 0;
      this.show();
      this.send();
    });
  }

  // While Python is busy, the notebook's front end keeps only the newest value.
  send() {
    this.model.set("value", this.window.map(toRad));
    this.model.save_changes();
  }

  show() {
    const [low, high] = this.window;
    const [left, right] = [(100 * low) / RIGHT_DEG, (100 * high) / RIGHT_DEG];
    const { both, low: lowEdge, high: highEdge } = this.parts;
    both.style.left = `${left}%`;
    both.style.width = `${right - left}%`;
    lowEdge.style.left = `${left}%`;
    highEdge.style.left = `${right}%`;
    this.lit.style.clipPath = `inset(0 ${100 - right}% 0 ${left}%)`;
    const middle = rounded((low + high) / 2);
    this.readout.value = `${low.toFixed(1)}° to ${high.toFixed(1)}°`;
    this.say(lowEdge, rounded(low), where(rounded(low)));
    this.say(highEdge, rounded(high), where(rounded(high)));
    this.say(both, middle, `${rounded(low)} to ${rounded(high)} degrees, middle at ${where(middle)}`);
  }

  say(element, now, text) {
    element.setAttribute("aria-valuenow", now);
    element.setAttribute("aria-valuetext", text);
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
    const panorama = new Panorama(model, el);
    return () => panorama.close();
  },
};
