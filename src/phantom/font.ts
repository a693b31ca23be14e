const GLYPH_WIDTH = 5;
const GLYPH_HEIGHT = 7;
const ADVANCE = 6;

/** Five-by-seven capitals, digits and marks; one string of seven rows per sign, five bits a row in base 32. */
const GLYPHS: Readonly<Record<string, string>> = {
  A: 'ehhvhhh',
  B: 'uhhuhhu',
  C: 'ehggghe',
  D: 'uhhhhhu',
  E: 'vgguggv',
  F: 'vgguggg',
  G: 'ehgnhhf',
  H: 'hhhvhhh',
  I: 'e44444e',
  J: '72222ic',
  K: 'hikokih',
  L: 'ggggggv',
  M: 'hrllhhh',
  N: 'hpllljh',
  O: 'ehhhhhe',
  P: 'uhhuggg',
  Q: 'ehhhlid',
  R: 'uhhukih',
  S: 'fgge11u',
  T: 'v444444',
  U: 'hhhhhhe',
  V: 'hhhhha4',
  W: 'hhhllla',
  X: 'hha4ahh',
  Y: 'hha4444',
  Z: 'v1248gv',
  0: 'ehjlphe',
  1: '4c4444e',
  2: 'eh1248v',
  3: 'v24211u',
  4: '26aiv22',
  5: 'vgu11he',
  6: '68guhhe',
  7: 'v124888',
  8: 'ehhehhe',
  9: 'ehhf12c',
  ':': '0cc0cc0',
  '-': '000v000',
  '.': '00000cc',
  '/': '01248g0',
  ' ': '0000000',
};

export function textWidth(text: string): number {
  return text.length * ADVANCE;
}

/** Writes capitals in light grey into an RGB picture; signs that the font lacks stay blank. */
export function drawText(pixels: Uint8ClampedArray, width: number, text: string, x: number, y: number): void {
  for (let place = 0; place < text.length; place++) {
    const rows = GLYPHS[text.charAt(place)];
    if (rows === undefined) continue;
    for (let row = 0; row < GLYPH_HEIGHT; row++) {
      const bits = parseInt(rows.charAt(row), 32);
      for (let column = 0; column < GLYPH_WIDTH; column++) {
        if ((bits & (1 << (GLYPH_WIDTH - 1 - column))) === 0) continue;
        const index = ((y + row) * width + x + place * ADVANCE + column) * 3;
        pixels.fill(205, index, index + 3);
      }
    }
  }
}
