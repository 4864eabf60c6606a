/** The `Accept` header: which of the things that can be made is wanted most. */
interface Range {
  readonly type: string;
  readonly quality: number;
  readonly place: number;
}

/** Entry of `offered` that is wanted most; the first one when anything goes; undefined when none is wanted. */
export function negotiate<Offer extends string>(
  header: string | undefined,
  offered: readonly Offer[],
): Offer | undefined {
  if (header === undefined || header.trim() === '') return offered[0];
  for (const { type } of parseRanges(header)) {
    const match = offered.find((offer) => matches(type, offer));
    if (match !== undefined) return match;
  }
  return undefined;
}

function parseRanges(header: string): Range[] {
  return header
    .split(',', 32)
    .map((part, place) => {
      const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
      const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      return { type, quality: quality === undefined ? 1 : Number(quality) || 0, place };
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality || specificity(b.type) - specificity(a.type) || a.place - b.place);
}

const specificity = (type: string): number => (type === '*/*' ? 0 : type.endsWith('/*') ? 1 : 2);

const matches = (range: string, offer: string): boolean =>
  range === '*/*' || range === offer || (range.endsWith('/*') && offer.startsWith(range.slice(0, -1)));
