// The audio graph of a piece: the same function builds it for playing and for the offline rendering that tests measure
// and that is saved as a file.

import { planSpans } from "./spans.js";

// Long enough to avoid a click, short enough to sound immediate.
export const FADE_S = 0.01;
export const LOWEST_DB = -48;
export const HIGHEST_DB = 12;

export const toGain = (db) => (db <= LOWEST_DB ? 0 : 10 ** (db / 20));

export function isHeard(state, name) {
  return state.solo.length ? state.solo.includes(name) : !state.mute.includes(name);
}

// The samples of a span of one stem, with the fades of the span and without the regions that are cut out of the stem.
function cutOut(piece, state, span, name, stem) {
  const { sounds, channels, sampleRate } = piece;
  const buffer = new AudioBuffer({ length: span.length, numberOfChannels: channels, sampleRate });
  for (let channel = 0; channel < channels; channel++) {
    const target = buffer.getChannelData(channel);
    sounds.read(target, stem, channel, span.from);
    if (span.hann) {
      for (let i = 0; i < span.length; i++) target[i] *= 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / span.length);
    }
    for (let i = 0; i < span.fadeIn; i++) target[i] *= i / span.fadeIn;
    for (let i = 0; i < span.fadeOut; i++) target[span.length - span.fadeOut + i] *= 1 - i / span.fadeOut;
    for (const region of state.cuts[name] ?? []) silence(target, span.from, region, piece);
  }
  return buffer;
}

// The fades lie within the region, so nothing outside of it changes; the ends of the piece need none.
function silence(target, from, [startS, endS], { sampleRate, samples }) {
  const start = Math.round(startS * sampleRate);
  const end = Math.round(endS * sampleRate);
  const fade = Math.max(1, Math.min(FADE_S * sampleRate, (end - start) / 2));
  for (let i = Math.max(0, start - from); i < Math.min(target.length, end - from); i++) {
    const afterStart = start > 0 ? from + i - start : Infinity;
    const beforeEnd = end < samples ? end - from - i : Infinity;
    target[i] *= Math.max(0, 1 - Math.min(afterStart, beforeEnd) / fade);
  }
}

// Source -> stem gain -> version gain -> master gain -> run gain -> context. Returns `add` (a span, at a time), `apply`
// (a new state), `fadeIn` and `stop`.
export function buildGraph(context, piece, state) {
  const params = [];
  const gain = (target, into) => {
    const node = context.createGain();
    node.gain.value = target(state);
    node.connect(into);
    params.push({ param: node.gain, target, last: node.gain.value });
    return node;
  };
  const run = context.createGain();
  run.connect(context.destination);
  const master = gain((s) => toGain(piece.headroomDb) * toGain(s.masterDb), run);
  const stems = [];
  piece.versions.forEach((version, index) => {
    const into = gain((s) => {
      if (s.version !== index) return 0;
      return s.levelMatched ? toGain(version.gainDb) : 1;
    }, master);
    for (const [name, stem] of Object.entries(version.index)) {
      const node = gain((s) => (isHeard(s, name) ? toGain(s.levelsDb[name] ?? 0) : 0), into);
      stems.push({ name, stem, node });
    }
  });
  const playing = new Set();
  return {
    // Returns one of the sources, whose end is the end of the span.
    add(span, when) {
      let one = null;
      for (const { name, stem, node } of stems) {
        const source = context.createBufferSource();
        source.buffer = cutOut(piece, state, span, name, stem);
        source.connect(node);
        source.start(when);
        playing.add(source);
        source.addEventListener("ended", () => playing.delete(source));
        one = source;
      }
      return one;
    },
    fadeIn(when) {
      run.gain.setValueAtTime(0, when);
      run.gain.linearRampToValueAtTime(1, when + FADE_S);
    },
    // Linear ramps on both sides: two versions of one mixture are similar, so their sum keeps its level.
    apply(next, when) {
      for (const item of params) {
        const value = item.target(next);
        if (value === item.last) continue;
        item.param.cancelScheduledValues(when);
        item.param.setValueAtTime(item.last, when);
        item.param.linearRampToValueAtTime(value, when + FADE_S);
        item.last = value;
      }
    },
    stop(when) {
      run.gain.cancelScheduledValues(when);
      run.gain.setValueAtTime(1, when);
      run.gain.linearRampToValueAtTime(0, when + FADE_S);
      for (const source of playing) source.stop(when + FADE_S);
      setTimeout(() => run.disconnect(), 1000 * (Math.max(0, when - context.currentTime) + 2 * FADE_S));
    },
  };
}

// What the player would sound like from `startS`, as an AudioBuffer. `changes` are later states, [{ atS, state }], timed
// from the start of the rendering. Without `durationS` it ends with the piece.
export async function renderBuffer(piece, state, { startS = 0, durationS = null, changes = [] } = {}) {
  const { sampleRate, channels, sounds } = piece;
  const seconds = durationS ?? (piece.durationS - startS) / state.speed;
  const length = Math.max(1, Math.round(seconds * sampleRate));
  const context = new OfflineAudioContext(channels, length, sampleRate);
  const graph = buildGraph(context, piece, state);
  if (startS > 0) graph.fadeIn(0);
  for (const span of planSpans(piece, state, startS)) {
    if (span.wait) {
      await span.wait;
      continue;
    }
    if (span.at >= length) break;
    await sounds.ready(span.from, span.length);
    graph.add(span, span.at / sampleRate);
  }
  for (const change of changes) graph.apply({ ...state, ...change.state }, change.atS);
  return context.startRendering();
}

// The same, as one Float32Array per channel.
export async function renderOffline(piece, state, options = {}) {
  const rendered = await renderBuffer(piece, state, options);
  return Array.from({ length: piece.channels }, (_, channel) => rendered.getChannelData(channel));
}
