/** Where a command writes: results on stdout, everything about them on stderr. */
export interface Terminal {
  out(text: string): void;
  error(text: string): void;
  /** stderr is a terminal: a line of progress may be drawn over. */
  readonly interactive: boolean;
  readonly columns: number;
  readonly colours: boolean;
  raw(chunk: Uint8Array): void;
  /** Draws over the line of progress; undefined takes it away. */
  status(line: string | undefined): void;
}

export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  const interactive = stderr.isTTY === true;
  let drawn = false;
  const status = (line: string | undefined): void => {
    if (!interactive || (line === undefined && !drawn)) return;
    stderr.write(`\r\u001b[2K${line ?? ''}`);
    drawn = line !== undefined;
  };
  const write = (stream: NodeJS.WriteStream, content: string | Uint8Array): void => {
    status(undefined);
    stream.write(content);
  };
  return {
    interactive,
    columns: stderr.columns ?? 100,
    colours: interactive && process.env['NO_COLOR'] === undefined,
    out: (text) => write(stdout, text.endsWith('\n') ? text : `${text}\n`),
    error: (text) => write(stderr, text.endsWith('\n') ? text : `${text}\n`),
    raw: (chunk) => write(stdout, chunk),
    status,
  };
}
