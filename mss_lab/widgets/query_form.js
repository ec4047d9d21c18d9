// The form of the query panel. Python (query_form.py) sends `content`, `points` and `limits`; the page sends `query`,
// `level`, and files in pieces.

import { bytesOf } from "./shared/bytes.js";
import { button, make, range } from "./shared/dom.js";
import { SoundLine } from "./shared/file_line.js";
import { watchKernel } from "./shared/kernel.js";
import { PointMap } from "./shared/point_map.js";

const LEVEL_STEP = 0.05;

class QueryForm {
  constructor(model, el) {
    this.model = model;
    this.build(el);
    this.onState = () => this.show();
    for (const name of ["query", "level", "content"]) model.on(`change:${name}`, this.onState);
    this.unwatch = watchKernel(model, this.root);
    this.show();
  }

  build(el) {
    const content = this.model.get("content");
    this.map = new PointMap(content, bytesOf(this.model.get("points")), (point) => this.plan({ query: { point } }));
    this.root = make(
      "div",
      {
        class: "mss-card mss-panel mss-query",
        role: "group",
        "aria-label": content.title,
        // JupyterLab's own shortcuts must not use our keys.
        "data-lm-suppress-shortcuts": "true",
      },
      make("div", { class: "mss-title" }, content.title),
      this.part("An instrument, by the mean of its stored queries", this.instruments(content)),
      this.soundPart(),
      this.part("A point between the stored queries", ...this.map.elements),
      this.levelPart(content),
    );
    // Nothing typed here may reach the notebook, where a letter can delete a cell.
    this.root.addEventListener("keydown", (event) => {
      if (!event.ctrlKey && !event.metaKey && event.key !== "Escape") event.stopPropagation();
    });
    el.append(this.root);
    this.map.start();
  }

  part(label, ...children) {
    return make("div", { class: "mss-part", role: "group", "aria-label": label }, make("b", {}, label), ...children);
  }

  instruments({ leaves }) {
    const options = leaves.map((leaf) => make("option", { value: leaf }, leaf));
    this.instrument = make("select", { "aria-label": "Instrument" }, make("option", { value: "" }, "–"), ...options);
    this.instrument.addEventListener("change", () => {
      if (this.instrument.value) this.plan({ query: { instrument: this.instrument.value } });
    });
    return this.instrument;
  }

  soundPart() {
    this.sound = new SoundLine(this.model, "query", "Query, an audio file", this.model.get("limits"));
    this.again = button("Use this recording", "Use this recording", "Make the recording the query again", () =>
      this.plan({ query: { recording: "" } }),
    );
    const { fields, hint, below } = this.sound;
    return this.part("A recording in which the instrument plays alone", fields, hint, ...below, this.again);
  }

  levelPart({ levels }) {
    const say = (level) => `level ${Number(level.toFixed(2))} of ${levels}`;
    this.level = range("Level", 1, levels, LEVEL_STEP, this.model.get("level"), say, (level) => this.plan({ level }));
    this.levelWords = make("output");
    const ends = [make("span", { class: "mss-hint" }, "instrument"), this.level, make("span", { class: "mss-hint" }, "widest family")];
    return this.part("Level of the hierarchy", make("div", { class: "mss-fields" }, ...ends, this.levelWords));
  }

  // One message for each frame, however many events the pointer sends.
  plan(changes) {
    this.changes = { ...this.changes, ...changes };
    this.planned ||= requestAnimationFrame(() => {
      this.planned = 0;
      for (const [name, value] of Object.entries(this.changes)) this.model.set(name, value);
      this.changes = {};
      this.model.save_changes();
    });
  }

  show() {
    const { query, level, content } = Object.fromEntries(
      ["query", "level", "content"].map((name) => [name, this.model.get(name)]),
    );
    this.instrument.value = query.instrument ?? "";
    this.sound.there.textContent = content.recording && `Query: ${content.recording}`;
    this.again.hidden = !content.recording || "recording" in query;
    this.level.value = level;
    this.levelWords.value = Number(level.toFixed(2));
    // What Python says of an earlier point does not move the handle that a reader drags.
    if (!this.changes?.query) this.map.show(query.point ?? content.position, content.selected);
  }

  close() {
    cancelAnimationFrame(this.planned);
    this.unwatch();
    this.sound.close();
    this.map.close();
    for (const name of ["query", "level", "content"]) this.model.off(`change:${name}`, this.onState);
  }
}

export default {
  render({ model, el }) {
    const form = new QueryForm(model, el);
    return () => form.close();
  },
};
