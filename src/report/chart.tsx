import type { ComponentChildren } from 'preact';

export interface ChartText {
  /** What the chart shows, for readers who cannot see it and as the tooltip. */
  readonly title: string;
  /** What is to be seen in it. */
  readonly description?: string;
}

/** The `svg` of every chart; drawn `width` pixels wide and scaled to the page. */
export function Chart({
  title,
  description,
  width,
  height,
  children,
}: ChartText & { readonly width: number; readonly height: number; readonly children: ComponentChildren }) {
  return (
    <svg class="chart" role="img" aria-label={title} viewBox={`0 0 ${width} ${height}`} style={{ maxWidth: `${width}px` }}>
      <title>{title}</title>
      {description === undefined ? null : <desc>{description}</desc>}
      {children}
    </svg>
  );
}
