export interface ServerSentEvent {
  readonly event: string;
  readonly data: unknown;
}

/** Reads server-sent events over a real connection, one by one; undefined at the end of the stream. */
export interface EventReader extends AsyncDisposable {
  readonly contentType: string | null;
  next(): Promise<ServerSentEvent | undefined>;
}

export async function readEvents(url: string, headers: Record<string, string>): Promise<EventReader> {
  const abort = new AbortController();
  const response = await fetch(url, { headers, signal: abort.signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = '';
  const next = async (): Promise<ServerSentEvent | undefined> => {
    for (;;) {
      const end = buffered.indexOf('\n\n');
      if (end >= 0) {
        const block = buffered.slice(0, end);
        buffered = buffered.slice(end + 2);
        const event = /^event: (.*)$/m.exec(block)?.[1];
        if (event !== undefined) return { event, data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? 'null') };
        continue;
      }
      const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
      if (done || value === undefined) return undefined;
      buffered += value;
    }
  };
  return {
    contentType: response.headers.get('content-type'),
    next,
    [Symbol.asyncDispose]: async () => {
      abort.abort();
      await reader.closed.catch(() => undefined);
    },
  };
}
