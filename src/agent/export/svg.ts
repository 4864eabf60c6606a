/** As little SVG as the pictures need. */
type Attributes = Readonly<Record<string, string | number>>;

const escapeXml = (text: string): string =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: XML cannot carry them, whatever a task is called
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');

export const attributes = (values: Attributes): string =>
  Object.entries(values)
    .map(([name, value]) => ` ${name}="${typeof value === 'number' ? Math.round(value * 10) / 10 : escapeXml(value)}"`)
    .join('');

/** `content` is markup, or with `asText` plain text. */
export function element(name: string, values: Attributes, content = '', asText = false): string {
  const inner = asText ? escapeXml(content) : content;
  return inner === '' ? `<${name}${attributes(values)}/>` : `<${name}${attributes(values)}>${inner}</${name}>`;
}

/** Shown on hover. */
export const title = (text: string): string => (text === '' ? '' : element('title', {}, text, true));

const STYLE =
  'text{font:12px system-ui,"Segoe UI","Helvetica Neue",Arial,sans-serif}' +
  '.b{font-weight:600;font-size:13px}.l{font-size:9px;fill:#555;paint-order:stroke;stroke:#fff;stroke-width:3px}' +
  '.e{fill:none;stroke:#8a8f98}';

export function svgDocument(width: number, height: number, content: readonly string[]): string {
  const size = { width: Math.ceil(width), height: Math.ceil(height) };
  const marker =
    '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" ' +
    'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="#8a8f98"/></marker></defs>';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg"${attributes({ ...size, viewBox: `0 0 ${size.width} ${size.height}` })}>`,
    `<style>${STYLE}</style>${marker}<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...content,
    '</svg>',
    '',
  ].join('\n');
}
