// A sound from the microphone, or from a compressed file that Python cannot read, as a 16-bit WAV file.

import { wavOf } from "./wav.js";

// The rate at which the page decodes; a file of another rate is resampled by the browser.
const DECODED_RATE_HZ = 44_100;

const MICROPHONE_WORDS = {
  NotAllowedError:
    "The microphone is not allowed. Allow it for this page, at the sign beside the page's address, and press Record " +
    "again; or choose a file.",
  NotFoundError: "No microphone was found. Connect one and press Record again, or choose a file.",
  NotReadableError: "The microphone is in use by another program. Close that program and press Record again.",
};

// Decodes all that a browser can play, such as M4A or WebM; rejects if it cannot.
export async function decodedWav(blob, name) {
  const context = new OfflineAudioContext(2, 1, DECODED_RATE_HZ);
  const buffer = await context.decodeAudioData(await blob.arrayBuffer());
  return new File([wavOf(buffer)], name, { type: "audio/wav" });
}

// Begins to record. Rejects with words if there is no microphone. `finished` is called once with a WAV file, or with
// null and words; the result has `stop()`.
export async function record(mostS, finished) {
  if (!navigator.mediaDevices || !window.MediaRecorder) {
    throw new Error(
      "This page has no access to a microphone. Browsers allow it on this computer (127.0.0.1, localhost) and over " +
        "https only. Choose a file instead.",
    );
  }
  let stream;
  try {
    // What helps speech in a conference spoils music.
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
  } catch (error) {
    throw new Error(MICROPHONE_WORDS[error.name] ?? `The microphone could not be opened (${error.name}). Choose a file.`);
  }
  const recorder = new MediaRecorder(stream);
  const parts = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  const end = setTimeout(() => recorder.state === "recording" && recorder.stop(), 1000 * mostS);
  recorder.onstop = async () => {
    clearTimeout(end);
    stream.getTracks().forEach((track) => track.stop());
    try {
      finished(await decodedWav(new Blob(parts), "recording.wav"), "");
    } catch {
      finished(null, "Nothing was recorded. Record for a second or longer.");
    }
  };
  recorder.start();
  return { stop: () => recorder.state === "recording" && recorder.stop() };
}
