/**
 * A copy of bytes that lie in a received frame, so that a small value does not keep a frame of 1 MiB alive. Small copies share
 * pages of 8 KiB (Node's buffer pool): cheaper than an ArrayBuffer each.
 */
export function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafe(bytes.length);
  copy.set(bytes);
  return copy;
}
