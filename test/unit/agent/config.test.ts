import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadAgentConfig } from '../../../src/agent/config/config.ts';
import { AGENT_SETTINGS } from '../../../src/agent/config/settings.ts';
import { flagOf, settingRows, variableOf } from '../../../src/common/settings.ts';

const load = (argv: string[], env: Record<string, string> = {}) => loadAgentConfig({ argv, env, cwd: '/srv/app' });

function withFile<T>(content: string, use: (path: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'mk-config-'));
  try {
    const path = join(directory, 'agent.yaml');
    writeFileSync(path, content);
    return use(path);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('the configuration of an agent', () => {
  it('has defaults for everything, is bound to loopback, and is frozen', () => {
    const config = load([]);
    expect(config).toMatchObject({ host: '127.0.0.1', restPort: 46101, grpcPort: 46102, dataPort: 46103 });
    expect(config).toMatchObject({ appPath: ['/srv/app'], scheduler: 'locality', reuseResourcesOnBlock: true });
    expect(config.maxThreads).toBe(4 * config.cpus);
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('counts the other ports on from the first that is given', () => {
    expect(load(['--rest-port', '46201'])).toMatchObject({ restPort: 46201, grpcPort: 46202, dataPort: 46203 });
    expect(load(['--comm-port', '5000'])).toMatchObject({ restPort: 46101, grpcPort: 5000, dataPort: 5001 });
    expect(load(['--rest-port', '0'])).toMatchObject({ restPort: 0, grpcPort: 0, dataPort: 0 });
    expect(load(['--rest-port', '65535'])).toMatchObject({ restPort: 65535, grpcPort: 0, dataPort: 0 });
  });

  it('takes flags before variables before the file', () => {
    const config = withFile('restPort: 1\ngrpcPort: 1\ndataPort: 1\nallowedHost: [a, b]\n', (path) =>
      load(['--config', path, '--rest-port=3'], { METAKERNEL_REST_PORT: '2', METAKERNEL_GRPC_PORT: '2' }),
    );
    expect(config).toMatchObject({ restPort: 3, grpcPort: 2, dataPort: 1, allowedHost: ['a', 'b'] });
  });

  it('understands the flags of compss_agent_start', () => {
    const argv = '--hostname=n1 --rest_port=46301 --comm_port=46302 --pythonpath=/a:/b --log_dir=/log -d';
    const more =
      '--reuse_resources_on_block=false --jvm_master_opts=-Xmx1g --library_path /lib --tracing=false --wdir /w';
    const scheduler = '--scheduler=es.bsc.compss.scheduler.lookahead.locality.LocalityTS';
    const config = load([...argv.split(' '), ...more.split(' '), scheduler]);
    expect(config).toMatchObject({
      name: 'n1',
      restPort: 46301,
      grpcPort: 46302,
      appPath: ['/a', '/b'],
      logDir: '/log',
      workingDir: '/w',
      logLevel: 'debug',
      reuseResourcesOnBlock: false,
      ignoredFlags: ['--jvm_master_opts', '--library_path', '--tracing'],
    });
    expect(load(['--log_level=off']).logLevel).toBe('silent');
  });

  it('reads sizes, lists given twice, and paths relative to where it starts', () => {
    const config = load(['--store-limit-bytes', '2g', '--app-path', 'x', '--app-path', 'y,/z', '--token-file', 't']);
    expect(config).toMatchObject({
      storeLimitBytes: 2 * 1024 ** 3,
      appPath: ['/srv/app/x', '/srv/app/y', '/z'],
      tokenFile: '/srv/app/t',
    });
  });

  it.each([
    [['--prot', '1'], '--prot'],
    [['--rest-port', 'abc'], '--rest-port'],
    [['--rest-port', '70000'], '--rest-port'],
    [['--rest-port'], '--rest-port'],
    [['stray'], 'stray'],
    [['--insecure=maybe'], '--insecure'],
    [['--host', '0.0.0.0'], '--host'],
    [['--tls-key', 'k'], '--tls-key'],
    [['--tls-ca', 'c', '--host', '::'], '--tls-ca'],
    [['--config', '/nowhere.yaml'], 'config'],
  ])('refuses %j and names %s', (argv, key) => {
    expect(() => load(argv)).toThrowError(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', details: expect.objectContaining({ key }) }),
    );
  });

  it('names the variable and the key that are wrong', () => {
    expect(() => load([], { METAKERNEL_CPUS: 'many' })).toThrowError(/METAKERNEL_CPUS/);
    withFile('restport: 1\n', (path) => expect(() => load(['--config', path])).toThrowError(/restport/));
    withFile('restPort: x\n', (path) => expect(() => load(['--config', path])).toThrowError(/restPort/));
    withFile('{{{', (path) => expect(() => load(['--config', path])).toThrowError(/config/));
    withFile('- 1\n', (path) => expect(() => load(['--config', path])).toThrowError(/names and values/));
  });

  it('listens beyond loopback with a secret or a plain word', () => {
    expect(load(['--host', '0.0.0.0', '--insecure']).insecure).toBe(true);
    expect(load(['--host', '0.0.0.0', '--token-file', 't']).host).toBe('0.0.0.0');
    expect(load(['--host', '::', '--tls-key', 'k', '--tls-cert', 'c', '--tls-ca', 'a']).tlsCa).toBe('/srv/app/a');
    for (const host of ['localhost', '127.0.0.2', '::1']) expect(load(['--host', host]).host).toBe(host);
  });

  it('has one flag and one variable for each setting', () => {
    const rows = settingRows(AGENT_SETTINGS);
    const names = rows.flatMap((row) => [row.flag, ...row.aliases]);
    expect(new Set(names).size).toBe(names.length);
    expect(rows.every((row) => row.help.length > 10)).toBe(true);
    expect([flagOf('restPort'), variableOf('restPort')]).toEqual(['--rest-port', 'METAKERNEL_REST_PORT']);
  });
});
