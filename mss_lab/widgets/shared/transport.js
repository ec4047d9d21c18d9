// The transport: play, pause and seek, on one clock for all stems.

import { clamp } from "./dom.js";
import { buildGraph } from "./graph.js";
import { loopOf, planSpans } from "./spans.js";

// Sources are scheduled a little in advance, so that all start on the same sample.
const AHEAD_S = 0.03;
// A tab in the background wakes up once a second only.
const SCHEDULED_S = 2.5;
const EVERY_MS = 250;
const IDLE_MS = 200;
// Only one player on the page plays at a time; each hears of the others by this event.
export const STARTED = "mss-lab-player-started";

export class Transport {
  constructor(piece, state, changed) {
    Object.assign(this, { piece, state, changed, context: null, run: null, starting: null, restS: 0 });
  }

  // Also while the sounds that were asked for are still on their way.
  get playing() {
    return this.run !== null || this.starting !== null;
  }

  position(at = this.context?.currentTime ?? 0) {
    if (!this.run) return this.restS;
    let position = this.run.fromS + Math.max(0, at - this.run.when) * this.state.speed;
    const loop = loopOf(this.piece, this.state);
    if (loop && position > loop[1]) position = loop[0] + ((position - loop[0]) % (loop[1] - loop[0]));
    return Math.min(position, this.piece.durationS);
  }

  // The sound that is audible now left the graph a moment ago.
  heardPosition() {
    if (!this.run) return this.restS;
    return this.position(this.context.currentTime - (this.context.outputLatency || 0));
  }

  async play() {
    if (this.playing) return;
    if (!this.context) {
      try {
        this.context = new AudioContext({ sampleRate: this.piece.sampleRate, latencyHint: "interactive" });
      } catch {
        this.context = new AudioContext();
      }
    }
    document.dispatchEvent(new CustomEvent(STARTED, { detail: this }));
    this.startRun(this.restS >= this.piece.durationS ? 0 : this.restS);
    await this.context.resume();
  }

  // Starts at once if the samples are there, or else as soon as they are; the run before it goes on until then.
  startRun(fromS) {
    const loop = loopOf(this.piece, this.state);
    if (loop && (fromS < loop[0] - 1e-6 || fromS >= loop[1])) fromS = loop[0];
    const { sounds, sampleRate } = this.piece;
    const ready = sounds.ready(Math.round(fromS * sampleRate), Math.round(0.5 * sampleRate));
    if (ready === true) {
      this.starting = null;
      this.begin(fromS);
      return;
    }
    this.restS = fromS;
    const starting = { fromS };
    this.starting = starting;
    this.changed("Waiting for the sound");
    ready.then(() => {
      if (this.starting !== starting) return;
      this.starting = null;
      this.begin(fromS);
      this.changed("Playing");
    });
  }

  begin(fromS) {
    const rate = this.piece.sampleRate;
    // On the grid of samples, so that spans meet without a gap.
    const when = Math.ceil((this.context.currentTime + AHEAD_S) * rate) / rate;
    this.run?.graph.stop(when);
    clearInterval(this.timer);
    const graph = buildGraph(this.context, this.piece, this.state);
    const spans = planSpans(this.piece, this.state, fromS);
    this.run = { graph, spans, when, fromS, next: spans.next(), revision: this.piece.revision, last: null };
    if (fromS > 0) graph.fadeIn(when);
    this.pump();
    if (this.run) this.timer = setInterval(() => this.pump(), EVERY_MS);
  }

  // Schedule what sounds within the next seconds.
  pump() {
    const { run, context, piece } = this;
    if (!run || run.waits) return;
    while (!run.next.done) {
      const span = run.next.value;
      if (!span.wait && run.when + span.at / piece.sampleRate > context.currentTime + SCHEDULED_S) return;
      const ready = span.wait ?? piece.sounds.ready(span.from, span.length);
      if (ready !== true) {
        this.pumpWhen(ready);
        return;
      }
      const when = run.when + span.at / piece.sampleRate;
      if (when < context.currentTime) {
        // The sounds came too late: go on from there, instead of many spans at once.
        this.startRun(Math.min(span.from / piece.sampleRate, piece.durationS - 0.001));
        return;
      }
      run.last = run.graph.add(span, when);
      run.next = run.spans.next();
    }
    if (run.last) run.last.onended = () => this.ended(run);
    else this.ended(run);
  }

  pumpWhen(ready) {
    const { run } = this;
    const { value } = run.next;
    run.waits = true;
    ready.then(() => {
      run.waits = false;
      if (value.wait) run.next = run.spans.next();
      if (this.run === run) this.pump();
    });
  }

  ended(run) {
    if (this.run !== run) return;
    this.halt();
    this.restS = 0;
    this.changed("Reached the end");
  }

  pause() {
    if (!this.playing) return;
    this.restS = this.heardPosition();
    this.run?.graph.stop(this.context.currentTime);
    this.halt();
  }

  halt() {
    this.run = null;
    this.starting = null;
    clearInterval(this.timer);
    // A context that is not playing still uses power.
    setTimeout(() => !this.playing && this.context?.state === "running" && this.context.suspend(), IDLE_MS);
  }

  seek(toS) {
    const target = clamp(toS, 0, this.piece.durationS);
    if (this.playing) this.startRun(Math.min(target, this.piece.durationS - 0.001));
    else this.restS = target;
  }

  // Gains move within the running graph; a loop, another speed or other sounds need new sources, started at the same
  // position.
  update(state, restart) {
    const position = this.run ? this.position(this.context.currentTime + AHEAD_S) : this.restS;
    this.state = state;
    if (!this.playing) return;
    if (restart || !this.run) this.startRun(Math.min(position, this.piece.durationS - 0.001));
    else this.run.graph.apply(state, this.context.currentTime);
  }

  replace(piece, state) {
    const position = this.run ? this.position(this.context.currentTime + AHEAD_S) : this.restS;
    this.piece = piece;
    this.state = state;
    this.restS = Math.min(this.restS, piece.durationS);
    if (this.playing) this.startRun(position >= piece.durationS ? 0 : position);
  }

  close() {
    this.pause();
    this.context?.close();
  }
}
