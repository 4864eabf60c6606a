/** COMPSs's project.xml (what to use) and resources.xml (what there is), as far as they speak of agents and workers. */
import { readFileSync } from 'node:fs';
import { RuntimeError } from '../../common/errors.ts';
import {
  type NewResource,
  type NodeDescription,
  PROCESSOR_KINDS,
  type ProcessorDescription,
} from '../../contracts/agent/model.ts';
import { present } from '../../contracts/agent/unassigned.ts';
import { parseXml, type XmlElement } from '../../contracts/agent/xml.ts';

export interface CompssProject {
  /** Capacity of the agent itself. */
  readonly master?: NodeDescription;
  readonly nodes: readonly NewResource[];
  /** What the files name and an agent cannot use. */
  readonly skipped: readonly string[];
}

export interface ProjectFiles {
  readonly project: string;
  readonly resources?: string;
  /** Adaptor of nodes that name several (`--comm`). */
  readonly adaptor?: string;
}

/** Throws ERR_CONFIG_INVALID. A node of the project that the resources do not name is skipped, as COMPSs does. */
export function readCompssProject(files: ProjectFiles): CompssProject {
  const project = read('project', files.project, 'Project');
  const list = files.resources === undefined ? undefined : read('resources', files.resources, 'ResourcesList');
  const known = new Map(named(list, 'ComputeNode').map((node) => [nameOf(node), node]));
  const nodes: NewResource[] = [];
  const skipped = project.children.filter((child) => UNUSED.has(child.name)).map(describeElement);
  for (const node of named(project, 'ComputeNode')) {
    const resource = known.get(nameOf(node));
    if (resource === undefined) skipped.push(`${describeElement(node)}, which resources.xml does not name`);
    else nodes.push(toResource(node, resource, files.adaptor));
  }
  const master = child(project, 'MasterNode');
  return { ...(master === undefined ? {} : { master: descriptionOf(master) }), nodes, skipped };
}

const UNUSED: ReadonlySet<string> = new Set(['DataNode', 'Service', 'Http', 'ComputingCluster', 'Cloud']);

function read(key: string, path: string, root: string): XmlElement {
  try {
    const element = parseXml(readFileSync(path, 'utf8'));
    if (element.name === root) return element;
    throw new Error(`the root element must be <${root}>, not <${element.name}>`);
  } catch (error) {
    const reason = `${path}: ${error instanceof Error ? error.message : String(error)}`;
    throw new RuntimeError('ERR_CONFIG_INVALID', { key, reason }, { cause: error });
  }
}

const named = (parent: XmlElement | undefined, name: string): readonly XmlElement[] =>
  parent?.children.filter((one) => one.name === name) ?? [];
const child = (parent: XmlElement | undefined, name: string): XmlElement | undefined => named(parent, name)[0];
const textOf = (parent: XmlElement | undefined, name: string): string | undefined =>
  child(parent, name)?.text.trim() || undefined;
const nameOf = (element: XmlElement): string => element.attributes.get('Name') ?? '';
const describeElement = (element: XmlElement): string => `${element.name} ${nameOf(element)}`.trim();

function numberOf(parent: XmlElement | undefined, name: string): number | undefined {
  const value = Number(textOf(parent, name) ?? Number.NaN);
  return Number.isNaN(value) ? undefined : value;
}

function toResource(node: XmlElement, resource: XmlElement, wanted: string | undefined): NewResource {
  const adaptor = adaptorOf(resource, wanted);
  return {
    name: nameOf(resource),
    ...(adaptor === undefined ? {} : { adaptor: nameOf(adaptor) }),
    description: descriptionOf(resource),
    projectProperties: propertiesOf(adaptorOf(node, wanted)),
    resourceProperties: propertiesOf(adaptor),
  };
}

function adaptorOf(node: XmlElement, wanted: string | undefined): XmlElement | undefined {
  const all = named(child(node, 'Adaptors'), 'Adaptor');
  return all.find((adaptor) => nameOf(adaptor) === wanted) ?? all[0];
}

/** A worker's first port is the one that it is reached at. */
function propertiesOf(adaptor: XmlElement | undefined): Readonly<Record<string, string>> {
  const first = textOf(child(adaptor, 'Ports'), 'MinPort');
  const given = named(child(adaptor, 'Properties'), 'Property').map(
    (property) => [textOf(property, 'Name') ?? '', textOf(property, 'Value') ?? ''] as const,
  );
  return { ...(first === undefined ? {} : { Port: first }), ...Object.fromEntries(given) };
}

function descriptionOf(node: XmlElement): NodeDescription {
  const [memory, storage, system] = [child(node, 'Memory'), child(node, 'Storage'), child(node, 'OperatingSystem')];
  const operatingSystem = present({
    type: textOf(system, 'Type'),
    distribution: textOf(system, 'Distribution'),
    version: textOf(system, 'Version'),
  });
  const software = named(child(node, 'Software'), 'Application').map(({ text }) => text.trim());
  return present({
    processors: named(node, 'Processor').map(processorOf),
    memoryGb: numberOf(memory, 'Size'),
    memoryType: textOf(memory, 'Type'),
    storageGb: numberOf(storage, 'Size'),
    storageType: textOf(storage, 'Type'),
    storageBandwidth: numberOf(storage, 'Bandwidth'),
    operatingSystem: Object.keys(operatingSystem).length === 0 ? undefined : operatingSystem,
    software: software.length === 0 ? undefined : software,
  });
}

function processorOf(element: XmlElement): ProcessorDescription {
  const property = child(element, 'ProcessorProperty');
  const key = textOf(property, 'Key');
  const type = PROCESSOR_KINDS.find((kind) => kind === textOf(element, 'Type'));
  return present({
    name: nameOf(element),
    type: type ?? ('CPU' as const),
    units: numberOf(element, 'ComputingUnits') ?? 1,
    architecture: textOf(element, 'Architecture'),
    speed: numberOf(element, 'Speed'),
    internalMemoryGb: numberOf(element, 'InternalMemorySize'),
    properties: key === undefined ? undefined : { [key]: textOf(property, 'Value') ?? '' },
  });
}
