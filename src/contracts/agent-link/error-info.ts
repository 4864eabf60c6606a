import { create, type JsonObject } from '@bufbuild/protobuf';
import type { ErrorDetails, ErrorInfo } from '../../common/errors.ts';
import { ErrorInfoSchema, type ErrorInfo as WireError } from '../gen/agent_pb.ts';

/** Causes deeper than this are cut: the chain comes from a peer's user code. */
const MAX_CAUSES = 16;

export function errorToWire(error: ErrorInfo, depth = 0): WireError {
  return create(ErrorInfoSchema, {
    code: error.code,
    message: error.message,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.name === undefined ? {} : { name: error.name }),
    ...(error.details === undefined ? {} : { details: plainDetails(error.details) }),
    ...(error.cause === undefined || depth >= MAX_CAUSES ? {} : { cause: errorToWire(error.cause, depth + 1) }),
  });
}

export function errorFromWire(error: WireError, depth = 0): ErrorInfo {
  const details = error.details === undefined ? undefined : scalarDetails(error.details);
  return {
    code: error.code,
    message: error.message,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.name === undefined ? {} : { name: error.name }),
    ...(details === undefined ? {} : { details }),
    ...(error.cause === undefined || depth >= MAX_CAUSES ? {} : { cause: errorFromWire(error.cause, depth + 1) }),
  };
}

/** JSON has no undefined and no NaN. */
function plainDetails(details: ErrorDetails): JsonObject {
  const plain: JsonObject = {};
  for (const [name, value] of Object.entries(details)) {
    if (value === undefined) continue;
    plain[name] = typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  }
  return plain;
}

function scalarDetails(details: JsonObject): ErrorDetails {
  const scalar: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(details)) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') scalar[name] = value;
  }
  return scalar;
}
