/** `97.7 %`; a dash for what is no number. */
export function percentText(share: number, digits = 1): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(digits)} %` : '–';
}

/** `95.6 – 98.8 %` */
export function intervalText([lower, upper]: readonly [number, number], digits = 1): string {
  return Number.isFinite(lower) && Number.isFinite(upper) ? `${(lower * 100).toFixed(digits)} – ${(upper * 100).toFixed(digits)} %` : '–';
}

/** Seconds as `1:02:03` or `2:03`. */
export function clockText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = `${String(minutes).padStart(hours > 0 ? 2 : 1, '0')}:${String(rest).padStart(2, '0')}`;
  return hours > 0 ? `${hours}:${tail}` : tail;
}
