import type { PersonName } from '../../../dev/entra/index.ts';
import { connect } from '../../support/flows.ts';
import { createLoadClient } from '../rig/load.ts';
import type { Rig } from '../rig/rig.ts';
import { isTokenRequest } from './entra-faults.ts';

/**
 * Lets the stand-in know refresh tokens that another one gave, which is gone: each is taken for one of the same person's
 * that it has just given. So it answers as Entra would, which never forgot them.
 * @param owners whose each of the former tokens is
 * @returns ends it
 */
export async function liveUpstream(
  rig: Rig,
  owners: Readonly<Record<string, PersonName>>,
): Promise<{ end: () => void }> {
  const live = new Map<PersonName, string>();
  for (const person of new Set(Object.values(owners))) {
    const stop = rig.toEntra.afterwards((passing, _status, body) => {
      if (!isTokenRequest(passing)) return;
      const { refresh_token: refreshToken } = JSON.parse(body.toString()) as { refresh_token?: string };
      if (refreshToken) live.set(person, refreshToken);
    });
    await connect(rig, person);
    stop();
  }
  const http = createLoadClient(16);
  const stop = rig.toEntra.inject(async passing => {
    const form = new URLSearchParams(passing.body.toString());
    const owner = owners[form.get('refresh_token') ?? ''];
    const token = owner && live.get(owner);
    if (!token || !isTokenRequest(passing)) return undefined;
    form.set('refresh_token', token);
    const { status, body } = await http.send({ url: `http://localhost:${rig.entra.port}${passing.path}`, body: form });
    return { kind: 'answer', status, headers: { 'content-type': 'application/json' }, body };
  });
  return {
    end: () => {
      stop();
      http.close();
    },
  };
}
