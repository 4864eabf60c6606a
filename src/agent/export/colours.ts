export interface Colour {
  readonly fill: string;
  /** Readable on `fill`. */
  readonly text: string;
}

/** Told apart by people with any colour vision; the order is of first use. */
const PALETTE = [
  '#4477aa',
  '#ee6677',
  '#228833',
  '#ccbb44',
  '#66ccee',
  '#aa3377',
  '#ee7733',
  '#009988',
  '#882255',
  '#999933',
  '#88ccee',
  '#ddcc77',
  '#cc3311',
  '#117733',
  '#bbbbbb',
  '#332288',
] as const;

/** A colour for each signature, in order of first appearance. */
export function elementColours(signatures: Iterable<string>): ReadonlyMap<string, Colour> {
  const colours = new Map<string, Colour>();
  for (const signature of signatures) {
    if (!colours.has(signature)) colours.set(signature, colourAt(colours.size));
  }
  return colours;
}

function colourAt(index: number): Colour {
  const fill = PALETTE[index] ?? hueAt(index);
  return { fill, text: luminance(fill) > 0.35 ? '#000000' : '#ffffff' };
}

/** Beyond the palette: hues by the golden angle, never near each other. */
function hueAt(index: number): string {
  const hue = (index * 137.508) % 360;
  const channel = (shift: number): string => {
    const position = (shift + hue / 30) % 12;
    const value = 0.55 - 0.35 * Math.max(-1, Math.min(position - 3, 9 - position, 1));
    return Math.round(value * 255)
      .toString(16)
      .padStart(2, '0');
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}

/** Relative luminance (WCAG). */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
