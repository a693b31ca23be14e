/** About how many pixels a text takes at 12 px, for leaving room beside a chart: servers have no fonts to measure with. */
export function textWidth(text: string): number {
  return Math.ceil(text.length * 6.7);
}

/** `text`, shortened with an ellipsis to about `width` pixels. */
export function fitted(text: string, width: number): string {
  const characters = Math.max(2, Math.floor(width / 6.7));
  return text.length <= characters ? text : `${text.slice(0, characters - 1)}…`;
}
