import type { EntraRefusal } from '../../entra/errors.ts';
import { type Failure, refusedByEntra } from '../failure.ts';
import { PATHS } from '../paths.ts';

/** The page of an interaction, once more. */
const again = (id: string) => `${PATHS.interaction}?id=${id}`;

/** The address is old, was used, or was begun in another browser. */
export function interactionOver(): Failure {
  return {
    status: 400,
    error: 'invalid_request',
    what: 'This address has expired, was already used, or was opened in another browser.',
    todo: 'Go back to your application and ask again: it gives you a new one.',
  };
}

/** There is no access left for which anything could be kept. */
export function interactionEnded(): Failure {
  return {
    status: 403,
    error: 'access_denied',
    what: 'The application’s access has ended. Nothing was changed.',
    todo: 'Go back to the application and sign in again.',
  };
}

/** Somebody else came back from Entra. */
export function anotherPerson(id: string): Failure {
  return {
    status: 403,
    error: 'access_denied',
    what: 'You are signed in with Microsoft as somebody else than the person whom the application acts for. Nothing was kept.',
    todo: 'Choose the account that you use with the application. If somebody else gave you this address, close this page.',
    action: { href: `${again(id)}&prompt=select_account`, label: 'Choose another account' },
  };
}

/** Entra, or a rule of this server, has said no. */
export function refusedInteraction(id: string, refusal: EntraRefusal): Failure {
  return { ...refusedByEntra(refusal), action: { href: again(id), label: 'Try again' } };
}
