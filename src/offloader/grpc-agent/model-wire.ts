import { fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import { invalidFrame } from '../../contracts/agent-link/wire.ts';
import {
  ConstraintsSchema,
  ImplementationSchema,
  ResourceDescriptionSchema,
  type Constraints as WireConstraints,
  type ResourceDescription as WireDescription,
  type Implementation as WireImplementation,
} from '../../contracts/gen/agent_pb.ts';
import { DATUM_KINDS, type DatumKind, DIRECTIONS, type Direction } from '../../runtime/model/access.ts';
import { type Implementation, LANGUAGES } from '../../runtime/model/core-element.ts';
import { type Constraints, PROCESSOR_TYPES, type ResourceDescription } from '../../runtime/model/resource.ts';

/**
 * The model's plain types and their messages have the same field names, so the JSON mapping of protobuf converts them. It
 * leaves out what is absent or empty; what the types require is put back here and checked, since it comes from a peer.
 */
const LENIENT = { ignoreUnknownFields: true };

export function implementationToWire(implementation: Implementation): WireImplementation {
  const { constraints, ...rest } = implementation;
  const asked = constraints === undefined ? {} : { constraints: atPeer(constraints) };
  return fromJson(ImplementationSchema, { ...rest, ...asked } as unknown as JsonValue, LENIENT);
}

/** Nodes are named as the caller knows them. It has chosen this peer, and if by name, then no node behind it. */
function atPeer({ nodes, isLocal: _isLocal, ...constraints }: Constraints): Constraints {
  return nodes === undefined || nodes.length === 0 ? constraints : { ...constraints, isLocal: true };
}

export function implementationFromWire(message: WireImplementation): Implementation {
  const plain = toJson(ImplementationSchema, message) as Partial<Implementation>;
  const language = LANGUAGES.find((known) => known === plain.language);
  if (language === undefined) throw invalidFrame(`language ${String(plain.language)} is unknown`);
  checkProcessors(plain.constraints);
  return { ...plain, language, module: plain.module ?? '', method: plain.method ?? '' };
}

export const constraintsToWire = (constraints: Constraints): WireConstraints =>
  fromJson(ConstraintsSchema, atPeer(constraints) as unknown as JsonValue, LENIENT);

export function constraintsFromWire(message: WireConstraints): Constraints {
  const constraints = toJson(ConstraintsSchema, message) as Constraints;
  checkProcessors(constraints);
  return constraints;
}

export const descriptionToWire = (description: ResourceDescription): WireDescription =>
  fromJson(ResourceDescriptionSchema, description as unknown as JsonValue, LENIENT);

export function descriptionFromWire(message: WireDescription): ResourceDescription {
  const plain = toJson(ResourceDescriptionSchema, message) as Partial<ResourceDescription>;
  checkProcessors(plain);
  const processors = (plain.processors ?? []).map((one) => ({ ...one, name: one.name ?? '', type: one.type ?? 'CPU' }));
  return { ...plain, name: plain.name ?? '', scheme: plain.scheme ?? '', processors };
}

function checkProcessors(owner: Pick<Constraints, 'processors'> | undefined): void {
  for (const { type, units } of owner?.processors ?? []) {
    if (type !== undefined && !PROCESSOR_TYPES.includes(type)) throw invalidFrame(`processor type ${type} is unknown`);
    if (!Number.isSafeInteger(units ?? 0) || (units ?? 0) < 0) throw invalidFrame(`${units} units of a processor`);
  }
}

/** Ordinals on the wire. */
const DIRECTION_ORDINALS = new Map<Direction, number>(DIRECTIONS.map((direction, ordinal) => [direction, ordinal]));
const KIND_ORDINALS = new Map<DatumKind, number>(DATUM_KINDS.map((kind, ordinal) => [kind, ordinal]));

export const directionOrdinal = (direction: Direction): number => DIRECTION_ORDINALS.get(direction) as number;
export const kindOrdinal = (kind: DatumKind): number => KIND_ORDINALS.get(kind) as number;

/** Ordinals have been checked by the reader of the batch. */
export const directionAt = (ordinal: number): Direction => DIRECTIONS[ordinal] as Direction;

export function kindAt(ordinal: number): DatumKind {
  const kind = DATUM_KINDS[ordinal];
  if (kind === undefined) throw invalidFrame(`kind ${ordinal} is unknown`);
  return kind;
}
