// A file on its way to Python: in pieces, few ahead of those that Python has taken, so that the notebook stays usable.

const PIECE_BYTES = 2 ** 20;
const PIECES_AHEAD = 4;
let uploads = 0;

// Sends a file; `report` is called with the share that Python has. Resolves to "" or to words about a refusal.
export async function sendFile(model, role, file, report, signal) {
  const id = `${Date.now()}-${uploads++}`;
  let received = 0;
  let refusal = null;
  let wake = () => {};
  const listen = (message) => {
    if (message.id !== id) return;
    if (message.kind === "ack") received = message.received;
    else if (message.kind === "refused") refusal = message.words;
    wake();
  };
  const until = async (enough) => {
    while (!enough() && refusal === null && !signal.aborted) {
      await new Promise((done) => {
        wake = done;
      });
      report(file.size ? received / file.size : 1);
    }
  };
  const stop = () => wake();
  signal.addEventListener("abort", stop);
  model.on("msg:custom", listen);
  try {
    model.send({ kind: "begin", id, role, name: file.name, size: file.size });
    for (let at = 0; at < file.size && refusal === null && !signal.aborted; at += PIECE_BYTES) {
      const piece = await file.slice(at, at + PIECE_BYTES).arrayBuffer();
      model.send({ kind: "piece", id, at }, undefined, [piece]);
      await until(() => at + PIECE_BYTES - received <= PIECES_AHEAD * PIECE_BYTES);
    }
    await until(() => received === file.size);
    if (signal.aborted) model.send({ kind: "cancel", id });
    return refusal ?? "";
  } catch (error) {
    model.send({ kind: "cancel", id });
    return `${file.name} could not be read (${error.message || error.name}); choose it again`;
  } finally {
    model.off("msg:custom", listen);
    signal.removeEventListener("abort", stop);
  }
}

// A file that Python sends in pieces to the page on which a button was pressed; `done` receives its name and a Blob.
export function receiveFiles(model, view, done) {
  let parts = [];
  const listen = (message, buffers) => {
    if (message.kind !== "file" || message.view !== view) return;
    if (message.piece === 0) parts = [];
    parts.push(buffers[0]);
    if (message.piece + 1 < message.pieces) return;
    done(message.name, new Blob(parts));
    parts = [];
  };
  model.on("msg:custom", listen);
  return () => model.off("msg:custom", listen);
}
