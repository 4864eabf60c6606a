import { serializable } from '../data/serializable.ts';
import { VIEW_KINDS, viewKindOf } from '../data/value-format.ts';

type Template = 'array' | 'object' | 'map' | 'set' | { readonly kind: number; readonly length: number };

/**
 * Stands in an argument list for an OUT value: nothing of the caller's object travels, the task gets an empty one of the
 * same kind (a typed array of the same length) and fills it.
 */
export class OutPlace {
  readonly access: number;
  readonly template: Template;

  constructor(access: number, template: Template) {
    this.access = access;
    this.template = template;
  }

  static of(access: number, value: unknown): OutPlace {
    return new OutPlace(access, templateOf(value));
  }

  /** The empty object that the task fills. */
  create(): unknown {
    switch (this.template) {
      case 'array':
        return [];
      case 'object':
        return {};
      case 'map':
        return new Map();
      case 'set':
        return new Set();
      default:
        return createView(this.template.kind, this.template.length);
    }
  }
}

serializable(OutPlace, {
  name: 'metakernel/out',
  encode: (place) => [place.access, place.template] as const,
  decode: ([access, template]) => new OutPlace(access, template),
});

function templateOf(value: unknown): Template {
  if (Array.isArray(value)) return 'array';
  if (value instanceof Map) return 'map';
  if (value instanceof Set) return 'set';
  const kind = typeof value === 'object' && value !== null ? viewKindOf(Object.getPrototypeOf(value)) : undefined;
  if (kind === undefined) return 'object';
  return { kind, length: (value as { length?: number }).length ?? (value as ArrayBuffer).byteLength };
}

function createView(kind: number, length: number): unknown {
  const type = VIEW_KINDS[kind];
  if (type === Buffer) return Buffer.alloc(length);
  if (type === DataView) return new DataView(new ArrayBuffer(length));
  return new (type as new (length: number) => unknown)(length);
}
