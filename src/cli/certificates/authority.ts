/** A certificate authority in a folder, for pools that have none: makes itself and certificates of agents and people. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { type Role, roleUri } from '../../contracts/agent/role.ts';

/** Key and certificate as PEM. */
export interface Credential {
  readonly key: string;
  readonly cert: string;
}

export interface IssueOptions {
  /** Common name: what audit logs call the holder. */
  readonly name: string;
  readonly role: Role;
  /** Host names and addresses that the holder is reached at. */
  readonly hosts: readonly string[];
  readonly days: number;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
/** Clocks of machines differ. */
const CLOCK_SKEW_MS = 5 * 60_000;

x509.cryptoProvider.set(webcrypto);

export async function createAuthority(name: string, days: number): Promise<Credential> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(days),
    serialNumber: serialNumber(),
    name: [{ CN: [name] }],
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      // It signs no other authorities.
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return credential(certificate, keys.privateKey);
}

/** A certificate that serves and calls. */
export async function issueCertificate(authority: Credential, options: IssueOptions): Promise<Credential> {
  const issuer = new x509.X509Certificate(authority.cert);
  const signingKey = await importKey(authority.key);
  const keys = await newKeys();
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const { notBefore, notAfter } = validity(options.days);
  const last = Math.min(notAfter.getTime(), issuer.notAfter.getTime());
  const certificate = await x509.X509CertificateGenerator.create({
    notBefore,
    notAfter: new Date(last),
    serialNumber: serialNumber(),
    subject: [{ CN: [options.name] }],
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([serverAuth, clientAuth], false),
      new x509.SubjectAlternativeNameExtension([
        ...options.hosts.map(hostName),
        { type: 'url', value: roleUri(options.role) },
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return credential(certificate, keys.privateKey);
}

const hostName = (host: string): { readonly type: 'ip' | 'dns'; readonly value: string } => ({
  type: isIP(host) === 0 ? 'dns' : 'ip',
  value: host,
});

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

const importKey = (pem: string): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), ALGORITHM, false, ['sign']);

async function credential(certificate: x509.X509Certificate, key: webcrypto.CryptoKey): Promise<Credential> {
  const bytes = await webcrypto.subtle.exportKey('pkcs8', key);
  const lines = (pem: string): string => `${pem.trimEnd()}\n`;
  return {
    key: lines(x509.PemConverter.encode(bytes, 'PRIVATE KEY')),
    cert: lines(certificate.toString('pem')),
  };
}

function validity(days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - CLOCK_SKEW_MS), notAfter: new Date(now + days * DAY_MS) };
}

/** 127 random bits: positive, and never the same twice. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}
