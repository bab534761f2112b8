import type { Rig } from '../rig/rig.ts';

/**
 * Lets the stand-in answer each person's first renewal, and gives that answer again for the next ones: so a load of
 * renewals is a load of this app, and not of the stand-in, which signs with RSA on the same machine. To the app nothing
 * is different: each renewal asks Entra, and checks what it says.
 * @returns ends it
 */
export function recordRenewals(rig: Rig): () => void {
  const answers = new Map<string, string>();
  const tokenOf = (body: Buffer) => {
    const form = new URLSearchParams(body.toString());
    return form.get('grant_type') === 'refresh_token' ? form.get('refresh_token') : null;
  };
  const stopAnswering = rig.toEntra.inject(({ body }) => {
    const answer = answers.get(tokenOf(body) ?? '');
    return answer === undefined
      ? undefined
      : { kind: 'answer', status: 200, headers: { 'content-type': 'application/json' }, body: answer };
  });
  const stopRecording = rig.toEntra.afterwards((passing, status, body) => {
    const asked = tokenOf(passing.body);
    if (asked === null || status !== 200) return;
    const answer = body.toString();
    answers.set(asked, answer);
    const { refresh_token: next } = JSON.parse(answer) as { refresh_token?: string };
    if (next !== undefined) answers.set(next, answer);
  });
  return () => {
    stopAnswering();
    stopRecording();
  };
}
