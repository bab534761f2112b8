/**
 * The style of every page, inline and allowed by its hash: no other request, no
 * font, no picture. Text reaches 4.5:1 and controls 3:1 in both schemes (WCAG 2.2 AA).
 */
export const STYLE = `
:root{color-scheme:light dark;--page:#f4f5f8;--card:#fff;--ink:#161a22;--soft:#555c6b;--line:#e1e4ea;--edge:#828997;--field:#f7f8fa;--accent:#3346c4;--hover:#26369f;--on-accent:#fff;--tint:#eef0fc;--warn:#fff5dc;--warn-edge:#b07900;--shadow:0 1px 2px #1a20331a,0 8px 24px #1a20330d;--mono:ui-monospace,Menlo,Consolas,monospace}
@media (prefers-color-scheme:dark){:root{--page:#0f1115;--card:#181b22;--ink:#e8eaf0;--soft:#a4abb9;--line:#2a2f39;--edge:#737b8b;--field:#11141a;--accent:#a6b3ff;--hover:#c1caff;--on-accent:#11162e;--tint:#1f2440;--warn:#2b2310;--warn-edge:#d6a13a;--shadow:none}}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;background:var(--page);color:var(--ink);font:1rem/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
body>*{max-width:44rem;margin-inline:auto;padding-inline:1.25rem}
p,dl,dd,ul,h1,h2,h3,fieldset{margin:0;padding:0}
h1{font-size:1.75rem;line-height:1.2;letter-spacing:-.02em;text-wrap:balance}
h2{font-size:1.125rem;line-height:1.3;letter-spacing:-.01em}
h3{font-size:1rem}
a{color:var(--accent);text-underline-offset:.2em}
a:hover{color:var(--hover)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.mark{width:2rem;height:2rem;flex:none;fill:var(--accent)}
.mark path{fill:var(--on-accent)}
.soft{color:var(--soft);font-size:.9375rem}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
header,header form,.row,.actions{display:flex;flex-wrap:wrap;align-items:center;gap:.75rem}
header{justify-content:space-between;padding-block:1.25rem;row-gap:1rem}
header form{flex:1 0 auto;max-width:100%;justify-content:end}
.brand{color:inherit;text-decoration:none;display:flex;align-items:center;gap:.625rem;font-weight:650}
.who{min-width:0;font-size:.9375rem;line-height:1.3}
main{display:grid;gap:1.25rem;padding-block:1.5rem}
main>*,section>*,.row>*{min-width:0}
section,main.card{display:grid;gap:1rem;padding:1.5rem;background:var(--card);border:1px solid var(--line);border-radius:.875rem;box-shadow:var(--shadow)}
main.card{max-width:34rem;margin-block:clamp(1rem,8vh,5rem);gap:1.25rem;padding:clamp(1.25rem,5vw,2.25rem)}
.intro{display:grid;gap:.5rem}
footer{padding-block:.5rem 2rem;color:var(--soft);font-size:.875rem}
form{display:grid;gap:1rem}
button,.button{display:inline-block;min-height:2.75rem;padding:.55rem 1.125rem;border:1px solid var(--edge);border-radius:.5rem;background:var(--card);color:var(--ink);font:inherit;font-weight:600;line-height:1.5;text-decoration:none;text-align:center;cursor:pointer}
button:hover,.button:hover{border-color:var(--ink);color:var(--ink)}
.main,.main:hover{background:var(--accent);border-color:var(--accent);color:var(--on-accent);justify-self:start}
.main:hover{background:var(--hover);border-color:var(--hover)}
.small{white-space:nowrap;min-height:2.25rem;padding:.3rem .8rem;font-size:.9375rem}
.actions>*{flex:1 1 8rem}
label{display:block;font-weight:600}
label+.row,h3+ul{margin-top:.4rem}
input[type=text],textarea{width:100%;min-height:2.75rem;padding:.55rem .75rem;border:1px solid var(--edge);border-radius:.5rem;background:var(--field);color:var(--ink);font:.9375rem/1.5 var(--mono)}
textarea{display:block;resize:vertical;word-break:break-all}
.row>input{flex:1 1 13rem;width:auto}
.grow{flex:1 1 12rem}
code{font:.875em/1.5 var(--mono)}
fieldset{border:0;min-width:0}
legend{padding:0 0 .5rem;font-weight:600}
.choice{display:flex;gap:.75rem;padding:.7rem .875rem;border:1px solid var(--line);font-weight:400;cursor:pointer}
.choice+.choice{border-top:0}
legend+.choice{border-radius:.5rem .5rem 0 0}
.choice:last-child{border-radius:0 0 .5rem .5rem}
legend+.choice:last-child{border-radius:.5rem}
.choice:hover{background:var(--tint)}
.choice input{flex:none;width:1.15rem;height:1.15rem;margin:.2rem 0 0;accent-color:var(--accent)}
.choice code{display:block;color:var(--soft)}
summary{width:fit-content;font-weight:600;color:var(--accent);cursor:pointer}
details[open]>summary{margin-bottom:1rem}
.lines,.facts{display:grid;gap:1rem}
.lines dt{display:flex;align-items:center;justify-content:space-between;gap:.5rem;min-height:2.25rem;font-weight:600}
.lines dt .soft{font-weight:400}
.lines dt>:last-child{flex:none}
.lines dd{margin-top:.35rem;padding:.6rem .75rem;border-radius:.5rem;background:var(--field);border:1px solid var(--line);white-space:pre-wrap}
.facts{gap:.625rem;padding-top:1rem;border-top:1px solid var(--line);font-size:.875rem}
.facts dt{color:var(--soft)}
.facts dd{font-family:var(--mono)}
.note{padding:.875rem 1rem;border-radius:.5rem;background:var(--tint)}
.warn{background:var(--warn);border-inline-start:4px solid var(--warn-edge)}
.host{font-size:1.375rem;font-weight:700;line-height:1.25;letter-spacing:-.01em}
.fresh{display:grid;gap:.75rem;padding:1rem;border-radius:.5rem;background:var(--tint)}
.list{list-style:none;border-top:1px solid var(--line)}
.list>li{display:grid;gap:.625rem;padding-block:.875rem;border-bottom:1px solid var(--line)}
.list>li:last-child{border:0;padding-bottom:0}
.pairs{display:grid;gap:.25rem;font-size:.9375rem}
.pairs div{display:grid;grid-template-columns:4.5rem 1fr;gap:.5rem}
.pairs dt{color:var(--soft)}
.text{display:block;min-width:0;white-space:pre-wrap}
@media (max-width:26rem){header form{justify-content:space-between}body>*{padding-inline:1rem}section{padding:1.125rem}main.card{margin:.75rem}h1{font-size:1.5rem}}
`;
