import { createHash } from 'node:crypto';
import { type Taxonomy, toIt1Taxonomy } from '../../contracts/icos/taxonomy.ts';
import type { AnnouncedNodes } from './announced-nodes.ts';
import type { Telemetry } from './telemetry.ts';

export type Form = 'release' | 'it1';

export interface WrittenAnswer {
  readonly body: Buffer;
  /** Of what the taxonomy says, not of when it was looked at: equal content has an equal tag. */
  readonly etag: string;
}

/** Taxonomies as bytes, written once per snapshot: a fleet of a thousand nodes is megabytes of text. */
export interface Answers {
  taxonomy(): Promise<Taxonomy>;
  written(form: Form): Promise<WrittenAnswer>;
}

export function createAnswers(telemetry: Telemetry, announced: AnnouncedNodes): Answers {
  let key = '';
  let taxonomy: Taxonomy = { timestamp: {}, cluster: {} };
  const written = new Map<Form, WrittenAnswer>();

  async function current(): Promise<Taxonomy> {
    const snapshot = await telemetry.snapshot();
    const present = `${snapshot.version}/${announced.version()}`;
    if (present !== key) {
      key = present;
      taxonomy = announced.addTo(snapshot.taxonomy);
      written.clear();
    }
    return taxonomy;
  }

  return {
    taxonomy: current,
    async written(form) {
      const present = await current();
      const known = written.get(form);
      if (known !== undefined) return known;
      const answer = write(present, form);
      written.set(form, answer);
      return answer;
    },
  };
}

function write(taxonomy: Taxonomy, form: Form): WrittenAnswer {
  const { timestamp, ...content } = taxonomy;
  const clusters = JSON.stringify(form === 'it1' ? toIt1Taxonomy(taxonomy) : content);
  const etag = `"${createHash('sha1').update(clusters).digest('base64url')}"`;
  const text = form === 'it1' ? clusters : `{"timestamp":${JSON.stringify(timestamp)},${clusters.slice(1)}`;
  return { body: Buffer.from(text), etag };
}
