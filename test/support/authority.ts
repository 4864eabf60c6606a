import { readFileSync } from 'node:fs';
import type { Role } from '../../src/contracts/agent/role.ts';
import { commandLine } from './command-line.ts';

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** An authority made by `metakernel certs`, in `directory`. */
export class TestAuthority {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(directory: string): Promise<TestAuthority> {
    const authority = new TestAuthority(directory);
    await authority.run('init', '--name', `CA of ${directory}`);
    return authority;
  }

  async issue(name: string, role: Role, ...flags: readonly string[]): Promise<CertificateFiles> {
    return JSON.parse(await this.run('issue', name, '--role', role, ...flags)) as CertificateFiles;
  }

  private async run(...argv: readonly string[]): Promise<string> {
    const { exitCode, out, err } = await commandLine(['certs', ...argv, '--dir', this.directory, '--json']);
    if (exitCode !== 0) throw new Error(err);
    return out;
  }
}

export const readCertificates = ({ ca, cert, key }: CertificateFiles): { ca: Buffer; cert: Buffer; key: Buffer } => ({
  ca: readFileSync(ca),
  cert: readFileSync(cert),
  key: readFileSync(key),
});
