import { describe, expect, it } from 'vitest';
import { duration, progressBar, progressLine } from '../../src/common/progress.js';

describe('progress', () => {
  it('tells how far it is and what is left', () => {
    expect(progressLine({ label: 'embedding', done: 120, total: 480 }, 5000)).toBe(
      'embedding    ██████░░░░░░░░░░░░░░░░░░  120/480  25 %  0:15 left',
    );
    expect(progressLine({ label: 'embedding', done: 1, total: 480 }, 500)).not.toContain('left');
    expect(progressLine({ label: 'none', done: 0, total: 0 }, 5000)).toContain('100 %');
    expect([7400, 750_000, 3_723_000].map(duration)).toEqual(['0:07', '12:30', '1:02:03']);
  });

  it('draws on a terminal, seldom, and cleans up behind itself', () => {
    let time = 0;
    let text = '';
    const bar = progressBar({ isTTY: true, columns: 40, write: (chunk) => (text += chunk) }, () => time);
    bar.update({ label: 'a', done: 1, total: 10 });
    expect(text).toContain('█');
    const first = text;
    bar.update({ label: 'a', done: 3, total: 10 });
    expect(text).toBe(first);
    time = 200;
    bar.update({ label: 'a', done: 3, total: 10 });
    expect(text.split('\r').every((line) => line.length <= 44)).toBe(true);
    bar.end();
    expect(text.endsWith('\r\u001b[2K')).toBe(true);
  });

  it('is silent elsewhere', () => {
    let text = '';
    const bar = progressBar({ write: (chunk) => (text += chunk) });
    bar.update({ label: 'a', done: 1, total: 2 });
    bar.end();
    expect(text).toBe('');
  });
});
