/** What Piscina runs beside the no-op tasks. */
export default function nothing(_index: number): void {}
