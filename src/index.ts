/** The public entry of the programming model. */
export type { Direction } from './runtime/model/access.ts';
