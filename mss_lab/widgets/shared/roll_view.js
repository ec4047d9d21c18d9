// What a piano roll shows: a span of time and a range of pitches, with a slider that scrolls in time.

import { clamp, make } from "./dom.js";
import { HIGHEST_MIDI } from "./roll_edits.js";

const SHOWN_S = 30;
const LEAST_SPAN_S = 0.5;
const LEAST_SEMITONES = 24;
const MARGIN_SEMITONES = 5;

export class RollView {
  constructor(changed) {
    this.changed = changed;
    this.isOpen = false;
    this.scroll = make("input", { type: "range", class: "mss-scroll", min: 0, step: "any", "aria-label": "Scroll in time" });
    this.scroll.addEventListener("input", () => this.look({ startS: Number(this.scroll.value) }));
  }

  open(notes, extentS) {
    this.isOpen = true;
    Object.assign(this, { extentS, startS: 0, spanS: Math.min(SHOWN_S, extentS), ...around(notes) });
  }

  get shown() {
    const { startS, spanS, lowMidi, highMidi } = this;
    return { startS, spanS, lowMidi, highMidi };
  }

  get words() {
    return `${this.startS.toFixed(1)} to ${(this.startS + this.spanS).toFixed(1)} s are shown`;
  }

  has(timeS) {
    return timeS >= this.startS && timeS < this.startS + this.spanS;
  }

  look(changes) {
    const view = { ...this.shown, ...changes };
    view.spanS = clamp(view.spanS, Math.min(LEAST_SPAN_S, this.extentS), this.extentS);
    view.startS = clamp(view.startS, 0, this.extentS - view.spanS);
    const span = view.highMidi - view.lowMidi;
    view.lowMidi = clamp(view.lowMidi, -MARGIN_SEMITONES - 0.5, HIGHEST_MIDI + MARGIN_SEMITONES + 0.5 - span);
    view.highMidi = view.lowMidi + span;
    Object.assign(this, view);
    const share = Math.round((100 * view.spanS) / this.extentS);
    this.scroll.max = this.extentS - view.spanS;
    this.scroll.value = view.startS;
    this.scroll.disabled = view.spanS >= this.extentS;
    this.scroll.setAttribute("aria-valuetext", `from ${view.startS.toFixed(1)} s, ${share} % of the recording`);
    this.changed();
  }

  // Around a time, which keeps its place.
  zoom(factor, fixedS) {
    const { startS, spanS } = this;
    const nextS = clamp(spanS * factor, Math.min(LEAST_SPAN_S, this.extentS), this.extentS);
    this.look({ spanS: nextS, startS: fixedS - ((fixedS - startS) / spanS) * nextS });
  }

  showAll(notes) {
    this.look({ startS: 0, spanS: this.extentS, ...around(notes) });
  }

  // A page earlier (1) or later (-1); in pitch, an octave higher (1) or lower (-1).
  page(sign, inPitch) {
    const { startS, spanS, lowMidi, highMidi } = this;
    if (inPitch) this.look({ lowMidi: lowMidi + 12 * sign, highMidi: highMidi + 12 * sign });
    else this.look({ startS: startS - sign * spanS });
  }

  // Scroll until notes that were reached or changed by the keyboard are visible.
  reveal(notes) {
    if (!notes.length) return;
    const { startS, spanS } = this;
    const note = notes.at(-1);
    if (note.offS < startS || note.onS > startS + spanS) this.look({ startS: note.onS - spanS / 4 });
    this.showPitch([note]);
  }

  // Make room for pitches that are not shown.
  showPitch(notes) {
    let { lowMidi, highMidi } = this;
    for (const { midi } of notes) {
      [lowMidi, highMidi] = [Math.min(lowMidi, Math.floor(midi) - 1.5), Math.max(highMidi, Math.ceil(midi) + 1.5)];
    }
    if (lowMidi < this.lowMidi || highMidi > this.highMidi) this.look({ lowMidi, highMidi });
  }
}

function around(notes) {
  if (!notes.length) return { lowMidi: 47.5, highMidi: 84.5 };
  let [low, high] = [HIGHEST_MIDI, 0];
  for (const { midi } of notes) [low, high] = [Math.min(low, midi), Math.max(high, midi)];
  const margin = Math.max(MARGIN_SEMITONES, (LEAST_SEMITONES - (high - low)) / 2);
  return { lowMidi: Math.floor(low - margin) - 0.5, highMidi: Math.ceil(high + margin) + 0.5 };
}
