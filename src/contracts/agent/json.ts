import { RuntimeError } from '../../common/errors.ts';
import { type BodyLimits, DEFAULT_BODY_LIMITS } from './xml.ts';

/** `JSON.parse` with limits that hold before anything is built; `__proto__` keys are left out. */
export function parseJson(body: string, limits: BodyLimits = DEFAULT_BODY_LIMITS): unknown {
  checkShape(body, limits);
  try {
    return mayNameProto(body) ? JSON.parse(body, dropProto) : JSON.parse(body);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RuntimeError('ERR_REQUEST_MALFORMED', { format: 'JSON', reason });
  }
}

/** The key can be written with escapes: then the slow way is taken, which is only slower. */
const mayNameProto = (body: string): boolean => body.includes('__proto__') || body.includes('\\u005');

function dropProto(this: unknown, key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Depth and number of values, without recursion; whether it is JSON at all is found out later. */
function checkShape(body: string, limits: BodyLimits): void {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < body.length; at += 1) {
    const char = body.charCodeAt(at);
    if (char === QUOTE) at = endOfString(body, at);
    else if (char === 0x7b || char === 0x5b) depth += 1;
    else if (char === 0x7d || char === 0x5d) depth -= 1;
    else if (char === 0x2c) values += 1;
    if (depth > limits.maxDepth)
      throw new RuntimeError('ERR_REQUEST_LIMIT', { what: 'nesting', limit: limits.maxDepth });
    if (values > limits.maxNodes)
      throw new RuntimeError('ERR_REQUEST_LIMIT', { what: 'values', limit: limits.maxNodes });
  }
}

function endOfString(body: string, from: number): number {
  for (let at = from + 1; at < body.length; at += 1) {
    const char = body.charCodeAt(at);
    if (char === BACKSLASH) at += 1;
    else if (char === QUOTE) return at;
  }
  return body.length;
}
