/**
 * Reads XML bodies into a small tree. Strict where parsers tend to be generous: no DTD, no entity but the five of XML
 * and character references, and limits on depth and number of elements.
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { RuntimeError } from '../../common/errors.ts';

export interface XmlElement {
  readonly name: string;
  /** Without namespace prefixes: `xsi:type` is `type`. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Text and CDATA of the element itself, entities replaced, white space kept. */
  readonly text: string;
}

export interface BodyLimits {
  /** Nesting of elements, or of JSON arrays and objects. */
  readonly maxDepth: number;
  /** XML elements, or JSON values. */
  readonly maxNodes: number;
}

export const DEFAULT_BODY_LIMITS: BodyLimits = { maxDepth: 64, maxNodes: 200_000 };

const ATTRIBUTE_PREFIX = '@';
const TEXT = '#text';
const CDATA = '#cdata';
const ATTRIBUTES = ':@';

/** What fast-xml-parser makes with `preserveOrder`: one key with the children, beside it the attributes. */
type RawNode = Readonly<Record<string, unknown>>;

export function parseXml(body: string, limits: BodyLimits = DEFAULT_BODY_LIMITS): XmlElement {
  refuseDeclarations(body);
  checkCounts(body, limits);
  const verdict = validate(body);
  if (verdict !== true) throw malformed(verdict);
  const roots = toElements(parse(body, limits.maxDepth));
  const root = roots[0];
  if (root === undefined || roots.length > 1) throw malformed('there must be exactly one root element');
  return root;
}

function validate(body: string): true | string {
  const verdict = XMLValidator.validate(body);
  if (verdict === true) return true;
  return `${verdict.err.msg} (line ${verdict.err.line}, column ${verdict.err.col})`;
}

function parse(body: string, maxDepth: number): readonly RawNode[] {
  const parser = new XMLParser({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: ATTRIBUTE_PREFIX,
    textNodeName: TEXT,
    cdataPropName: CDATA,
    removeNSPrefix: true,
    ignoreDeclaration: true,
    ignorePiTags: true,
    parseTagValue: false,
    trimValues: false,
    processEntities: false,
    jPath: false,
    maxNestedTags: maxDepth,
  });
  try {
    return parser.parse(body) as readonly RawNode[];
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : String(error));
  }
}

/** `<!` may only open a comment or CDATA: what is left are DTDs, the door of entity expansion and external files. */
function refuseDeclarations(body: string): void {
  for (let at = body.indexOf('<!'); at !== -1; at = body.indexOf('<!', at)) {
    const close = closingMark(body, at);
    if (close === undefined) throw new RuntimeError('ERR_XML_DTD_REFUSED');
    const end = body.indexOf(close, at + 4);
    if (end === -1) throw malformed(`"${body.slice(at, at + 4)}" is not closed`);
    at = end + close.length;
  }
}

function closingMark(body: string, at: number): string | undefined {
  if (body.startsWith('<!--', at)) return '-->';
  return body.startsWith('<![CDATA[', at) ? ']]>' : undefined;
}

/** An upper bound, before anything is allocated: every element has at least one `<`. */
function checkCounts(body: string, limits: BodyLimits): void {
  let opened = 0;
  for (let at = body.indexOf('<'); at !== -1; at = body.indexOf('<', at + 1)) {
    if (body.charCodeAt(at + 1) !== 0x2f) opened += 1;
    if (opened > limits.maxNodes)
      throw new RuntimeError('ERR_REQUEST_LIMIT', { what: 'elements', limit: limits.maxNodes });
  }
}

function toElements(nodes: readonly RawNode[]): XmlElement[] {
  const elements: XmlElement[] = [];
  for (const node of nodes) {
    const name = elementName(node);
    if (name !== undefined) elements.push(toElement(name, node));
  }
  return elements;
}

const elementName = (node: RawNode): string | undefined =>
  Object.keys(node).find((key) => key !== ATTRIBUTES && key !== TEXT && key !== CDATA);

function toElement(name: string, node: RawNode): XmlElement {
  const content = node[name] as readonly RawNode[];
  return { name, attributes: attributesOf(node), children: toElements(content), text: textOf(content) };
}

function attributesOf(node: RawNode): ReadonlyMap<string, string> {
  const raw = (node[ATTRIBUTES] ?? {}) as Readonly<Record<string, unknown>>;
  return new Map(
    Object.entries(raw).map(([key, value]) => [key.slice(ATTRIBUTE_PREFIX.length), decodeEntities(String(value))]),
  );
}

function textOf(content: readonly RawNode[]): string {
  let text = '';
  for (const node of content) {
    if (TEXT in node) text += decodeEntities(String(node[TEXT]));
    else if (CDATA in node) text += rawText(node[CDATA] as readonly RawNode[]);
  }
  return text;
}

const rawText = (content: readonly RawNode[]): string => content.map((node) => String(node[TEXT] ?? '')).join('');

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
]);

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&([^;\s&]{0,12})(;?)/g, (whole, name: string, end: string) => {
    const value = end === ';' ? (ENTITIES.get(name) ?? characterReference(name)) : undefined;
    if (value === undefined) throw malformed(`"${whole.slice(0, 16)}" is not an entity of XML; write &amp; for "&"`);
    return value;
  });
}

function characterReference(name: string): string | undefined {
  const match = /^#(?:x([0-9a-f]+)|([0-9]+))$/i.exec(name);
  if (match === null) return undefined;
  const point = Number.parseInt(match[1] ?? match[2] ?? '', match[1] === undefined ? 10 : 16);
  const legal = point === 9 || point === 10 || point === 13 || (point >= 32 && point <= 0x10_ff_ff);
  return legal ? String.fromCodePoint(point) : undefined;
}

const malformed = (reason: string): RuntimeError =>
  new RuntimeError('ERR_REQUEST_MALFORMED', { format: 'XML', reason });

/** Text that is safe as element content and as attribute value. Characters that XML cannot carry become U+FFFD. */
export function escapeXml(text: string): string {
  return text.replace(
    /[<>&"']|[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu,
    (char) => ESCAPES.get(char) ?? '\ufffd',
  );
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['&', '&amp;'],
  ['"', '&quot;'],
  ["'", '&apos;'],
]);
