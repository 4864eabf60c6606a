/** Folders as one compressed file, and the program that unpacks it there: Node.js is all that the far host has. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

export interface Pack {
  /** Of the content: one content has one name, whoever packs it. */
  readonly version: string;
  /** SHA-256 of `bytes`, in hex. */
  readonly digest: string;
  readonly bytes: Buffer;
}

export interface PackedFile {
  /** Path inside the pack. */
  readonly name: string;
  readonly mode: number;
  readonly bytes: Uint8Array;
}

/** Version control and what editors leave; whoever needs more names a folder on the host instead. */
const PASSED_OVER = new Set(['.git', '.hg', '.svn', '.DS_Store', '__pycache__']);
const MAX_BYTES = 512 * 2 ** 20;
const compress = promisify(gzip);

/** Files of a folder, in order. Throws when they are too many bytes. */
export function filesIn(folder: string, prefix: string, accept = (_name: string): boolean => true): PackedFile[] {
  const found: PackedFile[] = [];
  let bytes = 0;
  const walk = (path: string, name: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (PASSED_OVER.has(entry.name)) continue;
      const [inner, called] = [join(path, entry.name), `${name}/${entry.name}`];
      if (entry.isDirectory()) walk(inner, called);
      else if ((entry.isFile() || entry.isSymbolicLink()) && accept(entry.name)) add(inner, called);
    }
  };
  const add = (path: string, name: string): void => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() !== true) return;
    bytes += stat.size;
    if (bytes > MAX_BYTES) throw new Error(`${folder} holds more than ${MAX_BYTES} bytes`);
    found.push({ name, mode: stat.mode & 0o777, bytes: readFileSync(path) });
  };
  walk(folder, prefix);
  return found;
}

/** gzip of: length of the header, header as JSON, contents. */
export async function packFiles(files: readonly PackedFile[]): Promise<Pack> {
  const header = Buffer.from(JSON.stringify(files.map(({ name, mode, bytes }) => [name, bytes.length, mode])));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(header.length);
  const content = Buffer.concat([length, header, ...files.map(({ bytes }) => bytes)]);
  const bytes = await compress(content, { level: 4 });
  return { version: sha256(content).slice(0, 16), digest: sha256(bytes), bytes };
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Exit code of the unpacker when what it was sent is not what was packed. */
export const NOT_WHAT_WAS_SENT = 3;

/** Arguments: the pack, the folder to make, the digest. The folder appears whole or not at all. */
export const UNPACKER = [
  'const fs=require("fs"),p=require("path"),[f,d,h]=process.argv.slice(1),g=fs.readFileSync(f)',
  `if(require("crypto").createHash("sha256").update(g).digest("hex")!==h){fs.unlinkSync(f);process.exit(${NOT_WHAT_WAS_SENT})}`,
  'const b=require("zlib").gunzipSync(g),t=d+"."+process.pid;let o=4+b.readUInt32BE(0)',
  'for(const[x,s,m]of JSON.parse(b.toString("utf8",4,o))){const q=p.join(t,x);fs.mkdirSync(p.dirname(q),{recursive:true});fs.writeFileSync(q,b.subarray(o,o+s),{mode:m});o+=s}',
  'try{fs.renameSync(t,d)}catch(e){fs.rmSync(t,{recursive:true,force:true});if(fs.existsSync(d)===false)throw e}',
  'fs.unlinkSync(f)',
].join(';');
