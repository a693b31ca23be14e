import { h } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { describe, expect, it } from 'vitest';
import { ContactSheet } from '../../src/report/contact-sheet.js';
import { dataUri } from '../../src/report/data-uri.js';
import { Notice } from '../../src/report/notice.js';
import { renderPage } from '../../src/report/page.js';
import { Table } from '../../src/report/table.js';

const NASTY = `<script>alert("x")</script>&'`;

describe('renderPage', () => {
  const page = renderPage(
    {
      title: NASTY,
      subtitle: NASTY,
      provenance: { command: NASTY, at: new Date(0), details: { 'Model <fingerprint>': 'abc' } },
    },
    h(Table, { columns: [NASTY, { title: 'n', align: 'number' }], rows: [[NASTY, 3]] }),
  );

  it('needs nothing beside itself and runs nothing', () => {
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(page).not.toMatch(/<script|<link|https?:\/\//);
    expect(page).not.toMatch(/url\((?!data:)/);
  });

  it('escapes whatever it is given', () => {
    expect(page.match(/&lt;script>/g)).toHaveLength(6);
  });

  it('says that it is for research, and what made it', () => {
    expect(page).toContain('Research use only');
    expect(page).toMatch(/lumenmark \d+\.\d+\.\d+/);
    expect(page).toContain('1970-01-01T00:00:00.000Z');
    expect(page).toContain('Model &lt;fingerprint>');
  });
});

describe('Table', () => {
  it('names its rows and columns for screen readers, and says when it is empty', () => {
    const table = renderToString(
      h(Table, {
        columns: ['label', { title: 'n', align: 'number' }],
        rows: [{ cells: ['pylorus', 12], tone: 'warning' }],
      }),
    );
    expect(table).toContain('<th scope="col" class="number">n</th>');
    expect(table).toContain('<tr data-tone="warning"><th scope="row">pylorus</th><td class="number">12</td></tr>');
    expect(renderToString(h(Table, { columns: ['a', 'b'], rows: [], empty: 'Nothing yet.' }))).toContain(
      '<td colspan="2">Nothing yet.</td>',
    );
  });
});

describe('Notice and ContactSheet', () => {
  it('carry their tone', () => {
    expect(renderToString(h(Notice, { tone: 'danger', children: 'No.' }))).toBe(
      '<aside class="notice" role="note" data-tone="danger"><p>No.</p></aside>',
    );
  });

  it('shows pictures with their captions, and says where one is missing', () => {
    const sheet = renderToString(
      h(ContactSheet, {
        pictures: [
          { src: dataUri(new Uint8Array([1, 2, 3])), title: 'pylorus', lines: ['0.91'], tone: 'good' },
          { src: null, title: 'gone' },
        ],
      }),
    );
    expect(sheet).toContain('<img src="data:image/jpeg;base64,AQID" alt="pylorus"/>');
    expect(sheet).toContain('aria-label="gone (no picture)"');
  });
});
