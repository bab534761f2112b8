import type { Row } from '../../bench/table.ts';
import type { Random } from './random.ts';
import type { Rig, RigOptions } from './rig.ts';

/** One thing that is proven. Each is a file of `scenarios/`, named by its number, and its default export. */
export interface Scenario {
  readonly number: number;
  /** What is done, in a line. */
  readonly title: string;
  readonly group: 'Races' | 'Faults' | 'Load' | 'Bad input';
  /** How long it takes, about; `short` is that of its part in CI, absent where it has none. In seconds. */
  readonly seconds: { readonly whole: number; readonly short?: number };
  /** @throws when it could not be carried out; a promise that is not kept is a row that says so */
  run(context: Context): Promise<Outcome>;
}

export interface Context {
  /** The same with smaller numbers, for CI. What depends on the machine's speed is then shown and not demanded. */
  readonly short: boolean;
  /** All chance comes from here, so that a run can be repeated by its seed. */
  readonly random: Random;
  readonly seed: number;
  /** The folder of the built app. */
  readonly bundle: string;
  /** Starts a rig that ends with the scenario. Its logs are looked at for secrets, which makes a row of the report. */
  rig(options?: RigOptions): Promise<Rig>;
  /** Says how far it is: `Round 3 of 50`. */
  progress(text: string): void;
  /** Ends when the run is to end, by Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface Outcome {
  /** One for each promise: with a target, and whether it was reached. */
  readonly rows: readonly Row[];
  /** For the picture of the load curves. */
  readonly curves?: readonly Curve[];
}

/** What was measured over time. */
export interface Curve {
  readonly name: string;
  /** Of the values: `ms`, `MB`, `requests/s`. */
  readonly unit: string;
  /** Seconds since the start, and the value. */
  readonly points: readonly (readonly [seconds: number, value: number])[];
}

/** A row of the report that is a promise kept or not. */
export function promise(what: string, measured: string | number, target: string, reached: boolean): Row {
  return { what, measured: String(measured), target, reached };
}

/** A figure that nothing is promised of, or not on this machine. */
export function figure(what: string, measured: string | number): Row {
  return { what, measured: String(measured) };
}
