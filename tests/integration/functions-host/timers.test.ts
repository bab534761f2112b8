import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseNcrontab } from '../../../dev/functions-host/timers/ncrontab.ts';
import { type Clock, startTimer, type TimerInfo } from '../../../dev/functions-host/timers/scheduler.ts';
import { ask, buildFixture, type Fixture, type Run, run } from './fixture.ts';

describe('NCRONTAB', () => {
  test.each([
    ['0 0 * * * *', '2026-01-01T00:30:00Z', '2026-01-01T01:00:00Z'],
    ['0 * * * *', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z'],
    ['*/15 * * * * *', '2026-01-01T00:00:59Z', '2026-01-01T00:01:00Z'],
    ['*/15 * * * * *', '2026-01-01T00:00:01.500Z', '2026-01-01T00:00:15Z'],
    ['5/20 0 0 * * *', '2026-01-01T00:00:05Z', '2026-01-01T00:00:25Z'],
    ['0 30 9-17 * * mon-fri', '2026-01-02T17:30:00Z', '2026-01-05T09:30:00Z'],
    ['0 0 0 29 feb *', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00Z'],
    ['0 0 0 29 2 Sunday', '2026-01-01T00:00:00Z', '2032-02-29T00:00:00Z'],
    ['0 0 0 13 * fri', '2026-01-01T00:00:00Z', '2026-02-13T00:00:00Z'],
    ['0 0 0 1,15 * *', '2026-12-15T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['0 0 0 1 January 0-6/2', '2026-01-02T00:00:00Z', '2028-01-01T00:00:00Z'],
  ])('%s after %s is %s', (expression, after, next) => {
    expect(new Date(parseNcrontab(expression).next(Date.parse(after)))).toEqual(new Date(next));
  });

  test.each([
    ['* * * *', '4 fields'],
    ['* * * * * * *', '7 fields'],
    ['60 * * * * *', '"60" is not a second'],
    ['0 0 24 * * *', '"24" is not a hour'],
    ['0 0 0 0 * *', '"0" is not a day'],
    ['0 0 0 * 13 *', '"13" is not a month'],
    ['0 0 0 * * 7', '"7" is not a day of week'],
    ['0 0 0 * * 5-2', 'day of week'],
    ['*/0 * * * * *', 'second'],
    ['0 0 0 ? * *', 'day'],
    ['0 0 0 30 2 *', 'a day that does not exist'],
    ['%PURGE% 0 0 * * *', 'second'],
  ])('%s is refused: %s', (expression, why) => {
    expect(() => parseNcrontab(expression)).toThrow(why);
  });
});

describe('a schedule', () => {
  const hour = 3_600_000;
  const start = Date.parse('2026-01-01T00:30:00Z');

  /** A clock that goes from one alarm to the next when told. */
  class Hands implements Clock {
    time = start;
    alarms: { at: number; ring: () => void }[] = [];
    now = () => this.time;
    after = (delay: number, ring: () => void) => {
      const alarm = { at: this.time + delay, ring };
      this.alarms.push(alarm);
      return () => void this.alarms.splice(this.alarms.indexOf(alarm), 1);
    };
    ring(): number {
      const alarm = this.alarms.shift();
      if (!alarm) throw new Error('No alarm is set.');
      this.time = alarm.at;
      alarm.ring();
      return alarm.at;
    }
  }

  function started(options: { schedule?: string; runOnStartup?: boolean } = {}) {
    const clock = new Hands();
    const runs: { info: TimerInfo; end: () => void }[] = [];
    const timer = startTimer({
      schedule: parseNcrontab(options.schedule ?? '0 0 * * * *'),
      runOnStartup: options.runOnStartup ?? false,
      clock,
      run: info => new Promise(end => runs.push({ info, end })),
    });
    return { clock, runs, timer };
  }
  const turn = () => new Promise(setImmediate);

  test('runs at its time, and not again before that run has ended, nor for what it missed meanwhile', async () => {
    const { clock, runs } = started();
    expect(runs).toEqual([]);
    expect(clock.ring()).toBe(start + hour / 2);
    expect(runs).toHaveLength(1);
    expect(clock.alarms).toEqual([]);
    clock.time += 2.25 * hour;
    runs[0]?.end();
    await turn();
    expect(clock.alarms.map(({ at }) => new Date(at).toISOString())).toEqual(['2026-01-01T04:00:00.000Z']);
    clock.ring();
    expect(runs[1]?.info).toEqual({
      Schedule: { AdjustForDST: true },
      ScheduleStatus: {
        Last: '2026-01-01T01:00:00.000Z',
        Next: '2026-01-01T05:00:00.000Z',
        LastUpdated: '2026-01-01T01:00:00.000Z',
      },
      IsPastDue: false,
    });
  });

  test('runs at the start when told to, and by its schedule after that', async () => {
    const { clock, runs } = started({ runOnStartup: true });
    expect(clock.ring()).toBe(start);
    runs[0]?.end();
    await turn();
    expect(clock.ring()).toBe(start + hour / 2);
  });

  test('waits longer than a timer can', () => {
    const { clock, runs } = started({ schedule: '0 0 0 1 3 *' });
    while (runs.length === 0) expect(clock.ring() - start).toBeLessThan(60 * 24 * hour);
    expect(new Date(clock.time).toISOString()).toBe('2026-03-01T00:00:00.000Z');
  });

  test('an alarm that rings early does not run it twice', () => {
    const { clock, runs } = started();
    const [alarm] = clock.alarms.splice(0);
    clock.time += hour / 2 - 1;
    alarm?.ring();
    expect(runs).toEqual([]);
    expect(clock.ring()).toBe(start + hour / 2);
    expect(runs).toHaveLength(1);
  });

  test('ends when stopped, also while it runs', async () => {
    const { clock, runs, timer } = started();
    clock.ring();
    timer.stop();
    runs[0]?.end();
    await turn();
    expect(clock.alarms).toEqual([]);
    const other = started();
    other.timer.stop();
    expect(other.clock.alarms).toEqual([]);
  });
});

describe('on the host', () => {
  let fixture: Fixture;
  let host: Run;
  beforeAll(async () => {
    fixture = await buildFixture('timers.ts');
    host = await run({ root: fixture.root, env: {} });
  });
  afterAll(async () => {
    await host?.stop();
    await fixture?.remove();
  });

  test('timers are listed last', () => {
    expect(host.functions.map(({ name }) => name)).toEqual(['page', 'purge', 'atStart']);
  });

  test('POST /admin/functions/NAME runs one, whatever its case, and is answered 202', async () => {
    const headers = { 'content-type': 'application/json' };
    expect(await ask(host, '/admin/functions/PURGE', { method: 'POST', headers, body: '{}' })).toMatchObject({
      status: 202,
      body: '',
    });
    const line = await host.line(/^purge ran: /);
    expect(JSON.parse(line.slice('purge ran: '.length))).toEqual({
      schedule: { adjustForDST: true },
      scheduleStatus: {
        last: expect.any(String),
        next: expect.stringMatching(/^\d{4}-01-01T00:00:00\.000Z$/),
        lastUpdated: expect.any(String),
      },
      isPastDue: false,
    });
    expect(await ask(host, '/admin/functions/page', { method: 'POST' })).toMatchObject({ status: 404 });
  });

  test('runOnStartup runs one at once; one that fails says so, and the host lives on', async () => {
    await host.line(/^atStart ran$/);
    await host.line(/"atStart" failed.*a timer that fails/);
    expect(await ask(host, '/page')).toMatchObject({ body: 'page' });
  });
});
