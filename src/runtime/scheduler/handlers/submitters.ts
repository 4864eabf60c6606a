import { cancelTarget, closeScope } from '../cancellation.ts';
import { openGroup, openScope } from '../declarations.ts';
import { prepareAgain, reviewAll } from '../queueing.ts';
import { offerReplay } from '../replay.ts';
import { submit } from '../submission.ts';
import { dropWait } from '../wait-ends.ts';
import { requestWait } from '../waits.ts';
import type { Handlers } from './handler.ts';

export const submitterHandlers = {
  'core-registered': (state, { core, element }) => {
    const needs = element.implementations.map(({ constraints }) => state.needs.indexOf(constraints));
    const known = state.elements[core];
    state.elements[core] = { element, needs, pending: known?.pending ?? 0, turn: known?.turn ?? 0 };
    state.durations.register(core, element.signature, element.implementations.length);
    if (known === undefined) return;
    prepareAgain(state, core);
    reviewAll(state);
  },
  'scope-opened': openScope,
  'scope-closed': (state, { scope: id, cancel }) => {
    const scope = state.scopes.get(id);
    if (scope === undefined || scope.ended) state.ignored += 1;
    else closeScope(state, scope, cancel);
  },
  'group-opened': openGroup,
  'replay-offered': offerReplay,
  'task-submitted': (state, { task }) => submit(state, task),
  'cancel-requested': (state, { scope: id, target, reason }) => {
    const scope = state.scopes.get(id);
    if (scope === undefined || scope.ended) state.ignored += 1;
    else cancelTarget(state, scope, target, reason);
  },
  'wait-requested': (state, { scope: id, wait, target }) => {
    const scope = state.scopes.get(id);
    if (scope === undefined || scope.ended || state.waits.has(wait)) state.ignored += 1;
    else requestWait(state, scope, wait, target);
  },
  'wait-abandoned': (state, { wait: id }) => {
    const wait = state.waits.get(id);
    if (wait === undefined) state.ignored += 1;
    else dropWait(state, wait);
  },
} satisfies Partial<Handlers>;
