import { describe, expect, it } from 'vitest';
import { parseCsv } from '../../src/common/csv.js';

describe('parseCsv', () => {
  it('reads commas, semicolons and tabs, quotes, a byte-order mark and short lines', () => {
    expect(parseCsv('\uFEFFpath,label\r\n"a, b.jpg",pylorus\r\nc.jpg\r\n\r\n', 't.csv')).toEqual({
      columns: ['path', 'label'],
      rows: [
        { path: 'a, b.jpg', label: 'pylorus' },
        { path: 'c.jpg', label: '' },
      ],
    });
    expect(parseCsv('file-name;class-name;split-index\nx.jpg;polyp;1\n', 't.csv').rows).toEqual([
      { 'file-name': 'x.jpg', 'class-name': 'polyp', 'split-index': '1' },
    ]);
    expect(parseCsv('a\tb\n1\t2\n', 't.csv').rows).toEqual([{ a: '1', b: '2' }]);
  });

  it('names the columns that are missing and those that are there', () => {
    expect(() => parseCsv('a,b\n1,2\n', 't.csv', ['b', 'label'])).toThrow(
      expect.objectContaining({ code: 'csv-columns', message: 't.csv: has no column “label”', remedy: 'It has “a”, “b”.' }) as Error,
    );
    expect(() => parseCsv('', 'empty.csv', ['a'])).toThrow(/empty.csv: has no column “a”/);
  });
});
