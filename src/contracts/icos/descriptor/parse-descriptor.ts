import type { Application, JsonValue } from './application.ts';
import { readComponentForm } from './component-form.ts';
import { Issues, invalidDescriptor } from './issues.ts';
import { readKubernetesForm } from './kubernetes-form.ts';
import { DEFAULT_LIMITS, type DescriptorLimits } from './limits.ts';
import { type DescriptorDocument, parseYamlDocuments, writeYaml } from './yaml-text.ts';

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
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  return readDocuments(parseYamlDocuments(text, limits), limits, options.manifests ?? 'required');
}

/** The same for a descriptor that came as JSON: one document, or an array of them. */
export function parseDescriptorJson(value: unknown, options: DescriptorOptions = {}): Application {
  const documents: readonly unknown[] = Array.isArray(value) ? value : [value];
  return parseDescriptor(documents.map((document) => `---\n${writeYaml(document as JsonValue)}`).join(''), options);
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
