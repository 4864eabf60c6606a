/** Which controller the shell talks to. */
import { controllerList } from '../../contracts/icos/lighthouse.ts';
import { CliError, EXIT } from '../exit.ts';
import { ControllerApi } from './controller-api.ts';
import { readSession } from './session.ts';

export const DEFAULT_CONTROLLER = 'http://127.0.0.1:8080';
const PROBE_MS = 3_000;

export interface Wanted {
  readonly controller: string | undefined;
  readonly lighthouse: string | undefined;
}

export function urlOf(given: string): string {
  const url = URL.parse(/^https?:\/\//.test(given) ? given : `http://${given}`);
  if (url === null || url.hostname === '') throw new CliError(`${given} is no address`, EXIT.usage);
  return url.href.replace(/(\/api\/v3)?\/*$/, '');
}

/** A named one; else one of the lighthouse's, if that is named; else the one in use; else the one of this machine. */
export async function connect({ controller, lighthouse }: Wanted, env: NodeJS.ProcessEnv): Promise<ControllerApi> {
  const session = readSession(env);
  const url = await chosen(
    controller ?? env['METAKERNEL_CONTROLLER'],
    lighthouse ?? env['METAKERNEL_LIGHTHOUSE'],
    session,
  );
  return new ControllerApi(url, session.tokens[url], env['METAKERNEL_ACCESS_TOKEN']);
}

async function chosen(
  controller: string | undefined,
  lighthouse: string | undefined,
  session: { readonly controller?: string | undefined },
): Promise<string> {
  if (controller !== undefined) return urlOf(controller);
  if (lighthouse !== undefined) return firstAnswering(urlOf(lighthouse));
  return session.controller ?? DEFAULT_CONTROLLER;
}

export async function listControllers(
  url: string,
): Promise<readonly { readonly name: string; readonly address: string }[]> {
  // An empty list is an empty answer.
  const { value } = await new ControllerApi(url, undefined, undefined).json(
    '/api/v3/controller',
    controllerList.optional(),
  );
  return value ?? [];
}

async function firstAnswering(lighthouse: string): Promise<string> {
  const controllers = await listControllers(lighthouse);
  for (const { address } of controllers) {
    const url = urlOf(address);
    if (await answers(url)) return url;
  }
  const known = controllers.map(({ address }) => address).join(', ');
  throw new CliError(
    known === '' ? `no controller is registered at ${lighthouse}` : `none of these controllers answers: ${known}`,
    EXIT.unreachable,
  );
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/api/v3/healthcheck`, { signal: AbortSignal.timeout(PROBE_MS) })).ok;
  } catch {
    return false;
  }
}
