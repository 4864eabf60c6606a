import type { VersionId } from '../../runtime/model/ids.ts';
import { INLINE_BYTES, type ObjectStore } from '../../runtime/ports.ts';

/** Makes encoded bytes the content of a version, wherever values of their size lie. */
export function storeBytes(store: ObjectStore, version: VersionId, bytes: Uint8Array): void {
  if (bytes.length <= INLINE_BYTES) {
    store.putInline(version, bytes);
    return;
  }
  const reservation = store.reserve(bytes.length);
  new Uint8Array(reservation.slab, reservation.offset, bytes.length).set(bytes);
  store.seal(version, reservation, bytes.length);
}
