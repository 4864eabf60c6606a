import { z } from 'zod';
import type { Application } from '../../../contracts/icos/descriptor/application.ts';
import { parseDescriptor, parseDescriptorJson } from '../../../contracts/icos/descriptor/parse-descriptor.ts';

/** A descriptor as YAML text, as JSON, or as the shell's `{content}`. */
export const descriptorBody = z.union([z.string().min(1), z.looseObject({})]).describe('An application descriptor.');

export interface ReadDescriptor {
  readonly application: Application;
  /** As text, for whoever needs the whole of it later. */
  readonly descriptor: string;
}

export function readDescriptor(body: z.output<typeof descriptorBody>): ReadDescriptor {
  const content = typeof body === 'string' ? body : body['content'];
  if (typeof content === 'string') return { application: parseDescriptor(content), descriptor: content };
  return { application: parseDescriptorJson(body), descriptor: JSON.stringify(body) };
}
