// The part of a piece that is shown: zoom and pan, by buttons, keys and wheel, and a map of the whole piece.

import { clamp, make } from "./dom.js";

// The least width of a view, in samples for each pixel of a wide screen about one.
const LEAST_S = 0.02;
const FACTOR = 2;

export class TimeView {
  constructor(durationS, changed) {
    this.changed = changed;
    this.reset(durationS);
  }

  reset(durationS) {
    this.durationS = durationS;
    this.fromS = 0;
    this.toS = durationS;
    this.following = false;
  }

  get widthS() {
    return this.toS - this.fromS;
  }

  get whole() {
    return this.widthS >= this.durationS;
  }

  // Where a time lies in the view, 0 at its left end and 1 at its right end.
  share(timeS) {
    return (timeS - this.fromS) / this.widthS;
  }

  time(share) {
    return this.fromS + clamp(share, 0, 1) * this.widthS;
  }

  show(fromS, widthS) {
    const width = clamp(widthS, Math.min(LEAST_S, this.durationS), this.durationS);
    const from = clamp(fromS, 0, this.durationS - width);
    if (from === this.fromS && from + width === this.toS) return;
    [this.fromS, this.toS] = [from, from + width];
    this.following = false;
    this.changed();
  }

  // A time keeps its place in the view while all around it grows or shrinks.
  zoom(factor, aroundS) {
    const place = clamp(this.share(aroundS), 0, 1);
    const width = clamp(this.widthS / factor, Math.min(LEAST_S, this.durationS), this.durationS);
    this.show(aroundS - place * width, width);
  }

  in(aroundS) {
    this.zoom(FACTOR, aroundS);
  }

  out(aroundS) {
    this.zoom(1 / FACTOR, aroundS);
  }

  pan(byS) {
    this.show(this.fromS + byS, this.widthS);
  }

  all() {
    this.show(0, this.durationS);
  }

  // While it plays, the view turns pages; but a reader who looks elsewhere is left there.
  follow(timeS) {
    if (timeS >= this.fromS && timeS <= this.toS) this.following = true;
    else if (this.following) {
      this.show(timeS, this.widthS);
      this.following = true;
    }
  }

  // With Ctrl (or a pinch) the wheel zooms, sideways (or with Shift) it pans; otherwise the page scrolls.
  wheel(event, track) {
    const box = track.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) {
      this.zoom(Math.exp(-event.deltaY / 200), this.time((event.clientX - box.left) / box.width));
    } else if (!this.whole && (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))) {
      this.pan(((event.deltaX || event.deltaY) / box.width) * this.widthS);
    } else return;
    event.preventDefault();
  }
}

// The whole piece on a narrow strip, with a window over the part that is shown: drag it, or click beside it.
export class Minimap {
  constructor(view) {
    this.view = view;
    this.canvas = make("canvas", { class: "mss-map-wave", "aria-hidden": "true" });
    this.window = make("div", { class: "mss-map-window", "aria-hidden": "true" });
    this.element = make("div", { class: "mss-map", title: "The whole piece; drag the part that is shown" }, this.canvas, this.window);
    let grabbedS = null;
    const at = (event) => {
      const box = this.element.getBoundingClientRect();
      return ((event.clientX - box.left) / box.width) * view.durationS;
    };
    this.element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const time = at(event);
      const inside = time >= view.fromS && time <= view.toS;
      grabbedS = inside ? time - view.fromS : view.widthS / 2;
      this.element.setPointerCapture(event.pointerId);
      view.show(time - grabbedS, view.widthS);
    });
    this.element.addEventListener("pointermove", (event) => {
      if (grabbedS !== null) view.show(at(event) - grabbedS, view.widthS);
    });
    for (const kind of ["pointerup", "pointercancel"]) {
      this.element.addEventListener(kind, () => {
        grabbedS = null;
      });
    }
  }

  place() {
    const { view } = this;
    this.element.hidden = view.whole;
    this.window.style.left = `${(100 * view.fromS) / view.durationS}%`;
    this.window.style.width = `${(100 * view.widthS) / view.durationS}%`;
  }
}
