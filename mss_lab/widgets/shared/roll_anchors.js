// The row of anchors above a piano roll: handles that are dragged or moved by keys, and the notes around them follow.

import { addedAnchor, anchorReach, movedAnchors, warpedNotes } from "./anchors.js";
import { clamp, make } from "./dom.js";
import { count } from "./roll_words.js";
import { keyStepS, rollAction, viewKeys } from "./roll_keys.js";

const MOVED_PX = 2;

export class RollAnchors {
  constructor(roll) {
    [this.roll, this.all, this.handles] = [roll, [], []];
    this.hint = make("span", { class: "mss-hint" }, "Double-click here, or press T, to anchor the score to the recording");
    this.element = make("div", { class: "mss-anchors", role: "group", "aria-label": "Anchors of the alignment" }, this.hint);
    this.element.addEventListener("dblclick", (event) => {
      if (event.target.closest(".mss-anchor")) return;
      this.add(this.timeAt(event));
      event.preventDefault();
    });
  }

  timeAt(event) {
    const box = this.element.getBoundingClientRect();
    const { startS, spanS, extentS } = this.roll.view;
    return clamp(startS + ((event.clientX - box.left) / box.width) * spanS, 0, extentS);
  }

  words({ scoreS, atS }) {
    return `score ${scoreS.toFixed(2)} s at ${atS.toFixed(2)} s`;
  }

  // Where an anchor is shown: at its time, or where it is being dragged to.
  shown(index) {
    const { drag } = this.roll;
    return drag?.anchor === index && drag.begun ? { ...this.all[index], atS: drag.nextS } : this.all[index];
  }

  // -- on the page

  place() {
    const { startS, spanS } = this.roll.view;
    this.hint.hidden = this.all.length > 0;
    while (this.handles.length < this.all.length) this.handles.push(this.handle(this.handles.length));
    this.handles.forEach((handle, index) => {
      const anchor = this.all[index] && this.shown(index);
      const isVisible = Boolean(anchor) && anchor.atS >= startS && anchor.atS <= startS + spanS;
      // The keys go on working if the handle that had them vanishes.
      if (!isVisible && handle === document.activeElement) this.roll.field.focus({ preventScroll: true });
      handle.hidden = !isVisible;
      if (!isVisible) return;
      const { leastS, mostS } = anchorReach(this.all, index, this.roll.view.extentS);
      handle.style.left = `${(100 * (anchor.atS - startS)) / spanS}%`;
      handle.setAttribute("aria-label", `Anchor ${index + 1} of ${this.all.length}`);
      handle.setAttribute("aria-valuemin", leastS.toFixed(2));
      handle.setAttribute("aria-valuemax", mostS.toFixed(2));
      handle.setAttribute("aria-valuenow", anchor.atS.toFixed(2));
      handle.setAttribute("aria-valuetext", this.words(anchor));
      handle.title = this.words(anchor);
    });
  }

  handle(index) {
    const handle = make("div", { class: "mss-anchor", role: "slider", tabindex: 0, "data-index": index });
    handle.addEventListener("pointerdown", (event) => this.pressed(event, index));
    handle.addEventListener("pointermove", (event) => this.dragged(event));
    handle.addEventListener("pointerup", (event) => this.released(event));
    handle.addEventListener("pointercancel", () => this.roll.cancel());
    this.element.append(handle);
    return handle;
  }

  focus(index) {
    this.place();
    if (this.handles[index] && !this.handles[index].hidden) this.handles[index].focus({ preventScroll: true });
  }

  // -- mouse and touch

  pressed(event, index) {
    const { roll } = this;
    if (event.button !== 0 || roll.drag) return;
    // The handle may be taken beside its middle.
    const offS = this.timeAt(event) - this.all[index].atS;
    const { fromS, toS, leastS, mostS } = anchorReach(this.all, index, roll.view.extentS);
    const notes = roll.list.between(fromS, toS);
    const drag = { pointer: event.pointerId, anchor: index, begun: false, notes, nextS: this.all[index].atS };
    drag.follow = (to) => {
      if (Math.abs(to.clientX - event.clientX) >= MOVED_PX) drag.begun = true;
      drag.nextS = clamp(this.timeAt(to) - offS, leastS, mostS);
    };
    drag.moving = () => warpedNotes(roll.list, this.all, index, drag.nextS, roll.view.extentS);
    drag.words = () => this.words(this.shown(index));
    roll.drag = drag;
    event.currentTarget.setPointerCapture(event.pointerId);
    event.currentTarget.focus({ preventScroll: true });
    event.preventDefault();
  }

  dragged(event) {
    const { roll } = this;
    if (event.pointerId !== roll.drag?.pointer || roll.drag.anchor === undefined) return;
    const wasBegun = roll.drag.begun;
    roll.drag.follow(event);
    if (!roll.drag.begun) return;
    if (!wasBegun) roll.plan("notes");
    roll.plan("light");
  }

  released(event) {
    const { drag } = this.roll;
    if (event.pointerId !== drag?.pointer || drag.anchor === undefined) return;
    this.roll.cancel();
    if (drag.begun) this.moveTo(drag.anchor, drag.nextS);
  }

  // -- edits

  add(atS) {
    const { anchors, index, isNew } = addedAnchor(this.all, atS, this.roll.view.extentS);
    const words = this.words(anchors[index]);
    if (isNew) this.roll.warp(`New anchor: ${words}`, new Map(), anchors);
    else this.roll.say(`There is an anchor already: ${words}`);
    this.focus(index);
  }

  // At the start of the current note, or in the middle of what is shown.
  addByKey() {
    const { current, view } = this.roll;
    this.add(current ? current.onS : view.startS + view.spanS / 2);
  }

  moveTo(index, nextS) {
    const { roll } = this;
    const { extentS } = roll.view;
    const anchors = movedAnchors(this.all, index, nextS, extentS);
    const words = this.words(anchors[index]);
    if (anchors[index].atS === this.all[index].atS) return roll.say(`The anchor is as before: ${words}`);
    const replacements = warpedNotes(roll.list, this.all, index, nextS, extentS);
    const moved = [...replacements].filter(([before, after]) => before.onS !== after.onS || before.offS !== after.offS);
    roll.warp(`Anchor ${index + 1}, ${words}: ${count(moved)} moved`, new Map(moved), anchors);
    const { atS } = anchors[index];
    if (!roll.view.has(atS)) roll.view.look({ startS: atS - roll.view.spanS / 2 });
  }

  remove(index) {
    this.roll.warp(`Anchor ${index + 1} deleted; the notes stay`, new Map(), this.all.filter((_, n) => n !== index));
    if (this.all.length) this.focus(Math.min(index, this.all.length - 1));
  }

  // What a key does on a handle: a function, or nothing.
  action(event, index) {
    const { roll } = this;
    const direction = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (direction) return () => this.moveTo(index, this.all[index].atS + direction * keyStepS(event));
    if (event.key === "Delete" || event.key === "Backspace") return () => this.remove(index);
    if (event.key === "Escape") return () => roll.field.focus();
    if (event.ctrlKey || event.metaKey) return rollAction(roll, event);
    return viewKeys(roll, event.shiftKey)[event.key];
  }
}
