/** The page's style sheet. Colours come from the palette, so that text and plots agree in light and dark. */
import { declarations } from '../plots/palette.js';

export const STYLE = `
:root{color-scheme:light dark;${declarations('light')};--sans:"Helvetica Neue",Helvetica,"Segoe UI",Arial,"Liberation Sans",sans-serif;--serif:Charter,"Iowan Old Style","Palatino Linotype",Georgia,"Liberation Serif",serif;--mono:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono","DejaVu Sans Mono",monospace}
@media (prefers-color-scheme:dark){:root{${declarations('dark')}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 var(--sans)}
main,header,footer{max-width:58rem;margin:0 auto;padding:0 1.5rem}
header{padding-top:3.5rem}
h1,h2{font-family:var(--serif);font-weight:600;line-height:1.2;text-wrap:balance;overflow-wrap:anywhere}
h1{font-size:2.5rem;margin:.1rem 0 1rem;letter-spacing:-.01em}
h2{font-size:1.6rem;margin:0 0 .6rem}
h3{font-size:1rem;margin:2rem 0 .5rem;overflow-wrap:anywhere}
.sample h3{margin:0}
section{margin-top:3.75rem;scroll-margin-top:1rem}
p{margin:.5rem 0 1rem;max-width:44rem}
a{color:var(--accent);text-underline-offset:.15em}
.eyebrow{margin:0;color:var(--muted);font-size:.8rem;letter-spacing:.09em;text-transform:uppercase}
.lead{font:1.2rem/1.5 var(--serif);max-width:46rem;margin:0 0 1rem}
.facts,.aside{color:var(--muted);font-size:.875rem}
.facts{margin:0;overflow-wrap:anywhere;max-width:none}
nav{margin:1.25rem 0 0;padding:.6rem 0;border-block:1px solid var(--faint);font-size:.875rem;display:flex;flex-wrap:wrap;gap:.3rem 1.4rem}
nav a{color:var(--ink);text-decoration:none}
nav a:hover{text-decoration:underline}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:1.75rem 1.5rem;margin:2.25rem 0 0}
.figures>div{border-top:2px solid var(--ink);padding-top:.55rem}
.figures dt{font-size:.875rem;color:var(--muted)}
.figures dd{margin:0;font-variant-numeric:tabular-nums}
.figures .value{font:600 1.9rem/1.2 var(--serif);white-space:nowrap}
.figures .interval{font-size:.8125rem;color:var(--muted)}
.warning{border-left:3px solid var(--outcome-wrong);background:var(--panel);padding:.6rem .9rem;margin:1rem 0;font-size:.9375rem;max-width:none}
.warning small{display:block;color:var(--muted);font-size:.8125rem}
.decision{border-left:3px solid var(--ink);padding:.1rem 0 .1rem .9rem;margin:1.5rem 0}
.bar{display:flex;height:1.9rem;gap:1px;margin:1rem 0 1.25rem;border-radius:2px;overflow:hidden}
.bar.mini{height:.7rem;width:9rem;margin:0;gap:0;border-radius:1px}
.swatch{display:inline-block;width:.7rem;height:.7rem;border-radius:2px;margin-right:.5rem;vertical-align:-.03rem}
figure{margin:1.25rem 0 1.5rem}
figure svg{display:block;max-width:100%;min-width:46rem;height:auto}
figcaption{margin-top:.6rem;color:var(--muted);font-size:.875rem;max-width:44rem}
.scroll{overflow-x:auto;margin:1rem 0}
.scroll.tall{max-height:34rem;overflow-y:auto}
.scroll:focus-visible,.program:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums lining-nums}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{text-align:left;vertical-align:baseline;padding:.42rem .9rem .42rem 0;border-bottom:1px solid var(--faint);font-weight:400}
th:last-child,td:last-child{padding-right:0}
thead th{color:var(--muted);font-size:.8125rem;border-bottom-color:var(--muted);white-space:nowrap;vertical-align:bottom}
.tall thead th{position:sticky;top:0;background:var(--paper);box-shadow:inset 0 -1px var(--muted)}
.numeric{text-align:right;white-space:nowrap}
td:not(.numeric),tbody th{overflow-wrap:break-word}
tbody th{max-width:26rem}
tbody small{display:block;color:var(--muted);font-size:.8125rem;min-width:11rem}
.outcome,.nowrap{white-space:nowrap}
button.sort{all:unset;cursor:pointer}
button.sort:hover{color:var(--ink)}
button.sort:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
button.sort::after{content:"\\2195";opacity:.35;margin-left:.3em}
[aria-sort=ascending] button.sort::after{content:"\\2191";opacity:1}
[aria-sort=descending] button.sort::after{content:"\\2193";opacity:1}
.tag{display:inline-block;border:1px solid var(--faint);border-radius:3px;padding:0 .35rem;font-size:.75rem;color:var(--muted);white-space:nowrap}
.sample{margin:2.25rem 0 0}
.sample .facts{margin:.15rem 0 .6rem}
.program{margin:0;background:var(--panel);border-radius:4px;padding:.8rem 0;overflow-x:auto;font:.8125rem/1.6 var(--mono);tab-size:8}
.program code{font:inherit;display:block;width:max-content;min-width:100%}
.line,.note,.omitted{display:block;padding-right:1rem}
.line::before{content:attr(data-line);display:inline-block;width:2.4rem;margin-right:1.1rem;text-align:right;color:var(--muted);user-select:none}
.prompt{color:var(--muted)}
mark.failing{background:var(--tint);color:inherit;box-shadow:inset 3px 0 var(--alarm)}
mark.failing::before{color:var(--alarm);font-weight:700}
.note{background:var(--tint);color:var(--alarm);padding-left:3.5rem;box-shadow:inset 3px 0 var(--alarm);white-space:pre-wrap;overflow-wrap:anywhere;max-width:min(56rem,calc(100vw - 3rem))}
.omitted{color:var(--muted);padding-left:3.5rem;font-style:italic}
.facts-list{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.3rem 1.5rem;font-size:.875rem;margin:.75rem 0 1.5rem}
.facts-list dt{color:var(--muted);overflow-wrap:anywhere}
.facts-list dd{margin:0;overflow-wrap:anywhere}
.facts-list code,p code,li code{font:.92em var(--mono);overflow-wrap:anywhere}
.methods{max-width:none;background:var(--panel);border-radius:4px;padding:.8rem 1rem;font-size:.9375rem;overflow-wrap:anywhere}
ul.notes{padding-left:1.1rem;max-width:46rem;font-size:.9375rem}
ul.notes li{margin:.35rem 0}
.filters{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem 1rem;align-items:end;margin:1rem 0}
.filters label{display:block;font-size:.8125rem;color:var(--muted);min-width:0}
.filters select,.filters input{display:block;width:100%;height:2.2rem;margin-top:.2rem;padding:0 .5rem;font:inherit;font-size:.875rem;color:var(--ink);background:var(--paper);border:1px solid var(--muted);border-radius:4px}
.browser button{font:inherit;font-size:.875rem;color:var(--ink);background:var(--panel);border:1px solid var(--muted);border-radius:4px;height:2.2rem;padding:0 .9rem;cursor:pointer}
.browser button:disabled{opacity:.5;cursor:default}
.browser :focus-visible,nav a:focus-visible,summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
#sample-list{list-style:none;margin:.5rem 0 1rem;padding:0;border-top:1px solid var(--faint)}
#sample-list li{border-bottom:1px solid var(--faint)}
details.numbers>summary{cursor:pointer;color:var(--accent);font-size:.875rem}
.browsed summary{display:grid;grid-template-columns:auto minmax(8rem,14rem) 1fr;gap:0 .75rem;align-items:baseline;padding:.45rem .25rem;cursor:pointer;font-size:.875rem;list-style:none}
.browsed summary::-webkit-details-marker{display:none}
.browsed summary:hover{background:var(--panel)}
.browsed summary .swatch{margin:0}
.browsed .which{overflow-wrap:anywhere}
.browsed .what{color:var(--muted);overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.browsed .what b{color:var(--ink);font-weight:600}
.browsed[open] .what{white-space:normal;overflow-wrap:anywhere}
.pager{display:flex;gap:1rem;align-items:center;font-size:.875rem;color:var(--muted)}
footer{margin-top:4rem;padding-bottom:3rem;color:var(--muted);font-size:.8125rem}
@media (max-width:40rem){body{font-size:15px}main,header,footer{padding-inline:1rem}header{padding-top:2rem}h1{font-size:1.9rem}.lead{font-size:1.1rem}section{margin-top:2.75rem}.facts-list{grid-template-columns:1fr;gap:0}.facts-list dd{margin-bottom:.5rem}.note{padding-left:1rem;max-width:calc(100vw - 2rem)}th,td{padding-right:.6rem}tbody small{min-width:8.5rem}.filters{grid-template-columns:1fr 1fr}.filters button{align-self:end}.browsed summary{grid-template-columns:auto 1fr}.browsed .what{grid-column:2}}
@media print{:root{color-scheme:light;${declarations('light')}}body{font-size:10.5pt}header,main,footer{max-width:none;padding:0}header{padding-top:0}nav,.browser,noscript,button.sort::after{display:none}.scroll,.scroll.tall{overflow:visible;max-height:none}figure svg{min-width:0}.program{white-space:pre-wrap;overflow-wrap:anywhere}.program code{width:auto}.note{max-width:none}figure,.sample,tr,.figures>div{break-inside:avoid}h2,h3{break-after:avoid}thead{display:table-header-group}.tall thead th{position:static}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`;
