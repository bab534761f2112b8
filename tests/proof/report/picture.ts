import type { Curve } from '../rig/scenario.ts';

const WIDTH = 720;
const HEIGHT = 150;
const MARGIN = { left: 60, right: 16, top: 28, bottom: 26 };

/** One small chart below the other, as an SVG that reads on a light and on a dark page. */
export function drawCurves(curves: readonly Curve[]): string {
  const charts = curves.map((curve, index) => `<g transform="translate(0 ${index * HEIGHT})">${chart(curve)}</g>`);
  const height = Math.max(1, curves.length) * HEIGHT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...charts,
    '</svg>\n',
  ].join('\n');
}

function chart({ name, unit, points }: Curve): string {
  const seconds = Math.max(1, ...points.map(([at]) => at));
  const top = niceTop(Math.max(0, ...points.map(([, value]) => value)));
  const x = (at: number) => MARGIN.left + (at / seconds) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value: number) => HEIGHT - MARGIN.bottom - (value / top) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const path = points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  const rule = (value: number) =>
    `<line x1="${x(0)}" x2="${x(seconds)}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/>` +
    `<text x="${MARGIN.left - 6}" y="${y(value) + 4}" text-anchor="end" fill="#555">${value}</text>`;
  return [
    `<text x="${MARGIN.left}" y="18" fill="#111">${escapeXml(`${name} (${unit})`)}</text>`,
    ...[0, top / 2, top].map(rule),
    `<polyline points="${path}" fill="none" stroke="#0067b8" stroke-width="1.5"/>`,
    `<text x="${x(seconds)}" y="${HEIGHT - 8}" text-anchor="end" fill="#555">${Math.round(seconds)} s</text>`,
  ].join('\n');
}

/** The next of 1, 2, 5, 10, 20 …: what the axis ends at. */
function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return power * ([1, 2, 5, 10].find(factor => factor * power >= value) ?? 10);
}

const escapeXml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
