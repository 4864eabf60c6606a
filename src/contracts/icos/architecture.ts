const ALIASES: Readonly<Record<string, string>> = {
  intel: 'x86_64',
  amd64: 'x86_64',
  x64: 'x86_64',
  'x86-64': 'x86_64',
  x86_64: 'x86_64',
  arm64: 'aarch64',
  aarch64: 'aarch64',
  'arm64/v8': 'aarch64',
  armv8: 'aarch64',
};

/** One spelling per architecture; unknown ones stay as they are, in lower case. */
export function canonicalArchitecture(name: string): string {
  const lower = name.trim().toLowerCase();
  return ALIASES[lower] ?? lower;
}
