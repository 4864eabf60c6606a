import { RuntimeError } from '../../common/errors.ts';

type Class<T> = abstract new (...args: never[]) => T;

interface Registration {
  readonly name: string;
  readonly encode: (instance: object) => unknown;
  readonly decode: (data: unknown) => object;
}

const byPrototype = new Map<object, Registration>();
const byName = new Map<string, Registration & { readonly prototype: object }>();

/**
 * Lets instances of a class be arguments and results of tasks. Both sides must have registered the class under the same
 * name, so call it where the class is defined. Without `encode` and `decode` the own enumerable properties travel and the
 * constructor is not run; a class with `#private` fields must give both.
 */
export function serializable<T extends object, Data = unknown>(
  type: Class<T>,
  options: { name?: string; encode?: (instance: T) => Data; decode?: (data: Data) => T } = {},
): void {
  const name = options.name ?? type.name;
  const prototype = type.prototype as object;
  const other = byName.get(name);
  if (name === '' || (other !== undefined && other.prototype !== prototype)) {
    throw new RuntimeError('ERR_VALUE_CLASS_CONFLICT', { name });
  }
  const registration = {
    name,
    encode: (options.encode ?? ((instance: T) => ({ ...instance }))) as (instance: object) => unknown,
    decode: (options.decode ?? ((data: Data) => Object.assign(Object.create(prototype), data))) as (
      data: unknown,
    ) => object,
  };
  byPrototype.set(prototype, registration);
  byName.set(name, { ...registration, prototype });
}

export const registrationOf = (prototype: object): Registration | undefined => byPrototype.get(prototype);

export function instanceOf(name: string, data: unknown): object {
  const registration = byName.get(name);
  if (registration === undefined) throw new RuntimeError('ERR_VALUE_CLASS_UNKNOWN', { name });
  return registration.decode(data);
}
