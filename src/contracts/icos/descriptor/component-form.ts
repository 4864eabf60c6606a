import type {
  Application,
  Component,
  ComponentType,
  DescriptorForm,
  JsonObject,
  JsonValue,
  Manifest,
} from './application.ts';
import type { Issues } from './issues.ts';
import type { DescriptorLimits } from './limits.ts';
import { readManifest } from './manifests.ts';
import { labelProblem, subdomainProblem } from './names.ts';
import { readPolicies } from './policies.ts';
import { readRequirements, textList } from './requirements.ts';
import type { DescriptorDocument } from './yaml-text.ts';
import { isObject } from './yaml-value.ts';

/** `none`: the caller asks only where components go (the matchmaker), so objects may be missing. */
export interface ComponentFormOptions {
  readonly limits: DescriptorLimits;
  readonly manifests: 'required' | 'none';
}

/** The three later forms: components that name their manifests, which are elsewhere in the descriptor. */
export function readComponentForm(
  documents: readonly DescriptorDocument[],
  issues: Issues,
  options: ComponentFormOptions,
): Application {
  const header = documents[0]?.value ?? {};
  const [form, manifests] = readManifests(documents, issues, options.limits);
  const components = readComponents(header['components'], manifests, issues, options);
  const application: Application = {
    form,
    name: readName(header, issues),
    description: typeof header['description'] === 'string' ? header['description'] : '',
    components,
    policies: readPolicies(header['policies'], 'policies', issues),
    warnings: unused(manifests, components),
  };
  checkApplyTo(application, issues);
  checkTypesMix(components, issues);
  return application;
}

function readName(header: JsonObject, issues: Issues): string {
  const { name } = header;
  if (name === undefined || name === null || name === '') return '';
  if (typeof name !== 'string') issues.add('name', 'is not text; quote it');
  const problem = typeof name === 'string' ? labelProblem(name) : undefined;
  if (problem !== undefined) issues.add('name', problem);
  return typeof name === 'string' ? name : '';
}

function readManifests(
  documents: readonly DescriptorDocument[],
  issues: Issues,
  limits: DescriptorLimits,
): readonly [DescriptorForm, readonly Manifest[]] {
  const list = documents[0]?.value['manifests'];
  if (list !== undefined && list !== null && !Array.isArray(list)) issues.add('manifests', 'is not a list');
  const inList = Array.isArray(list) ? (list as readonly JsonValue[]) : [];
  if (inList.length + documents.length > limits.maxManifests)
    issues.add('manifests', `are more than ${limits.maxManifests}`);
  issues.throwIfAny();
  const wrapped = inList.some(isWrapped);
  const listed = inList.map((item, index) => readListed(item, `manifests[${index}]`, issues));
  const following = documents
    .slice(1)
    .map((document, index) => readManifest(document.value, `document ${index + 2}`, issues));
  const manifests = [...listed, ...following].filter((manifest) => manifest !== undefined);
  checkDuplicates(manifests, issues);
  const form = documents.length > 1 ? 'header-and-manifests' : wrapped ? 'wrapped-manifests' : 'manifest-list';
  return [form, manifests];
}

const isWrapped = (item: JsonValue | undefined): boolean => isObject(item) && item['manifest'] !== undefined;

function readListed(item: JsonValue | undefined, field: string, issues: Issues): Manifest | undefined {
  if (!isObject(item) || !isWrapped(item)) return readManifest(item, field, issues);
  const { name } = item;
  if (name !== undefined && typeof name !== 'string') issues.add(`${field}.name`, 'is not text; quote it');
  return readManifest(item['manifest'], `${field}.manifest`, issues, typeof name === 'string' ? name : undefined);
}

/** A Service may bear the name of its Deployment; two objects of one kind and name cannot both exist. */
function checkDuplicates(manifests: readonly Manifest[], issues: Issues): void {
  const seen = new Set<string>();
  for (const manifest of manifests) {
    const key = `${manifest.apiVersion}/${manifest.kind}/${manifest.name}`;
    if (seen.has(key)) issues.add('manifests', `has two ${manifest.kind || 'compose files'} named ${manifest.name}`);
    seen.add(key);
  }
}

function readComponents(
  value: JsonValue | undefined,
  manifests: readonly Manifest[],
  issues: Issues,
  options: ComponentFormOptions,
): readonly Component[] {
  if (!Array.isArray(value) || value.length === 0) {
    issues.add('components', value === undefined ? 'is missing' : 'is not a list with at least one component');
    return [];
  }
  if (value.length > options.limits.maxComponents)
    issues.add('components', `are more than ${options.limits.maxComponents}`);
  issues.throwIfAny();
  const byName = Map.groupBy(manifests, (manifest) => manifest.name);
  const read = (value as readonly JsonValue[]).map((item, index) =>
    readComponent(item, `components[${index}]`, byName, issues, options),
  );
  const components = read.filter((component) => component !== undefined);
  checkComponentNames(components, issues);
  return components;
}

function readComponent(
  value: JsonValue,
  field: string,
  byName: ReadonlyMap<string, readonly Manifest[]>,
  issues: Issues,
  options: ComponentFormOptions,
): Component | undefined {
  const name = isObject(value) ? value['name'] : undefined;
  if (!isObject(value) || typeof name !== 'string') {
    issues.add(isObject(value) ? `${field}.name` : field, isObject(value) ? 'is missing or not text' : 'is not a map');
    return undefined;
  }
  const problem = labelProblem(name);
  if (problem !== undefined) issues.add(`${field}.name`, problem);
  return {
    name,
    type: readType(value['type'], `${field}.type`, issues),
    manifests: manifestsOf(value, field, byName, issues, options),
    requirements: readRequirements(value['requirements'], `${field}.requirements`, issues),
    communication: readCommunication(value['communication'], `${field}.communication`, issues),
    policies: readPolicies(value['policies'], `${field}.policies`, issues, name),
    ...(options.manifests === 'none' && value['avoid'] !== undefined ? { avoid: readAvoid(value['avoid']) } : {}),
  };
}

/** The job manager writes it; what is not of its form is nobody's wish. */
function readAvoid(value: JsonValue): readonly { readonly cluster: string; readonly node: string }[] {
  const entries = Array.isArray(value) ? (value as readonly JsonValue[]) : [];
  return entries.filter(isObject).map((entry) => ({
    cluster: String(entry['cluster_name'] ?? ''),
    node: String(entry['node_name'] ?? ''),
  }));
}

const TYPES: Readonly<Record<string, ComponentType>> = {
  kubernetes: 'kubernetes',
  manifest: 'kubernetes',
  helm: 'kubernetes',
  docker: 'docker',
  multiple: 'multiple',
};

function readType(value: JsonValue | undefined, field: string, issues: Issues): ComponentType {
  const type = value === undefined || value === null ? 'kubernetes' : TYPES[String(value)];
  if (type === undefined) issues.add(field, `'${String(value)}' is none of ${Object.keys(TYPES).join(', ')}`);
  return type ?? 'kubernetes';
}

/** In the form of several documents a component without a list has the objects that bear its name. */
function manifestsOf(
  component: JsonObject,
  field: string,
  byName: ReadonlyMap<string, readonly Manifest[]>,
  issues: Issues,
  options: ComponentFormOptions,
): readonly Manifest[] {
  const names = manifestNames(component, field, issues);
  if (options.manifests === 'none') return names.flatMap((name) => byName.get(name) ?? []);
  if (names.length === 0) issues.add(`${field}.manifests`, 'is empty: there is nothing to deploy');
  return names.flatMap((name, index) => {
    const found = byName.get(name) ?? [];
    if (found.length === 0) issues.add(`${field}.manifests[${index}].name`, `'${name}' is not among the manifests`);
    return found;
  });
}

function manifestNames(component: JsonObject, field: string, issues: Issues): readonly string[] {
  const list = component['manifests'];
  if (list === undefined || list === null) return [String(component['name'])];
  if (!Array.isArray(list)) {
    issues.add(`${field}.manifests`, 'is not a list');
    return [];
  }
  const names = (list as readonly JsonValue[]).map((item) => (isObject(item) ? item['name'] : item));
  names.forEach((name, index) => {
    if (typeof name !== 'string') issues.add(`${field}.manifests[${index}].name`, 'is missing or not text');
    else if (subdomainProblem(name) !== undefined)
      issues.add(`${field}.manifests[${index}].name`, `${subdomainProblem(name)}`);
  });
  return [...new Set(names.filter((name) => typeof name === 'string'))];
}

function readCommunication(value: JsonValue | undefined, field: string, issues: Issues): Component['communication'] {
  const side = (key: 'incoming' | 'outgoing'): readonly string[] => {
    const list = isObject(value) ? (value[key] ?? []) : [];
    const names = textList(list);
    if (names === undefined) issues.add(`${field}.${key}`, 'is not a list of service names');
    return names ?? [];
  };
  if (value !== undefined && value !== null && !isObject(value)) issues.add(field, 'is not a map');
  return { incoming: side('incoming'), outgoing: side('outgoing') };
}

function checkComponentNames(components: readonly Component[], issues: Issues): void {
  const seen = new Set<string>();
  components.forEach((component, index) => {
    if (seen.has(component.name))
      issues.add(`components[${index}].name`, `'${component.name}' is the name of another component`);
    seen.add(component.name);
  });
}

function checkApplyTo(application: Application, issues: Issues): void {
  const names = new Set(application.components.map((component) => component.name));
  application.policies.forEach((policy, index) => {
    const unknown = policy.applyTo.filter((name) => !names.has(name));
    if (unknown.length > 0) issues.add(`policies[${index}].apply-to`, `'${unknown.join("', '")}' is no component`);
  });
}

function checkTypesMix(components: readonly Component[], issues: Issues): void {
  if (!components.some((component) => component.type === 'kubernetes')) return;
  components.forEach((component, index) => {
    if (component.type === 'docker')
      issues.add(`components[${index}].type`, 'is docker beside components of type kubernetes');
  });
}

function unused(manifests: readonly Manifest[], components: readonly Component[]): readonly string[] {
  const used = new Set(components.flatMap((component) => component.manifests));
  return manifests
    .filter((manifest) => !used.has(manifest))
    .map(
      (manifest) =>
        `manifest ${manifest.name} (${manifest.kind || 'compose file'}) is named by no component and is not deployed`,
    );
}
