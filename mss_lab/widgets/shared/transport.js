// The transport: play, pause and seek, on one clock for all stems.

import { clamp } from "./dom.js";
import { buildGraph, loopOf } from "./graph.js";

// Sources are scheduled a little in advance, so that all start on the same sample.
const AHEAD_S = 0.03;
// Only one player on the page plays at a time; each hears of the others by this event.
export const STARTED = "mss-lab-player-started";

export class Transport {
  constructor(piece, state, changed) {
    Object.assign(this, { piece, state, changed, context: null, run: null, restS: 0 });
  }

  get playing() {
    return this.run !== null;
  }

  position(at = this.context?.currentTime ?? 0) {
    if (!this.run) return this.restS;
    let position = this.run.fromS + Math.max(0, at - this.run.when);
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
    if (this.run) return;
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

  startRun(fromS) {
    const loop = loopOf(this.piece, this.state);
    if (loop && (fromS < loop[0] - 1e-6 || fromS >= loop[1])) fromS = loop[0];
    const when = this.context.currentTime + AHEAD_S;
    this.run?.graph.stop(when);
    const graph = buildGraph(this.context, this.piece, this.state);
    const run = { graph, when, fromS, revision: this.piece.revision };
    graph.start(when, fromS, fromS > 0);
    graph.sources[0].onended = () => {
      if (this.run !== run) return;
      this.run = null;
      this.restS = 0;
      this.idle();
      this.changed("Reached the end");
    };
    this.run = run;
  }

  pause() {
    if (!this.run) return;
    this.restS = this.heardPosition();
    this.run.graph.stop(this.context.currentTime);
    this.run = null;
    this.idle();
  }

  // A context that is not playing still uses power.
  idle() {
    setTimeout(() => !this.run && this.context?.state === "running" && this.context.suspend(), 200);
  }

  seek(toS) {
    const target = clamp(toS, 0, this.piece.durationS);
    if (this.run) this.startRun(Math.min(target, this.piece.durationS - 0.001));
    else this.restS = target;
  }

  // Gains move within the running graph; a loop or other sounds need new sources, started at the same position.
  update(state, restart) {
    const position = this.run ? this.position(this.context.currentTime + AHEAD_S) : this.restS;
    this.state = state;
    if (!this.run) return;
    if (restart) this.startRun(position);
    else this.run.graph.apply(state, this.context.currentTime);
  }

  replace(piece, state) {
    const position = this.run ? this.position(this.context.currentTime + AHEAD_S) : this.restS;
    this.piece = piece;
    this.state = state;
    this.restS = Math.min(this.restS, piece.durationS);
    if (this.run) this.startRun(position >= piece.durationS ? 0 : position);
  }

  close() {
    this.pause();
    this.context?.close();
  }
}
