import { Agent, request } from 'undici';

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** Anything that speaks the query API of Prometheus: Thanos does too. */
export interface MetricsSource extends AsyncDisposable {
  /** An instant query; a scalar is one sample without labels. Throws an Error that says what is wrong. */
  query(expression: string): Promise<readonly Sample[]>;
}

export interface PrometheusOptions {
  readonly url: string;
  /** Sent along; Prometheus gives up then too. */
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
  /** For a server behind a proxy that asks for one. */
  readonly bearerToken?: string;
}

interface Answer {
  readonly status?: string;
  readonly error?: string;
  readonly data?: { readonly resultType?: string; readonly result?: unknown };
}

export function createPrometheus(options: PrometheusOptions): MetricsSource {
  const { timeoutMs } = options;
  const dispatcher = new Agent({ connectTimeout: timeoutMs, headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
  const url = `${options.url.replace(/\/+$/, '')}/api/v1/query`;
  return {
    async query(expression) {
      const form = new URLSearchParams({ query: expression, timeout: `${timeoutMs}ms` });
      const { statusCode, body } = await request(url, {
        dispatcher,
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'application/json',
          ...(options.bearerToken === undefined ? {} : { authorization: `Bearer ${options.bearerToken}` }),
        },
        body: form.toString(),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const text = await readBounded(body, options.maxAnswerBytes);
      return samplesOf(statusCode, text);
    },
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  };
}

async function readBounded(body: AsyncIterable<Buffer>, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > limit) throw new Error(`its answer is longer than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function samplesOf(status: number, text: string): readonly Sample[] {
  let answer: Answer;
  try {
    answer = JSON.parse(text) as Answer;
  } catch {
    throw new Error(`HTTP ${status} with a body that is not JSON`);
  }
  if (status !== 200 || answer.status !== 'success') throw new Error(answer.error ?? `HTTP ${status}`);
  const { resultType, result } = answer.data ?? {};
  if (resultType === 'scalar' && isPoint(result)) return [{ labels: {}, value: Number(result[1]) }];
  if (resultType !== 'vector' || !Array.isArray(result)) throw new Error(`a ${String(resultType)}, not a vector`);
  return result.map(sampleOf);
}

function sampleOf(series: { readonly metric?: Labels; readonly value?: unknown }): Sample {
  if (!isPoint(series.value)) throw new Error('a series without a value');
  return { labels: series.metric ?? {}, value: Number(series.value[1]) };
}

const isPoint = (value: unknown): value is readonly [number, string] => Array.isArray(value) && value.length === 2;
