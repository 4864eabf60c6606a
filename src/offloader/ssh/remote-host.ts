/** Makes a host ready for a worker: a folder, Node.js, the bundle and the code. */
import { RuntimeError } from '../../common/errors.ts';
import type { Bundles } from './bundle.ts';
import { quote, type SshConnection } from './connection.ts';
import { NOT_WHAT_WAS_SENT, type Pack, UNPACKER } from './pack.ts';
import { type SshSpec, textOf } from './spec.ts';
import { upload } from './upload.ts';

export interface ReadyHost {
  readonly node: string;
  /** Absolute. */
  readonly folder: string;
  readonly main: string;
  readonly appDirs: readonly string[];
}

/** The bundle is made for it, and it runs TypeScript as it is. */
const OLDEST_NODE = [22, 18] as const;
const DEFAULT_FOLDER = '"$HOME"/.metakernel';
/** PATH of a command over SSH is short: managers of versions put Node.js elsewhere. */
const CANDIDATES = [
  'node',
  'nodejs',
  '"$HOME"/.nvm/versions/node/*/bin/node',
  '"$HOME"/.local/bin/node',
  '"$HOME"/.volta/bin/node',
  '"$HOME"/.local/share/fnm/node-versions/*/installation/bin/node',
  '"$HOME"/.asdf/installs/nodejs/*/bin/node',
  '/usr/local/bin/node',
  '/opt/*/bin/node',
];

interface Probe {
  readonly folder: string;
  readonly there: ReadonlySet<string>;
  readonly nodes: readonly { readonly version: string; readonly path: string }[];
}

/** Throws ERR_SSH_NODE_MISSING, ERR_SSH_STAGING, ERR_SSH_BUNDLE. */
export async function prepareHost(connection: SshConnection, spec: SshSpec, bundles: Bundles): Promise<ReadyHost> {
  const host = textOf(connection.address);
  const worker = await bundles.worker(host);
  const code = spec.appDirs.length > 0 ? undefined : await bundles.code(host);
  const [bundleName, codeName] = [`bundle-${worker.version}`, code === undefined ? '' : `code-${code.version}`];
  const probe = await probeHost(connection, spec, [bundleName, codeName]);
  const node = chooseNode(probe, spec, host);
  const { folder } = probe;
  const send = async (name: string, pack: Pack): Promise<void> => {
    if (!probe.there.has(name)) await sendOnce(connection, { node, path: `${folder}/${name}`, pack });
  };
  await send(bundleName, worker);
  if (code !== undefined) await send(codeName, code);
  const appDirs =
    code === undefined ? spec.appDirs : bundles.codeFolders.map((inner) => `${folder}/${codeName}/${inner}`);
  return { node, folder, main: `${folder}/${bundleName}/dist/main.js`, appDirs };
}

async function probeHost(connection: SshConnection, spec: SshSpec, names: readonly string[]): Promise<Probe> {
  const folder = spec.workingDir === undefined ? DEFAULT_FOLDER : quote(spec.workingDir);
  const candidates = spec.node === undefined ? CANDIDATES.join(' ') : quote(spec.node);
  const { code, stdout, stderr } = await connection.run(
    [
      `umask 077; mkdir -p ${folder} && cd ${folder} && echo "folder $(pwd -P)" || exit 1`,
      `for d in ${names.filter((name) => name !== '').join(' ')}; do if [ -d "$d" ]; then echo "there $d"; fi; done`,
      `for n in ${candidates}; do p=$(command -v "$n") && v=$("$p" --version 2>/dev/null) && echo "node $v $p"; done; exit 0`,
    ].join('; '),
  );
  const folderThere = /^folder (.+)$/m.exec(stdout)?.[1];
  if (code !== 0 || folderThere === undefined) {
    const file = spec.workingDir ?? '.metakernel';
    throw new RuntimeError('ERR_SSH_STAGING', { file, host: textOf(connection.address), reason: stderr.trim() });
  }
  return {
    folder: folderThere,
    there: new Set([...stdout.matchAll(/^there (.+)$/gm)].map(([, name = '']) => name)),
    nodes: [...stdout.matchAll(/^node v(\S+) (.+)$/gm)].map(([, version = '', path = '']) => ({ version, path })),
  };
}

function chooseNode({ nodes }: Probe, spec: SshSpec, host: string): string {
  const fitting = nodes.find(({ version }) => isRecent(version));
  if (fitting !== undefined) return fitting.path;
  const looked = spec.node ?? CANDIDATES.join(', ').replaceAll('"$HOME"', '~');
  const found = nodes.map(({ version, path }) => `${version} at ${path}`).join(', ') || 'none';
  throw new RuntimeError('ERR_SSH_NODE_MISSING', { host, wanted: OLDEST_NODE.join('.'), looked, found });
}

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
}

interface Sending {
  readonly node: string;
  /** Of the folder to make. */
  readonly path: string;
  readonly pack: Pack;
}

/** Two nodes of one agent on one host send the same thing once. */
const underWay = new Map<string, Promise<void>>();

async function sendOnce(connection: SshConnection, sending: Sending): Promise<void> {
  const key = `${connection.address.user}@${textOf(connection.address)} ${sending.path}`;
  const known = underWay.get(key);
  if (known !== undefined) return known;
  const sent = send(connection, sending).finally(() => underWay.delete(key));
  underWay.set(key, sent);
  await sent;
}

/** What an earlier attempt has left is gone on with; when it was something else, once more from the start. */
async function send(connection: SshConnection, sending: Sending): Promise<void> {
  const failed = (reason: string): RuntimeError =>
    new RuntimeError('ERR_SSH_STAGING', { file: sending.path, host: textOf(connection.address), reason });
  const { node, path, pack } = sending;
  const part = `${path}.part`;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await upload(await connection.sftp(), part, pack.bytes);
    } catch (error) {
      throw failed((error as Error).message);
    }
    const words = [node, '-e', UNPACKER, part, path, pack.digest].map(quote).join(' ');
    const { code, stderr } = await connection.run(`umask 077; exec ${words}`);
    if (code === 0) return;
    if (code !== NOT_WHAT_WAS_SENT) throw failed(stderr.trim() || `unpacking ended with ${code}`);
  }
  throw failed('what arrived is not what was sent, twice');
}
