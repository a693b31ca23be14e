import type { ComponentChildren } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { version } from '../common/version.js';
import { Notice } from './notice.js';
import { STYLE } from './style.js';

/** What made a report, so that a reader can make it again. */
export interface Provenance {
  /** As it was typed. */
  readonly command?: string;
  /** When it was made; default now. */
  readonly at?: Date;
  /** Further lines of the footer: versions, fingerprints, hashes of files. */
  readonly details?: Readonly<Record<string, string>>;
}

export interface PageOptions {
  readonly title: string;
  readonly subtitle?: string;
  readonly provenance?: Provenance;
  /** Replaces the sentence about research use. */
  readonly notice?: string;
}

const RESEARCH_USE =
  'Research use only. Lumenmark is not a medical device; nothing in this report has been validated for a clinical decision.';

/** A whole HTML document that needs nothing beside itself: style inside, pictures as data URIs, no scripts, everything escaped. */
export function renderPage(options: PageOptions, children: ComponentChildren): string {
  return `<!doctype html>\n${renderToString(<Page {...options}>{children}</Page>)}\n`;
}

function Page({ title, subtitle, provenance = {}, notice = RESEARCH_USE, children }: PageOptions & { children: ComponentChildren }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="generator" content={`lumenmark ${version}`} />
        <title>{title}</title>
        <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      </head>
      <body>
        <header class="head">
          <h1>{title}</h1>
          {subtitle === undefined ? null : <p class="subtitle">{subtitle}</p>}
          <Notice tone="warning">{notice}</Notice>
        </header>
        <main>{children}</main>
        <Footer {...provenance} />
      </body>
    </html>
  );
}

function Footer({ command, at = new Date(), details = {} }: Provenance) {
  const lines = [
    ['Software', `lumenmark ${version}, Node ${process.version}`],
    ['Made', at.toISOString()],
    ...(command === undefined ? [] : [['Command', command]]),
    ...Object.entries(details),
  ];
  return (
    <footer class="foot">
      <dl>
        {lines.map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </>
        ))}
      </dl>
    </footer>
  );
}
