/** RFC 1123 label: what Kubernetes takes as a namespace and as most names. */
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
/** RFC 1123 subdomain: what Kubernetes takes as the name of most objects. */
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Why `name` cannot be a name, or undefined when it can. */
export function labelProblem(name: string): string | undefined {
  if (name.length > 63) return 'is longer than 63 characters';
  return LABEL.test(name)
    ? undefined
    : `'${name.slice(0, 80)}' is not lower-case letters, digits and inner '-' (RFC 1123)`;
}

export function subdomainProblem(name: string): string | undefined {
  if (name.length > 253) return 'is longer than 253 characters';
  return SUBDOMAIN.test(name)
    ? undefined
    : `'${name.slice(0, 80)}' is not lower-case letters, digits, inner '-' and '.' (RFC 1123)`;
}
