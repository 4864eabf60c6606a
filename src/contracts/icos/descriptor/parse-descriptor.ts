import type { Application, JsonObject } from './application.ts';
import { readComponentForm } from './component-form.ts';
import { Issues, invalidDescriptor } from './issues.ts';
import { jsonDocuments } from './json-value.ts';
import { readKubernetesForm } from './kubernetes-form.ts';
import { DEFAULT_LIMITS, type DescriptorLimits } from './limits.ts';
import { type DescriptorDocument, parseYamlDocuments } from './yaml-text.ts';

export interface DescriptorOptions {
  readonly limits?: Partial<DescriptorLimits>;
  /** `none` when only the placement of the components is asked for: then their manifests may be missing. */
  readonly manifests?: 'required' | 'none';
}

/**
 * Reads an application descriptor of any of the four generations. Throws `ERR_DESCRIPTOR_INVALID` naming the field, or
 * `ERR_DESCRIPTOR_TOO_LARGE`; nothing of a descriptor with one mistake is returned.
 */
export function parseDescriptor(text: string, options: DescriptorOptions = {}): Application {
  return readDescriptor(text, options).application;
}

/** The same for a descriptor that came as JSON: one document, or an array of them. */
export function parseDescriptorJson(value: unknown, options: DescriptorOptions = {}): Application {
  return readDescriptor(value, options).application;
}

/** With the plain values it was read from, for whoever gives a descriptor back. A string is YAML, anything else JSON. */
export function readDescriptor(
  body: unknown,
  options: DescriptorOptions = {},
): { readonly application: Application; readonly documents: readonly JsonObject[] } {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const documents = typeof body === 'string' ? parseYamlDocuments(body, limits) : jsonDocuments(body, limits);
  const application = readDocuments(documents, limits, options.manifests ?? 'required');
  return { application, documents: documents.map(({ value }) => value) };
}

function readDocuments(
  documents: readonly DescriptorDocument[],
  limits: DescriptorLimits,
  manifests: 'required' | 'none',
): Application {
  const issues = new Issues();
  const first = documents[0]?.value ?? {};
  const application =
    'components' in first
      ? readComponentForm(documents, issues, { limits, manifests })
      : isKubernetesObject(first)
        ? readKubernetesForm(documents, issues)
        : undefined;
  issues.throwIfAny();
  if (application === undefined) {
    throw invalidDescriptor('(document)', 'has neither components nor the apiVersion and kind of a Kubernetes object');
  }
  return application;
}

const isKubernetesObject = (value: object): boolean => 'apiVersion' in value || 'kind' in value;
