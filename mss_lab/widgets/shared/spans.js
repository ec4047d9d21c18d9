// The plan of playing: which samples sound when. A span is a part of the piece that begins at one output sample; all
// stems share it, so they stay synchronous, and what is heard of them adds up as they do.
//
//   { at, from, length, shape, fadeIn, fadeOut }   all in samples; `at` counts from the start of the plan
//
// At full speed spans follow each other without an overlap; where a loop closes, they are crossfaded. At other speeds
// they are grains of one length that overlap by half (WSOLA, Verhelst and Roelands 1993): each is taken where the
// mixture continues the one before it best, so the pitch stays and periods meet.

const SPAN_S = 2;
// Where a loop closes: short enough for a beat, long enough not to click.
const SEAM_S = 0.005;
const GRAIN_S = 0.05;
const SEARCH_S = 0.012;
// Every fourth sample is enough to compare two parts of a mixture.
const SEARCH_STEP = 4;

export function loopOf(piece, state) {
  if (!state.loopOn) return null;
  return state.loop ?? [0, piece.durationS];
}

export function* planSpans(piece, state, fromS) {
  const rate = piece.sampleRate;
  const loop = loopOf(piece, state)?.map((s) => Math.round(s * rate)) ?? null;
  const from = Math.round(fromS * rate);
  if (state.speed === 1) yield* straight(piece, loop, from);
  else yield* stretched(piece, loop, from, state.speed);
}

function* straight(piece, loop, from) {
  const rate = piece.sampleRate;
  const most = Math.round(SPAN_S * rate);
  const seam = loop ? Math.min(Math.round(SEAM_S * rate), loop[1] - loop[0]) : 0;
  let at = 0;
  let position = from;
  let fadeIn = 0;
  while (true) {
    const end = loop ? loop[1] : piece.samples;
    if (position >= end) {
      if (!loop) return;
      position = loop[0];
      fadeIn = seam;
    }
    const length = Math.min(most, end - position);
    // Beyond the end of the loop the music goes on for a moment while the beginning fades in.
    const fadeOut = loop && position + length === end ? seam : 0;
    yield { at, from: position, length: length + fadeOut, fadeIn: Math.min(fadeIn, length), fadeOut };
    at += length;
    position += length;
    fadeIn = 0;
  }
}

function* stretched(piece, loop, from, speed) {
  const rate = piece.sampleRate;
  const hop = Math.round((GRAIN_S * rate) / 2);
  const end = loop ? loop[1] : piece.samples;
  let nominal = from;
  let last = null;
  for (let at = 0; ; at += hop) {
    if (nominal >= end) {
      if (!loop) return;
      nominal = loop[0] + ((nominal - loop[0]) % (end - loop[0]));
    }
    const target = Math.round(nominal);
    let start = target;
    if (last !== null) {
      const searched = Math.round(SEARCH_S * rate);
      const wanted = last + hop;
      const low = Math.min(wanted, target - searched);
      const high = Math.max(wanted, target + searched) + hop;
      const ready = piece.sounds.ready(low, high - low);
      if (ready !== true) yield { wait: ready };
      start = target + bestShift(piece, wanted, target, hop, searched);
    }
    last = start;
    yield { at, from: start, length: 2 * hop, hann: true, fadeIn: 0, fadeOut: 0 };
    nominal += hop * speed;
  }
}

// The mixture of the first version, one channel, every fourth sample.
function coarse(piece, from, count) {
  const sum = new Float32Array(count);
  const part = new Float32Array(count * SEARCH_STEP);
  for (const stem of piece.mixed) {
    part.fill(0);
    piece.sounds.read(part, stem, 0, from);
    for (let i = 0; i < count; i++) sum[i] += part[i * SEARCH_STEP];
  }
  return sum;
}

// How far from `target` the mixture resembles most what follows at `wanted` (normalised correlation).
function bestShift(piece, wanted, target, hop, searched) {
  const count = Math.floor(hop / SEARCH_STEP);
  const lags = Math.floor((2 * searched) / SEARCH_STEP) + 1;
  const model = coarse(piece, wanted, count);
  const field = coarse(piece, target - searched, count + lags);
  let best = -Infinity;
  let shift = 0;
  let energy = 1e-12;
  for (let i = 0; i < count; i++) energy += field[i] ** 2;
  for (let lag = 0; lag < lags; lag++) {
    let product = 0;
    for (let i = 0; i < count; i++) product += model[i] * field[lag + i];
    const likeness = product / Math.sqrt(Math.max(energy, 1e-12));
    if (likeness > best) [best, shift] = [likeness, lag * SEARCH_STEP - searched];
    energy += field[lag + count] ** 2 - field[lag] ** 2;
  }
  return best > 0 ? shift : 0;
}
