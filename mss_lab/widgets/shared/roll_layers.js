// The canvases of a piano roll: what does not change while notes are edited, the notes, and what is being dragged.

import { make } from "./dom.js";
import { drawAxis } from "./drawing.js";
import { drawAnchors, drawBehind, drawNotes, drawPitches, inkOn, layer, shadedPicture } from "./roll.js";

export class RollLayers {
  constructor(facts, pictureBytes, words) {
    [this.facts, this.words] = [facts, words];
    this.inks = facts.colours.map((fill) => ({ fill, text: inkOn(fill) }));
    this.picture = facts.strip && shadedPicture(pictureBytes, facts.strip);
    const canvas = (name) => make("canvas", { class: name, "aria-hidden": "true" });
    // One above the other; beside them the pitches, and below the times.
    [this.behind, this.notes, this.light] = [canvas("mss-layer"), canvas("mss-layer"), canvas("mss-layer")];
    [this.pitches, this.times] = [canvas("mss-pitches"), canvas("mss-times")];
  }

  ink(player) {
    return this.inks[player % this.inks.length];
  }

  drawGround(view) {
    drawBehind(this.behind, view, { ...this.facts, picture: this.picture });
    drawPitches(this.pitches, view, this.facts.names);
    drawAxis(this.times, { fromS: view.startS, toS: view.startS + view.spanS });
  }

  // All notes and anchors but those that are being dragged.
  drawNotes(view, list, chosen, drag, anchors) {
    const away = new Set(drag?.begun ? drag.notes : []);
    const shown = list.between(view.startS, view.startS + view.spanS).filter((note) => !away.has(note));
    const canvas = layer(this.notes);
    drawNotes(canvas, view, shown, this.looks(chosen));
    drawAnchors(canvas, view, anchors.map((anchor) => anchor.atS));
  }

  // The notes that are being dragged, where they would be, or the frame that is being drawn.
  drawLight(view, drag, moving, chosen) {
    const canvas = layer(this.light);
    if (moving) {
      const isChosen = new Set([...moving].filter(([note]) => chosen.has(note)).map(([, after]) => after));
      drawNotes(canvas, view, [...moving.values()], this.looks(isChosen));
      if (drag.anchor !== undefined) drawAnchors(canvas, view, [drag.nextS]);
    } else if (drag?.begun) drawFrame(canvas, drag);
  }

  looks(chosen) {
    return { inks: this.inks, isChosen: (note) => chosen.has(note), isDoubtful: (note) => this.words.isDoubtful(note) };
  }
}

function drawFrame({ pen, ratio }, { kind, from, to }) {
  const box = [from.x, from.y, to.x - from.x, to.y - from.y].map((px) => px * ratio);
  if (kind === "new") [box[1], box[3]] = [box[1] - 4 * ratio, 8 * ratio];
  pen.fillStyle = "rgb(255 255 255 / 20%)";
  pen.fillRect(...box);
  pen.strokeStyle = "#fff";
  pen.lineWidth = ratio;
  pen.strokeRect(...box);
}
