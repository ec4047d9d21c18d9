// Bytes that go between Python and the page.

// A copy, as Uint8Array: from Python bytes come as a DataView; what a page has set is an ArrayBuffer.
export function bytesOf(value) {
  if (value instanceof ArrayBuffer) return new Uint8Array(value).slice();
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
}
