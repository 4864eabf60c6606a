import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixedTls, type TlsSource } from '../../src/common/tls.ts';

const openssl = (...args: readonly string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' });

/** A certificate authority of the test's own in `folder`, and a certificate of it for 127.0.0.1 and localhost. */
export function certificatesIn(folder: string, name: string): TlsSource {
  const at = (file: string): string => join(folder, `${name}-${file}`);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-days',
    '2',
    '-subj',
    `/CN=${name} CA`,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  );
  openssl('req', ...key, '-subj', `/CN=${name}`, '-keyout', at('key.pem'), '-out', at('request.pem'));
  writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  const signed = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', at('names')];
  openssl('x509', '-req', '-in', at('request.pem'), '-days', '2', ...signed, '-out', at('cert.pem'));
  return fixedTls({
    ca: readFileSync(at('ca.pem')),
    cert: readFileSync(at('cert.pem')),
    key: readFileSync(at('key.pem')),
  });
}
