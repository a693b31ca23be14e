import { describe, expect, it } from 'vitest';
import { csvText } from '../../src/common/csv-text.js';

describe('csvText', () => {
  it('quotes what needs it and keeps formulas from being formulas, but numbers numbers', () => {
    expect(
      csvText(
        ['a', 'b'],
        [
          ['x,y', -1.5],
          ['say "hi"', null],
          ['=1+1', true],
          ['-2', undefined],
          ['@x\nz', 0],
        ],
      ),
    ).toBe('a,b\r\n"x,y",-1.5\r\n"say ""hi""",\r\n\'=1+1,true\r\n\'-2,\r\n"\'@x\nz",0\r\n');
  });
});
