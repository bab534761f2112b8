/** The style of every page. Colours pass WCAG 2.2 AA in both schemes; what is inline is allowed by its hash. */
export const STYLE = `
:root{color-scheme:light dark;--page:#f5f6f8;--card:#fff;--ink:#171a21;--soft:#565d6b;--line:#dcdfe6;--edge:#858c9a;--accent:#3247c5;--accent-ink:#fff;--tint:#eef0fc;--warn:#fff6e0;--warn-line:#b27a00;--field:#f7f8fa}
@media (prefers-color-scheme:dark){:root{--page:#101216;--card:#181b21;--ink:#e9ebf0;--soft:#a3a9b6;--line:#2c313a;--edge:#737b8a;--accent:#a5b2ff;--accent-ink:#10142b;--tint:#20253f;--warn:#2c2410;--warn-line:#d9a33b;--field:#12151a}}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;background:var(--page);color:var(--ink);font:1rem/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
`;
