import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../../src/agent/security/audit-log.ts';
import { type CertificateFiles, readCertificates, TestAuthority } from '../../support/authority.ts';
import { type CommandResult, commandLine } from '../../support/command-line.ts';
import { PROGRAM_RESULTS, resultsOfProgram } from '../../support/program-results.ts';
import { type AgentOptions, RunningAgent } from '../../support/running-agent.ts';
import { tempDir } from '../../support/temp-dir.ts';

const appPath = join(import.meta.dirname, '../fixtures');
const DEADLINE = { timeout: 60_000 };

describe('agents with certificates on all ports', () => {
  let open: AsyncDisposableStack;
  let folder: string;
  let authority: TestAuthority;
  const start = async (name: string, more: Partial<AgentOptions> = {}): Promise<RunningAgent> => {
    const certificates = await authority.issue(name, 'run');
    const client = await authority.issue(`operator-of-${name}`, 'admin');
    const flags = [`--audit-log=${join(folder, `${name}.audit`)}`, ...(more.flags ?? [])];
    return open.use(await RunningAgent.start({ name, appPath, certificates, client, ...more, flags }));
  };
  const auditOf = (name: string): AuditEntry[] => {
    const file = join(folder, `${name}.audit`);
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as AuditEntry);
  };

  beforeEach(async () => {
    open = new AsyncDisposableStack();
    const dir = open.use(tempDir('certificates'));
    folder = dir.path;
    authority = await TestAuthority.create(join(folder, 'certs'));
  });
  afterEach(() => open.disposeAsync());

  it('three of them run a task graph over each other, by link and by REST, and say who did what', async () => {
    const [first, second, third] = await Promise.all([start('first'), start('second'), start('third')]);
    await first.add(second, 2);
    const rest = ['Host=127.0.0.1', `Port=${third.listening.restPort}`, 'Scheme=https'];
    const added = await first.command('add-resources', '--cpu', '2', '--adaptor', 'rest', 'third', ...rest);
    expect(added).toMatchObject({ exitCode: 0, err: '' });
    expect(await resultsOfProgram(first)).toEqual(PROGRAM_RESULTS);
    const { out } = await first.command('resources');
    for (const name of ['second', 'third'])
      expect(
        Number(new RegExp(`^${name}\\s+active\\s+2\\s+2\\s+0\\s+0\\s+(\\d+)`, 'm').exec(out)?.[1]),
      ).toBeGreaterThan(0);
    await expect
      .poll(() => auditOf('second'), DEADLINE)
      .toContainEqual(
        expect.objectContaining({ port: 'link', who: 'first', role: 'run', action: 'open a stream', outcome: 'ok' }),
      );
    await expect
      .poll(() => auditOf('third'), DEADLINE)
      .toContainEqual(
        expect.objectContaining({ port: 'rest', who: 'first', action: 'PUT /COMPSs/startApplication', outcome: 'ok' }),
      );
    await expect
      .poll(() => auditOf('first'), DEADLINE)
      .toContainEqual(
        expect.objectContaining({ who: 'operator-of-first', action: 'PUT /COMPSs/addResources', subject: 'third' }),
      );
    for (const name of ['first', 'second', 'third'])
      expect(auditOf(name).filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
  }, 120_000);

  it('one of another authority is refused by name, on every port and whoever calls', async () => {
    const foreign = await TestAuthority.create(join(folder, 'foreign'));
    const mallory = await foreign.issue('mallory', 'admin');
    const ours = await start('ours');
    const theirs = open.use(await RunningAgent.start({ name: 'theirs', appPath, certificates: mallory }));
    // Called by us: we name it, and why.
    for (const [scheme, port] of [
      ['grpc-agent', theirs.listening.grpcPort],
      ['rest', theirs.listening.restPort],
    ] as const) {
      const properties = ['Host=127.0.0.1', `Port=${port}`, ...(scheme === 'rest' ? ['Scheme=https'] : [])];
      const refused = await ours.command('add-resources', '--adaptor', scheme, 'theirs', ...properties);
      expect(refused.exitCode).not.toBe(0);
      expect(refused.err).toContain('theirs');
      expect(refused.err).toMatch(/certificate|SELF_SIGNED|UNABLE_TO_VERIFY/i);
    }
    // Calling us, and trusting us: its certificate is named in our audit log.
    const client = { ...mallory, ca: (await authority.issue('x', 'read')).ca };
    const asked = await commandFor(ours, client, 'resources');
    expect(asked.err).toContain('The certificate of mallory is refused');
    for (const port of [ours.listening.grpcPort, ours.listening.dataPort]) await closedAfterHandshake(port, client);
    const refused = (port: string) =>
      expect.objectContaining({ port, who: 'mallory', outcome: 'ERR_CERTIFICATE_REFUSED' }) as AuditEntry;
    for (const port of ['rest', 'link', 'data'])
      await expect.poll(() => auditOf('ours'), DEADLINE).toContainEqual(refused(port));
  }, 120_000);

  it('roles hold: read looks, run runs, admin changes', async () => {
    const agent = await start('agent');
    const may = async (certificates: CertificateFiles, ...argv: string[]): Promise<string> => {
      const { exitCode, err } = await commandFor(agent, certificates, ...argv);
      return exitCode === 0 ? 'ok' : (/ERR_\w+/.exec(err)?.[0] ?? err);
    };
    const reader = await authority.issue('reader', 'read');
    const runner = await authority.issue('runner', 'run');
    const calls = ['call', '-q', 'program.ts', 'delegated'];
    expect(await may(reader, 'resources')).toBe('ok');
    const { ca, cert, key } = reader;
    const flags = ['--agent', agent.listening.url, '--ca', ca, '--cert', cert, '--key', key];
    expect(await commandLine(['resources', ...flags])).toMatchObject({ exitCode: 0 });
    expect(await may(reader, ...calls)).toBe('ERR_ROLE_MISSING');
    expect(await may(runner, ...calls)).toBe('ok');
    expect(await may(runner, 'lost-node', 'nobody')).toBe('ERR_ROLE_MISSING');
    expect(await may(await authority.issue('chief', 'admin'), 'lost-node', 'nobody')).toBe('ERR_RESOURCE_UNKNOWN');
    // A reader opens no link and asks for no data; nobody does without a certificate or in plain text.
    await closedAfterHandshake(agent.listening.dataPort, reader);
    for (const port of [agent.listening.grpcPort, agent.listening.dataPort])
      await closedAfterHandshake(port, { ca: reader.ca });
    const { restPort, grpcPort, dataPort } = agent.listening;
    for (const port of [restPort, grpcPort, dataPort]) expect(await plainAnswer(port)).toBe('');
    const other = await start('other', { certificates: await authority.issue('peer', 'read') });
    const linked = await other.command('add-resources', 'agent', 'Host=127.0.0.1', `Port=${grpcPort}`);
    expect(linked.err).toContain('peer has the role read; this needs run');
    const probe = await fetchHealth(agent);
    expect(probe).toBe(200);
  }, 120_000);

  it('takes renewed certificates without a restart', async () => {
    const agent = await start('renewed');
    const serial = async (port: number): Promise<string> => {
      const client = readCertificates(await authority.issue('watcher', 'admin', '--force'));
      const socket = connect({ ...client, host: '127.0.0.1', port });
      await once(socket, 'secureConnect');
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    const { restPort, grpcPort, dataPort } = agent.listening;
    const before = await serial(restPort);
    await authority.issue('renewed', 'run', '--force');
    await expect.poll(() => serial(restPort), DEADLINE).not.toBe(before);
    const after = await serial(restPort);
    expect([await serial(grpcPort), await serial(dataPort)]).toEqual([after, after]);
    expect(await agent.command('call', '-q', 'program.ts', 'delegated')).toMatchObject({ exitCode: 0 });
  }, 120_000);
});

const commandFor = (
  { listening }: RunningAgent,
  { ca, cert, key }: CertificateFiles,
  ...argv: string[]
): Promise<CommandResult> =>
  commandLine(argv, {
    env: { METAKERNEL_AGENT: listening.url, METAKERNEL_CA: ca, METAKERNEL_CERT: cert, METAKERNEL_KEY: key },
  });

/** The agent closes the connection and has sent nothing of its own. */
async function closedAfterHandshake(port: number, files: { ca: string; cert?: string; key?: string }): Promise<void> {
  const { ca, cert, key } = files;
  const own = cert === undefined || key === undefined ? {} : { cert: readFileSync(cert), key: readFileSync(key) };
  const socket = connect({ ca: readFileSync(ca), ...own, host: '127.0.0.1', port, ALPNProtocols: ['h2'] });
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
  socket.on('error', () => undefined);
  await once(socket, 'close');
  expect(bytes).toBe(0);
}

/** What a port says to HTTP in plain text; nothing, when it wants TLS. */
async function plainAnswer(port: number): Promise<string> {
  const socket = connectPlain({ host: '127.0.0.1', port });
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1').replace(/[^\x20-\x7e]/g, '')));
  socket.on('error', () => undefined);
  socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'close');
  return text;
}

/** Probes of a cluster have no certificate: health alone is told to everybody. */
async function fetchHealth({ listening, clientEnv }: RunningAgent): Promise<number> {
  const { Agent, request } = await import('undici');
  const agent = new Agent({ connect: { ca: readFileSync(clientEnv['METAKERNEL_CA'] ?? '') } });
  try {
    const health = await request(`${listening.url}/healthz`, { dispatcher: agent });
    await health.body.dump();
    const resources = await request(`${listening.url}/COMPSs/resources`, { dispatcher: agent });
    await resources.body.dump();
    expect(resources.statusCode).toBe(401);
    return health.statusCode;
  } finally {
    await agent.destroy();
  }
}
