import type { Millis } from '../../common/brand.ts';
import { NONE, type ResourceId } from '../model/ids.ts';
import { grown } from '../model/rows.ts';
import type { StoryEntry } from './core.ts';
import type { SchedulerEvent } from './events.ts';
import { type StatusCode, statusName } from './transitions.ts';

type EventType = SchedulerEvent['type'];

/** By code: what the story column holds. A new event type that is missing here does not compile. */
const CAUSES = Object.keys({
  'core-registered': 0,
  'scope-opened': 0,
  'scope-closed': 0,
  'group-opened': 0,
  'replay-offered': 0,
  'datum-declared': 0,
  'handle-released': 0,
  'datum-written': 0,
  'replica-added': 0,
  'replica-lost': 0,
  'transfer-failed': 0,
  'task-submitted': 0,
  'cancel-requested': 0,
  'wait-requested': 0,
  'wait-abandoned': 0,
  'invocation-started': 0,
  'invocation-settled': 0,
  'invocation-suspended': 0,
  'invocation-resume-requested': 0,
  'invocation-resumed': 0,
  'resource-joined': 0,
  'resource-grown': 0,
  'resource-shrink-requested': 0,
  'resource-leave-requested': 0,
  'resource-lost': 0,
  'timer-fired': 0,
} satisfies Record<EventType, 0>) as EventType[];

const CAUSE_CODES = new Map(CAUSES.map((type, code) => [type, code]));

export const causeCode = (type: EventType): number => CAUSE_CODES.get(type)!;

/** The moves of every remembered task: 20 bytes each, linked from the last one back. */
export class Stories {
  #at = new Float64Array(1024);
  /** Bits 0-3 from, 4-7 to, 8-15 cause. */
  #move = new Uint16Array(1024);
  #resource = new Int32Array(1024);
  #before = new Int32Array(1024);
  #high = 0;
  #free = NONE;

  /** The story with one more move; `story` is its last entry so far. */
  add(story: number, at: Millis, move: number, resource: number): number {
    let entry = this.#free;
    if (entry === NONE) {
      entry = this.#high++;
      if (entry >= this.#at.length) this.#grow();
    } else {
      this.#free = this.#before[entry]!;
    }
    this.#at[entry] = at;
    this.#move[entry] = move;
    this.#resource[entry] = resource;
    this.#before[entry] = story;
    return entry;
  }

  release(story: number): void {
    if (story === NONE) return;
    let first = story;
    while (this.#before[first] !== NONE) first = this.#before[first]!;
    this.#before[first] = this.#free;
    this.#free = story;
  }

  read(story: number, resourceId: (row: number) => ResourceId): StoryEntry[] {
    const entries: StoryEntry[] = [];
    for (let entry = story; entry !== NONE; entry = this.#before[entry]!) {
      const move = this.#move[entry]!;
      const resource = this.#resource[entry]!;
      entries.push({
        at: this.#at[entry] as Millis,
        from: statusName(move & 15),
        to: statusName((move >> 4) & 15),
        cause: CAUSES[move >> 8]!,
        ...(resource === NONE ? {} : { resource: resourceId(resource) }),
      });
    }
    return entries.reverse();
  }

  #grow(): void {
    const capacity = this.#at.length * 2;
    this.#at = grown(this.#at, capacity);
    this.#move = grown(this.#move, capacity);
    this.#resource = grown(this.#resource, capacity);
    this.#before = grown(this.#before, capacity);
  }
}

export const packMove = (from: StatusCode, to: StatusCode, cause: number): number => from | (to << 4) | (cause << 8);
