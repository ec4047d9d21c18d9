// The audio graph of a piece: the same function builds it for playing and for the offline rendering that tests measure.

// Long enough to avoid a click, short enough to sound immediate.
export const FADE_S = 0.01;
export const LOWEST_DB = -48;
export const HIGHEST_DB = 12;

export const toGain = (db) => (db <= LOWEST_DB ? 0 : 10 ** (db / 20));

export function isHeard(state, name) {
  return state.solo.length ? state.solo.includes(name) : !state.mute.includes(name);
}

export function loopOf(piece, state) {
  if (!state.loopOn) return null;
  return state.loop ?? [0, piece.durationS];
}

// Source -> stem gain -> version gain -> master gain -> context. The same function is used for playing and for the
// offline rendering that tests measure. Returns `start` (all stems on one moment), `apply` (new state), `stop`.
export function buildGraph(context, piece, state) {
  const params = [];
  const add = (target, into) => {
    const node = context.createGain();
    node.gain.value = target(state);
    node.connect(into);
    params.push({ param: node.gain, target, last: node.gain.value });
    return node;
  };
  const run = context.createGain();
  run.connect(context.destination);
  const master = add((s) => toGain(piece.headroomDb) * toGain(s.masterDb), run);
  const sources = [];
  piece.versions.forEach((version, index) => {
    const versionGain = add((s) => {
      if (s.version !== index) return 0;
      return s.levelMatched ? toGain(version.gainDb) : 1;
    }, master);
    for (const [name, buffer] of Object.entries(version.buffers)) {
      const source = context.createBufferSource();
      source.buffer = buffer;
      const loop = loopOf(piece, state);
      if (loop) [source.loop, source.loopStart, source.loopEnd] = [true, ...loop];
      source.connect(add((s) => (isHeard(s, name) ? toGain(s.levelsDb[name] ?? 0) : 0), versionGain));
      sources.push(source);
    }
  });
  return {
    sources,
    start(when, positionS, fadeIn) {
      if (fadeIn) {
        run.gain.setValueAtTime(0, when);
        run.gain.linearRampToValueAtTime(1, when + FADE_S);
      }
      for (const source of sources) source.start(when, positionS);
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
      for (const source of sources) source.stop(when + FADE_S);
    },
  };
}

// What the player would sound like from `startS`: one Float32Array per channel. `changes` are later states,
// [{ atS, state }], timed from the start of the rendering.
export async function renderOffline(piece, state, { startS = 0, durationS = null, changes = [] } = {}) {
  const length = Math.max(1, Math.round((durationS ?? piece.durationS - startS) * piece.sampleRate));
  const context = new OfflineAudioContext(piece.channels, length, piece.sampleRate);
  const graph = buildGraph(context, piece, state);
  graph.start(0, startS, startS > 0);
  for (const change of changes) graph.apply({ ...state, ...change.state }, change.atS);
  const rendered = await context.startRendering();
  return Array.from({ length: piece.channels }, (_, channel) => rendered.getChannelData(channel));
}
