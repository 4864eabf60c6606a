import type { SFTPWrapper } from 'ssh2';

/** What OpenSSH takes in one message, and as many of them as fill a fast line. */
const CHUNK_BYTES = 32 * 1024;
const IN_FLIGHT = 64;
const OWNER_ONLY = 0o600;

/** Bytes of the file that are there already; 0 when it is not. */
export function sizeThere(sftp: SFTPWrapper, path: string): Promise<number> {
  return new Promise((resolve) => sftp.stat(path, (error, stats) => resolve(error ? 0 : stats.size)));
}

/**
 * Writes bytes to a file there, after what an earlier attempt has left of it. Whoever calls checks the digest: what
 * was left may be something else. Returns how many bytes were sent.
 */
export async function upload(sftp: SFTPWrapper, path: string, bytes: Uint8Array): Promise<number> {
  const there = await sizeThere(sftp, path);
  const from = there > bytes.length ? 0 : there;
  const handle = await open(sftp, path, from === 0 ? 'w' : 'r+');
  try {
    await writeFrom(sftp, handle, bytes, from);
  } finally {
    await new Promise<void>((resolve) => sftp.close(handle, () => resolve()));
  }
  return bytes.length - from;
}

const open = (sftp: SFTPWrapper, path: string, flags: 'w' | 'r+'): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    sftp.open(path, flags, { mode: OWNER_ONLY }, (error, handle) => (error ? reject(error) : resolve(handle))),
  );

/** Many writes at once: the answers of one after another would each wait for the line. */
function writeFrom(sftp: SFTPWrapper, handle: Buffer, bytes: Uint8Array, from: number): Promise<void> {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return new Promise((resolve, reject) => {
    let [next, open] = [from, 0];
    const more = (): void => {
      for (; next < whole.length && open < IN_FLIGHT; open++) {
        const length = Math.min(CHUNK_BYTES, whole.length - next);
        sftp.write(handle, whole, next, length, next, written);
        next += length;
      }
      if (open === 0) resolve();
    };
    const written = (error: Error | null | undefined): void => {
      open -= 1;
      if (error) reject(error);
      else more();
    };
    sftp.once('close', () => reject(new Error('the connection was closed')));
    more();
  });
}
