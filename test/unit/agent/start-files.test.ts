import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadAgentConfig } from '../../../src/agent/config/config.ts';
import { readProfile, writeProfile } from '../../../src/agent/config/profile-file.ts';
import { tempDir } from '../../support/temp-dir.ts';

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir('start-files');
});
afterEach(() => dir[Symbol.dispose]());

const load = (...argv: string[]) => loadAgentConfig({ argv: ['--name=self', ...argv], env: {}, cwd: dir.path });
const write = (name: string, text: string): string => {
  writeFileSync(join(dir.path, name), text);
  return name;
};

const PROJECT = `<?xml version="1.0"?>
<Project>
  <MasterNode>
    <Processor Name="MainProcessor"><ComputingUnits>3</ComputingUnits><Architecture>amd64</Architecture></Processor>
    <Processor Name="gpu"><ComputingUnits>1</ComputingUnits><Type>GPU</Type></Processor>
    <Memory><Size>8</Size></Memory><Software><Application>BLAST</Application></Software>
  </MasterNode>
  <ComputeNode Name="10.0.0.9"><InstallDir>/opt/COMPSs/</InstallDir></ComputeNode>
  <ComputeNode Name="unknown"/>
  <Cloud/>
</Project>`;

const RESOURCES = `<ResourcesList>
  <ComputeNode Name="10.0.0.9">
    <Processor Name="P1"><ComputingUnits>4</ComputingUnits><Speed>2.5</Speed></Processor>
    <Adaptors>
      <Adaptor Name="es.bsc.compss.nio.master.NIOAdaptor"><Ports><MinPort>43001</MinPort><MaxPort>43002</MaxPort></Ports></Adaptor>
      <Adaptor Name="es.bsc.compss.agent.comm.CommAgentAdaptor">
        <Properties><Property><Name>Port</Name><Value>46102</Value></Property></Properties>
      </Adaptor>
    </Adaptors>
    <Memory><Size>16</Size></Memory>
  </ComputeNode>
</ResourcesList>`;

describe('files that an agent starts with', () => {
  it('takes its own capacity and its nodes from the files of COMPSs', () => {
    const files = [`--project=${write('p.xml', PROJECT)}`, `--resources=${write('r.xml', RESOURCES)}`];
    const config = load(...files, '--comm=es.bsc.compss.agent.comm.CommAgentAdaptor');
    expect(config).toMatchObject({ cpus: 3, gpus: 1, memory: 8, software: ['BLAST'], ignoredFlags: [] });
    expect(config.pool).toEqual([
      {
        name: '10.0.0.9',
        adaptor: 'es.bsc.compss.agent.comm.CommAgentAdaptor',
        description: { processors: [{ name: 'P1', type: 'CPU', units: 4, speed: 2.5 }], memoryGb: 16 },
        projectProperties: {},
        resourceProperties: { Port: '46102' },
      },
    ]);
    expect(config.skipped).toEqual(['Cloud', 'ComputeNode unknown, which resources.xml does not name']);
    const first = load(...files, '--cpus=9');
    expect(first.cpus).toBe(9);
    expect(first.pool[0]).toMatchObject({
      adaptor: 'es.bsc.compss.nio.master.NIOAdaptor',
      resourceProperties: { Port: '43001' },
    });
  });

  it('takes the smallest files of COMPSs', () => {
    const project = write(
      'p.xml',
      '<Project><MasterNode><Processor Name="MainProcessor"><ComputingUnits>1</ComputingUnits></Processor></MasterNode></Project>',
    );
    expect(load(`--project=${project}`, `--resources=${write('r.xml', '<ResourcesList/>')}`)).toMatchObject({
      cpus: 1,
      pool: [],
    });
  });

  it('takes nodes from a YAML file', () => {
    const text = `
nodes:
  - { name: near, cpus: 2, memory: 4, properties: { Port: 46102, Host: 127.0.0.1 } }
  - { name: far, adaptor: rest, properties: { Port: 46101 } }
`;
    expect(load(`--pool=${write('pool.yaml', text)}`).pool).toEqual([
      {
        name: 'near',
        description: { processors: [{ name: 'MainProcessor', type: 'CPU', units: 2 }], memoryGb: 4 },
        projectProperties: {},
        resourceProperties: { Port: '46102', Host: '127.0.0.1' },
      },
      {
        name: 'far',
        adaptor: 'rest',
        description: { processors: [] },
        projectProperties: {},
        resourceProperties: { Port: '46101' },
      },
    ]);
  });

  it.each([
    ['--pool', 'nodes: [{ nome: x }]'],
    ['--pool', 'nodes: ['],
    ['--project', '<Projekt/>'],
    ['--project', '<!DOCTYPE x><Project/>'],
    ['--input_profile', '{"implementations": 5}'],
  ])('refuses %s with %s, naming the file', (flag, text) => {
    const path = write('bad', text);
    expect(() => load(`${flag}=${path}`)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining(join(dir.path, path)) }),
    );
  });

  it('reads what it writes of durations, in the form of COMPSs', () => {
    const element = { signature: 'demo.Main#run(INT_T,STRING_T)', executed: 4, minMs: 1, averageMs: 2.4, maxMs: 9 };
    const text = writeProfile('self', [element, { signature: 'never#ran()', executed: 0 }]);
    expect(JSON.parse(text)).toMatchObject({
      resources: { self: { implementations: { 'run(INT_T,STRING_T)demo.Main': { executions: 4, avgTime: 2 } } } },
    });
    expect(readProfile(join(dir.path, write('profile.json', text)), 'self')).toEqual({
      'demo.Main#run(INT_T,STRING_T)': { averageMs: 2 },
    });
  });
});
