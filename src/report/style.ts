/** Hues that stay apart for colour-blind readers (Okabe and Ito 2008), darkened for white paper and lightened for a dark screen. */
const ON_PAPER = ['#0072b2', '#c2500a', '#00795a', '#9a4a83', '#8a6d00', '#5a4fcf', '#5c5c5c', '#a3272f'];
const ON_SCREEN = ['#5eb3ea', '#f29a5b', '#3fc79d', '#d693c1', '#e3cb52', '#aaa0f7', '#b4bcc2', '#f0827f'];

const series = (hues: readonly string[]): string => hues.map((hue, at) => `.s${at}{--series:${hue}}`).join('');

/** Series that have a colour of their own; further ones begin again. */
export const SERIES_COLOURS = ON_PAPER.length;

const LIGHT = `--paper:#fff;--raised:#f5f7f8;--ink:#14191d;--dim:#55626c;--line:#d5dce1;--grid:#e6eaed;--accent:#00698a;
--good:#00694d;--warning:#8a5a00;--danger:#b3261e;--good-paper:#e6f4ef;--warning-paper:#fcf3df;--danger-paper:#fbe9e7;--info-paper:#e8f2f6;--heat:0,105,138`;
const DARK = `--paper:#0b0f13;--raised:#141a20;--ink:#e9eef1;--dim:#a3b0bb;--line:#2b3640;--grid:#212a32;--accent:#6cc4e4;
--good:#57d3b8;--warning:#f2bd62;--danger:#ff8078;--good-paper:#10251f;--warning-paper:#2a2113;--danger-paper:#2d1715;--info-paper:#11222b;--heat:94,179,234`;

/** The one stylesheet of every report: follows the reader's light or dark screen, and prints in black on white A4. */
export const STYLE = `
:root{color-scheme:light dark;${LIGHT};font:15px/1.5 Inter,'Segoe UI',system-ui,'Helvetica Neue',Arial,sans-serif;color:var(--ink);background:var(--paper)}
${series(ON_PAPER)}
@media screen and (prefers-color-scheme:dark){:root{${DARK}}${series(ON_SCREEN)}}
*,*::before,*::after{box-sizing:border-box}
body{margin:0}
main,.head,.foot{max-width:70rem;margin:0 auto;padding:0 1.5rem}
.head{padding-top:2.2rem}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 .3rem;letter-spacing:-.01em}
h2{font-size:1.25rem;margin:2.4rem 0 .6rem;padding-top:.6rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1.5rem 0 .4rem}
p{margin:.5rem 0;max-width:48rem}
a{color:var(--accent)}
code,pre{font:.86em/1.45 ui-monospace,'SF Mono',Menlo,Consolas,monospace}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--raised);padding:.6rem .8rem;border-radius:.4rem;margin:.5rem 0}
.subtitle{color:var(--dim);font-size:1.05rem;margin:0 0 1rem}
.dim{color:var(--dim)}
.notice{border-left:.25rem solid var(--accent);background:var(--info-paper);padding:.55rem .9rem;margin:.9rem 0;border-radius:0 .4rem .4rem 0}
.notice>:first-child{margin-top:0}.notice>:last-child{margin-bottom:0}
.notice strong.heading{display:block}
.notice[data-tone=good]{border-color:var(--good);background:var(--good-paper)}
.notice[data-tone=warning]{border-color:var(--warning);background:var(--warning-paper)}
.notice[data-tone=danger]{border-color:var(--danger);background:var(--danger-paper)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.6rem 1.4rem;margin:1rem 0 1.4rem}
.facts div{border-top:2px solid var(--line);padding-top:.35rem}
.facts dt{color:var(--dim);font-size:.82rem}
.facts dd{margin:0;font-size:1.15rem;font-weight:600;overflow-wrap:anywhere}
.facts small{display:block;color:var(--dim);font-size:.8rem;font-weight:400}
.table{overflow-x:auto;margin:.8rem 0}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem;width:100%}
caption{text-align:left;color:var(--dim);padding-bottom:.4rem}
th,td{padding:.32rem .7rem .32rem 0;border-bottom:1px solid var(--grid);vertical-align:top;text-align:left;overflow-wrap:anywhere}
thead th{border-bottom:1.5px solid var(--line);color:var(--dim);font-weight:600;vertical-align:bottom}
tbody th{font-weight:500}
th{overflow-wrap:break-word;min-width:3.2rem}
td.number,th.number{text-align:right;white-space:nowrap}
tr[data-tone=good] td:first-child,tr[data-tone=good] th{color:var(--good)}
tr[data-tone=warning] td:first-child,tr[data-tone=warning] th{color:var(--warning)}
tr[data-tone=danger] td:first-child,tr[data-tone=danger] th{color:var(--danger)}
tr[data-tone=dim]{color:var(--dim)}
figure{margin:1rem 0}
figcaption{color:var(--dim);font-size:.88rem;max-width:48rem;margin-top:.35rem}
svg.chart{display:block;width:100%;height:auto;overflow:visible}
svg.chart text{font-size:12px;fill:var(--ink)}
svg.chart .tick{fill:var(--dim)}
svg.chart .axis{stroke:var(--line)}
svg.chart .grid{stroke:var(--grid)}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;padding:0;margin:.2rem 0 .5rem;font-size:.85rem}
.legend svg{width:1.6rem;height:.7rem;margin-right:.4rem;vertical-align:middle}
.sheet{display:grid;grid-template-columns:repeat(auto-fill,minmax(var(--side),1fr));gap:.9rem;list-style:none;padding:0;margin:1rem 0}
.sheet figure{margin:0;break-inside:avoid}
.sheet img,.sheet .none{display:block;width:100%;aspect-ratio:5/4;object-fit:contain;background:#000;border-radius:.3rem;border-bottom:.25rem solid transparent}
.sheet .none{background:var(--raised)}
.sheet [data-tone=good] img{border-color:var(--good)}.sheet [data-tone=warning] img{border-color:var(--warning)}.sheet [data-tone=danger] img{border-color:var(--danger)}
.sheet figcaption{font-size:.8rem;line-height:1.35;color:var(--ink);overflow-wrap:anywhere}
.sheet figcaption span{display:block;color:var(--dim)}
.foot{margin-top:3rem;padding-top:1rem;padding-bottom:2.5rem;border-top:1px solid var(--line);color:var(--dim);font-size:.82rem}
.foot dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.5rem 0}
.foot dt{font-weight:600}.foot dd{margin:0;overflow-wrap:anywhere;font-family:ui-monospace,Menlo,Consolas,monospace}
@page{size:A4;margin:16mm 14mm}
@media print{
:root{font-size:10.5pt;color-scheme:light}
main,.head,.foot{max-width:none;padding-left:0;padding-right:0}
.head{padding-top:0}
h2,h3{break-after:avoid}
figure,.notice,tr,.facts div{break-inside:avoid}
thead{display:table-header-group}
.table{overflow:visible}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
a{color:inherit;text-decoration:none}
}
`;
