/** The pages people see: typed components, rendered on the server, each a whole answer with its headers. */
export { type AccountProps, accountPage, accountSignInPage, type ConnectedApp, type EndedApp } from './account.tsx';
export { deletedPage, deletionPage } from './account-deletion.tsx';
export { LONGEST_QUERY, link as notesLink, type NotesProps } from './account-notes.tsx';
export { type ConnectLine, connectLines } from './connect.ts';
export { type ClientOrigin, type ConsentProps, consentPage } from './consent.tsx';
export { type ErrorProps, errorPage } from './error.tsx';
export { type InteractionProps, interactionDonePage, interactionPage } from './interaction.tsx';
export {
  type ActiveToken,
  type IssuedToken,
  type LandingProps,
  landingPage,
  type ScriptTokenProps,
} from './landing.tsx';
export {
  type ManagedConnection,
  type ManagedEvent,
  type ManageFrame,
  type ManageView,
  manageLink,
  managePage,
  manageSignInPage,
} from './manage.tsx';
export type { ScopeChoice } from './parts.tsx';
export { type SignedOutProps, signedOutPage } from './signed-out.tsx';
export { plainText, plainUri, quotedText } from './text.ts';
