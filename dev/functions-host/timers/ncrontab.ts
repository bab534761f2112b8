/** NCRONTAB, the schedules of timer triggers: `{second} {minute} {hour} {day} {month} {day of week}`, in UTC. */

/** The second may be left out, and is 0 then. */
export interface Schedule {
  /** The first time after `after` that fits; both in milliseconds since 1970. */
  next(after: number): number;
}

interface Field {
  name: string;
  low: number;
  high: number;
  names?: string[];
}

const fields: Field[] = [
  { name: 'second', low: 0, high: 59 },
  { name: 'minute', low: 0, high: 59 },
  { name: 'hour', low: 0, high: 23 },
  { name: 'day', low: 1, high: 31 },
  { name: 'month', low: 1, high: 12, names: 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ') },
  { name: 'day of week', low: 0, high: 6, names: 'sun mon tue wed thu fri sat'.split(' ') },
];

/** The calendar begins anew after 28 years, but for a turn of the century; then a 29 February may be 40 years away. */
const HORIZON_DAYS = 366 * 40;
const DAY = 86_400_000;

/**
 * Day and day of week must both fit, unlike in cron.
 * @throws Error naming the field that is wrong
 */
export function parseNcrontab(expression: string): Schedule {
  const texts = expression.trim().split(/\s+/);
  if (texts.length === 5) texts.unshift('0');
  if (texts.length !== 6) throw new Error(`"${expression}" has ${texts.length} fields; NCRONTAB has 5 or 6.`);
  const [seconds, minutes, hours, days, months, weekdays] = fields.map((field, index) =>
    valuesOf(texts[index] ?? '', field),
  ) as [number[], number[], number[], number[], number[], number[]];

  const times = hours.flatMap(hour =>
    minutes.flatMap(minute => seconds.map(second => (hour * 3600 + minute * 60 + second) * 1000)),
  );
  const fits = (midnight: number) => {
    const date = new Date(midnight);
    return (
      months.includes(date.getUTCMonth() + 1) && days.includes(date.getUTCDate()) && weekdays.includes(date.getUTCDay())
    );
  };
  const next = (after: number) => {
    const today = Math.floor(after / DAY) * DAY;
    for (let day = 0; day < HORIZON_DAYS; day++) {
      const midnight = today + day * DAY;
      if (!fits(midnight)) continue;
      const time = times.find(each => midnight + each > after);
      if (time !== undefined) return midnight + time;
    }
    throw new Error(`"${expression}" names a day that does not exist.`);
  };
  next(0);
  return { next };
}

/** The values of one field, in order: `*`, a value, a range, with a step, or several of these. */
function valuesOf(text: string, field: Field): number[] {
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const [, from = '', to, step] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part) ?? [];
    if (from === '' || (from === '*' && to !== undefined)) throw wrong(text, field);
    const low = from === '*' ? field.low : numberOf(from, field);
    const open = from === '*' || step !== undefined;
    const high = to !== undefined ? numberOf(to, field) : open ? field.high : low;
    const by = Number(step ?? 1);
    if (!(low >= field.low && high <= field.high && low <= high && by > 0)) throw wrong(text, field);
    for (let value = low; value <= high; value += by) found.add(value);
  }
  return [...found].sort((a, b) => a - b);
}

function numberOf(text: string, { low, names }: Field): number {
  const index = names?.findIndex(name => text.toLowerCase().startsWith(name)) ?? -1;
  if (index >= 0) return index + low;
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function wrong(text: string, { name, low, high }: Field): Error {
  return new Error(`"${text}" is not a ${name} of NCRONTAB, which goes from ${low} to ${high}.`);
}
