import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type PeerCertificate, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { roleInNames } from '../../../src/contracts/agent/role.ts';
import { type CertificateFiles, readCertificates, TestAuthority } from '../../support/authority.ts';
import { commandLine } from '../../support/command-line.ts';
import { tempDir } from '../../support/temp-dir.ts';

describe('metakernel certs', () => {
  it('makes an authority whose certificates serve, call and carry a role', async () => {
    using dir = tempDir('certs');
    const authority = await TestAuthority.create(dir.path);
    const [agent, person] = [await authority.issue('edge-1', 'run'), await authority.issue('ana', 'read')];
    const seen = await handshake(agent, person);
    expect(seen).toMatchObject({ authorized: true, cn: 'ana', role: 'read', server: { cn: 'edge-1', role: 'run' } });
    for (const { key } of [agent, person]) expect(statSync(key).mode & 0o777).toBe(0o600);
    const certificate = new X509Certificate(readCertificates(agent).cert);
    for (const host of ['edge-1', 'localhost']) expect(certificate.checkHost(host)).toBe(host);
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.ca).toBe(false);
  });

  it('certificates of another authority are refused on both sides', async () => {
    using dir = tempDir('certs');
    const ours = await TestAuthority.create(`${dir.path}/ours`);
    const theirs = await TestAuthority.create(`${dir.path}/theirs`);
    const [agent, stranger] = [await ours.issue('agent', 'admin'), await theirs.issue('agent', 'admin')];
    // Even one that trusts our authority and merely has its own certificate.
    const seen = await handshake(agent, { ...stranger, ca: agent.ca });
    expect(seen.authorized).toBe(false);
    await expect(handshake(agent, stranger)).rejects.toThrow(/certificate|signature/);
  });

  it.each([
    [['issue', 'x'], 2, 'run metakernel certs init first'],
    [['issue', '../x'], 2, 'is no name'],
    [['issue', 'x', '--role', 'root'], 2, 'known: read, run, admin'],
    [['issue', 'x', '--days', '0'], 2, '--days'],
    [['issue'], 2, 'the name of the holder is missing'],
    [['revoke'], 2, 'init and issue'],
  ] as const)('%j ends with %i: %s', async (argv, code, words) => {
    using dir = tempDir('certs');
    const { exitCode, err } = await commandLine(['certs', ...argv], { cwd: dir.path });
    expect({ exitCode, err }).toEqual({ exitCode: code, err: expect.stringContaining(words) as string });
  });

  it('replaces nothing unless forced', async () => {
    using dir = tempDir('certs');
    const authority = await TestAuthority.create(dir.path);
    await authority.issue('a', 'run');
    await expect(authority.issue('a', 'run')).rejects.toThrow('is there already');
    const before = new X509Certificate(readFileSync(`${dir.path}/a.pem`));
    const after = new X509Certificate(readCertificates(await authority.issue('a', 'admin', '--force')).cert);
    expect(after.serialNumber).not.toBe(before.serialNumber);
    expect([before, after].map(({ subjectAltName }) => roleInNames(subjectAltName))).toEqual(['run', 'admin']);
  });
});

interface Seen {
  readonly authorized: boolean;
  readonly cn: string;
  readonly role: string | undefined;
  readonly server: { readonly cn: string; readonly role: string | undefined };
}

/** What two ends see of each other over a real connection. Rejects when the client refuses the server. */
async function handshake(server: CertificateFiles, client: CertificateFiles): Promise<Seen> {
  const options = { ...readCertificates(server), requestCert: true, rejectUnauthorized: false };
  const accepted = Promise.withResolvers<TLSSocket>();
  const listener = createServer(options, (socket) => accepted.resolve(socket));
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const socket = connect({ ...readCertificates(client), host: '127.0.0.1', port });
  try {
    await once(socket, 'secureConnect');
    const serverSide = await accepted.promise;
    const peer = identityOf(serverSide.getPeerCertificate());
    serverSide.destroy();
    return { authorized: serverSide.authorized, ...peer, server: identityOf(socket.getPeerCertificate()) };
  } finally {
    socket.destroy();
    listener.close();
  }
}

const identityOf = ({ subject, subjectaltname }: PeerCertificate): { cn: string; role: string | undefined } => ({
  cn: String(subject.CN),
  role: roleInNames(subjectaltname),
});
