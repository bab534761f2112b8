import { app } from '@azure/functions';
import { createEntraMcp, loadConfig, samples } from '../src/index.ts';

/**
 * What is deployed: this project's own tools, resources and prompts, behind its own sign-in. A setting that is missing
 * or wrong throws here, while the host loads the functions, and so stops the start with every problem listed.
 */
createEntraMcp({ ...loadConfig(process.env), ...samples }).register(app);
