/**
 * Turns XML elements into the JSON shape of a body by tables: which child is which field, and how its text is read.
 * Unknown children and attributes are ignored, as JAXB does.
 */
import { RuntimeError } from '../../common/errors.ts';
import type { XmlElement } from './xml.ts';

/** Reads one element; `path` names it in errors. */
export type FieldReader = (element: XmlElement, path: string) => unknown;

export interface Field {
  /** Key in the JSON shape; absent: the name of the element. */
  readonly as?: string;
  readonly read: FieldReader;
  /** Every child of this name, in order; else the last one wins, as in JAXB. */
  readonly repeated?: boolean;
}
export type Fields = Readonly<Record<string, Field>>;

export const text: Field = { read: (element) => element.text };
export const trimmed: Field = { read: (element) => element.text.trim() };
export const repeated = (field: Field): Field => ({ ...field, repeated: true });
export const as = (name: string, field: Field): Field => ({ ...field, as: name });

export const number: Field = {
  read: (element, path) => {
    const content = element.text.trim();
    if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(content)) throw invalid(path, 'must be a number');
    return Number(content);
  },
};

/** JAXB reads true, 1, false and 0, whatever the white space around. */
export const boolean: Field = {
  read: (element, path) => {
    const content = element.text.trim().toLowerCase();
    if (content === 'true' || content === '1') return true;
    if (content === 'false' || content === '0' || content === '') return false;
    throw invalid(path, 'must be true or false');
  },
};

/** JAXB gives no value, and no error, where the text is not one of the type. */
export const orAbsent = (field: Field): Field => ({
  ...field,
  read: (element, path) => {
    try {
      return field.read(element, path);
    } catch {
      return undefined;
    }
  },
});

export const object = (fields: Fields): Field => ({ read: (element, path) => readObject(element, fields, path) });

/** A wrapper whose children of one name are the items. */
export const listOf = (child: string, item: Field): Field => ({
  read: (element, path) =>
    element.children
      .filter((entry) => entry.name === child)
      .map((entry, index) => item.read(entry, `${path}[${index}]`)),
});

export function readObject(element: XmlElement, fields: Fields, path: string): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const child of element.children) {
    const field = Object.hasOwn(fields, child.name) ? fields[child.name] : undefined;
    if (field !== undefined) addField(result, child, field, path);
  }
  return result;
}

function addField(result: Record<string, unknown>, child: XmlElement, field: Field, path: string): void {
  const key = field.as ?? child.name;
  const before = result[key];
  const here = joinPath(path, child.name);
  if (field.repeated !== true) {
    result[key] = field.read(child, here);
  } else if (Array.isArray(before)) {
    before.push(field.read(child, `${here}[${before.length}]`));
  } else {
    result[key] = [field.read(child, `${here}[0]`)];
  }
}

export const joinPath = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

export const invalid = (field: string, reason: string): RuntimeError =>
  new RuntimeError('ERR_REQUEST_INVALID', { field, reason });
