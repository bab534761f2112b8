import { prove } from '../mutation/prove.ts';
import type { Scenario } from '../rig/scenario.ts';

/** How many checks a short run takes out. */
const FEW = 8;
/** Two cores are kept busy by two. */
const JOBS = 2;

const scenario: Scenario = {
  number: 25,
  title: 'Each named check is taken out of the program: a test notices',
  group: 'Bad input',
  seconds: { whole: 660, short: 60 },
  async run({ short, random, progress, signal }) {
    const { rows } = await prove({ ...(short ? { subset: FEW, random } : {}), jobs: JOBS, signal, say: progress });
    return { rows };
  },
};

export default scenario;
