/** What a row, a picture or a notice means beyond its words. Never the only carrier of that meaning. */
export type Tone = 'good' | 'warning' | 'danger' | 'dim';
