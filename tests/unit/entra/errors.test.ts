import { describe, expect, test } from 'vitest';
import { entraErrors } from '../../../dev/entra/errors.ts';
import { entraRefusal, isAboutThePerson } from '../../../src/entra/errors.ts';

/** A description as Entra writes it. */
const said = (number: number) =>
  `AADSTS${number}: Words of Entra's. Trace ID: 0 Correlation ID: 1 Timestamp: 2026-11-23 09:00:00Z`;

describe('each of Entra’s errors has plain words, and the OAuth code that fits', () => {
  test.each<[number, string, string, RegExp, RegExp]>([
    // The person, or what they did.
    [65004, 'access_denied', 'access_denied', /You cancelled/, /sign in again/],
    [50034, 'invalid_grant', 'access_denied', /does not know your account/, /an account of this organization/],
    [51004, 'invalid_grant', 'access_denied', /does not know your account/, /an account of this organization/],
    [50014, 'invalid_grant', 'access_denied', /does not know your account/, /an account of this organization/],
    [16003, 'invalid_grant', 'access_denied', /does not know your account/, /an account of this organization/],
    [500341, 'invalid_grant', 'access_denied', /was deleted/, /an account of this organization/],
    [50020, 'invalid_grant', 'access_denied', /belongs to another organization/, /an account of this organization/],
    [90072, 'invalid_grant', 'access_denied', /belongs to another organization/, /an account of this organization/],
    [500208, 'invalid_request', 'access_denied', /of this kind cannot/, /an account of this organization/],
    [50128, 'invalid_request', 'access_denied', /belongs to no organization/, /an account of this organization/],
    [50059, 'invalid_request', 'access_denied', /belongs to no organization/, /an account of this organization/],
    [50126, 'invalid_grant', 'access_denied', /name or password is wrong/, /Sign in again/],
    [50053, 'invalid_grant', 'access_denied', /locked/, /Wait/],
    [50055, 'invalid_grant', 'access_denied', /password has expired/, /Change it/],
    [50144, 'invalid_grant', 'access_denied', /password has expired/, /as your organization does/],
    [50135, 'invalid_grant', 'access_denied', /somebody else may know it/, /Change it/],
    [50125, 'interaction_required', 'interaction_required', /reset your password/, /Sign in again/],
    [50057, 'access_denied', 'access_denied', /disabled/, /administrator/],
    [16000, 'interaction_required', 'account_selection_required', /which of your accounts/, /choose/],
    // The organization's rules.
    [50105, 'access_denied', 'access_denied', /not assigned/, /administrator to assign you/],
    [65001, 'consent_required', 'consent_required', /lacks consent/, /administrator to grant/],
    [90094, 'access_denied', 'access_denied', /administrator’s consent/, /administrator to grant/],
    [90095, 'access_denied', 'access_denied', /administrator’s consent/, /request is granted/],
    [53000, 'access_denied', 'access_denied', /only from a device/, /administrator/],
    [53001, 'access_denied', 'access_denied', /only from a device/, /administrator/],
    [50097, 'interaction_required', 'access_denied', /only from a device/, /administrator/],
    [530003, 'interaction_required', 'access_denied', /only from a device/, /administrator/],
    [50129, 'interaction_required', 'access_denied', /only from a device/, /administrator/],
    [50005, 'interaction_required', 'access_denied', /device of this kind/, /administrator/],
    [135011, 'invalid_grant', 'access_denied', /device that you sign in from is disabled/, /administrator/],
    [53002, 'access_denied', 'access_denied', /the program that you use/, /administrator/],
    [53003, 'access_denied', 'access_denied', /conditional access/, /administrator/],
    [50131, 'interaction_required', 'access_denied', /conditional access/, /administrator/],
    [530032, 'access_denied', 'access_denied', /security policy/, /administrator/],
    [530035, 'access_denied', 'access_denied', /security policy/, /administrator/],
    [500212, 'access_denied', 'access_denied', /Your own organization/, /administrator/],
    [500213, 'access_denied', 'access_denied', /people of yours/, /administrator/],
    [500021, 'access_denied', 'access_denied', /Your network/, /administrator/],
    [500022, 'access_denied', 'access_denied', /Your network/, /administrator/],
    [650052, 'access_denied', 'access_denied', /has not enabled/, /administrator/],
    [53004, 'access_denied', 'access_denied', /unusual/, /administrator/],
    [53010, 'access_denied', 'access_denied', /only where your organization allows/, /administrator/],
    [53011, 'access_denied', 'access_denied', /blocked/, /administrator/],
    [50072, 'interaction_required', 'interaction_required', /second proof/, /Sign in again/],
    [50074, 'interaction_required', 'interaction_required', /second proof/, /Sign in again/],
    [50076, 'invalid_grant', 'interaction_required', /second proof/, /Sign in again/],
    [50078, 'invalid_grant', 'interaction_required', /second proof/, /Sign in again/],
    [50079, 'invalid_grant', 'interaction_required', /second proof/, /Sign in again/],
    [50158, 'interaction_required', 'interaction_required', /second proof/, /Sign in again/],
    [500121, 'access_denied', 'access_denied', /did not succeed/, /Sign in again/],
    // The session at Entra, or its code.
    [50058, 'login_required', 'login_required', /not signed in/, /Sign in again/],
    [50132, 'invalid_grant', 'login_required', /session with Microsoft has ended/, /Sign in again/],
    [50133, 'invalid_grant', 'login_required', /session with Microsoft has ended/, /Sign in again/],
    [50173, 'invalid_grant', 'login_required', /session with Microsoft has ended/, /Sign in again/],
    [70043, 'invalid_grant', 'login_required', /session with Microsoft has ended/, /Sign in again/],
    [70044, 'invalid_grant', 'login_required', /session with Microsoft has ended/, /Sign in again/],
    [70000, 'invalid_grant', 'login_required', /not valid any more/, /Sign in again/],
    [700082, 'invalid_grant', 'login_required', /session with Microsoft has ended/, /Sign in again/],
    [50089, 'invalid_grant', 'login_required', /session with Microsoft has ended/, /Sign in again/],
    [54005, 'invalid_grant', 'invalid_grant', /already used/, /Sign in again/],
    [70008, 'invalid_grant', 'invalid_grant', /expired/, /Sign in again/],
    // How this server is registered.
    [50011, 'invalid_request', 'server_error', /address is not registered/, /AUTH_REDIRECT_URI/],
    [700016, 'unauthorized_client', 'server_error', /does not know this server/, /AUTH_CLIENT_ID/],
    [700011, 'unauthorized_client', 'server_error', /does not know this server/, /AUTH_CLIENT_ID/],
    [50194, 'invalid_request', 'server_error', /not registered for your organization/, /AUTH_TENANT_ID/],
    [
      700222,
      'invalid_request',
      'server_error',
      /does not take this server’s identity/,
      /managed identity of the same tenant/,
    ],
    [7000112, 'unauthorized_client', 'server_error', /disabled/, /enterprise application/],
    [90002, 'invalid_request', 'server_error', /does not know/, /AUTH_TENANT_ID/],
    [900023, 'invalid_request', 'server_error', /does not know/, /AUTH_TENANT_ID/],
    [500011, 'invalid_resource', 'server_error', /does not exist/, /AUTH_SCOPES/],
    [650053, 'invalid_client', 'server_error', /does not exist/, /AUTH_SCOPES/],
    [650057, 'invalid_resource', 'server_error', /does not exist/, /AUTH_SCOPES/],
    [70011, 'invalid_scope', 'server_error', /does not exist/, /AUTH_SCOPES/],
    [65005, 'invalid_request', 'server_error', /lacks a permission/, /grant consent/],
    [650056, 'invalid_request', 'server_error', /lacks a permission/, /grant consent/],
    [28000, 'invalid_request', 'server_error', /several APIs at once/, /AUTH_SCOPES/],
    [9002325, 'invalid_request', 'server_error', /another kind of application/, /"Web"/],
    [9002326, 'invalid_request', 'server_error', /another kind of application/, /"Web"/],
    [9002327, 'invalid_request', 'server_error', /another kind of application/, /"Web"/],
    [700025, 'invalid_client', 'server_error', /another kind of application/, /"Web"/],
    [7000215, 'invalid_client', 'server_error', /not valid/, /secret is wrong/],
    [70002, 'invalid_client', 'server_error', /not valid/, /secret is wrong/],
    [50012, 'invalid_client', 'server_error', /certificate/, /AUTH_CLIENT_CERTIFICATE/],
    [7000218, 'invalid_client', 'server_error', /wants a client secret/, /AUTH_CLIENT_SECRET/],
    [7000222, 'invalid_client', 'server_error', /have expired/, /secret has expired/],
    // Entra itself.
    [90006, 'server_error', 'temporarily_unavailable', /busy/, /Wait/],
    [90024, 'temporarily_unavailable', 'temporarily_unavailable', /busy/, /Wait/],
    [90033, 'temporarily_unavailable', 'temporarily_unavailable', /busy/, /Wait/],
    [90055, 'temporarily_unavailable', 'temporarily_unavailable', /busy/, /Wait/],
    [90012, 'temporarily_unavailable', 'temporarily_unavailable', /busy/, /Wait/],
    [90090, 'temporarily_unavailable', 'temporarily_unavailable', /busy/, /Wait/],
    [50033, 'temporarily_unavailable', 'temporarily_unavailable', /busy/, /Wait/],
    [50087, 'temporarily_unavailable', 'temporarily_unavailable', /busy/, /Wait/],
    [50196, 'invalid_grant', 'temporarily_unavailable', /too often/, /Wait/],
    [80001, 'invalid_grant', 'temporarily_unavailable', /does not answer/, /Wait/],
    [80002, 'invalid_grant', 'temporarily_unavailable', /does not answer/, /Wait/],
  ])('AADSTS%i with %s is %s', (number, error, code, what, todo) => {
    const refusal = entraRefusal(error, said(number));
    expect(refusal).toEqual({
      error: code,
      what: expect.stringMatching(what),
      todo: expect.stringMatching(todo),
      code: `AADSTS${number}`,
      upstreamError: error,
    });
    // What is told to a client is never an open sentence, and none of Entra's own words.
    expect(`${refusal.what} ${refusal.todo}`).toMatch(/^[A-Z].*\. [A-Z].*\.$/);
    expect(JSON.stringify(refusal)).not.toContain('Words of');
  });

  test.each([
    ['access_denied', 'access_denied', /cancelled or refused/],
    ['login_required', 'login_required', /not signed in/],
    ['interaction_required', 'interaction_required', /wants to ask/],
    ['consent_required', 'consent_required', /lacks consent/],
    ['temporarily_unavailable', 'temporarily_unavailable', /busy/],
    ['server_error', 'server_error', /could not sign you in/],
    ['something_new', 'server_error', /could not sign you in/],
    ['__proto__', 'server_error', /could not sign you in/],
  ])('%s without a number, or with one that is not known, is %s', (error, code, what) => {
    expect(entraRefusal(error)).toEqual({
      error: code,
      what: expect.stringMatching(what),
      todo: expect.any(String),
      upstreamError: error,
    });
    expect(entraRefusal(error, said(99999))).toMatchObject({ error: code, code: 'AADSTS99999' });
  });

  test('of a description nothing is kept but the number', () => {
    const refusal = entraRefusal('access_denied', `Call 555-0100! AADSTS50057: <b>pay here</b>`);
    expect(refusal).toMatchObject({ code: 'AADSTS50057', what: 'Your account is disabled.' });
    expect(JSON.stringify(refusal)).not.toMatch(/555|pay/);
    expect(entraRefusal('x', 'AADSTS123456789: too long').code).toBeUndefined();
    expect(entraRefusal('x', 'AADSTSabcde').code).toBeUndefined();
  });
});

test('the stand-in’s errors that people meet are known by their numbers', () => {
  const met = [
    entraErrors.cancelled(),
    entraErrors.disabled('access_denied'),
    entraErrors.unassigned('a', 'b'),
    entraErrors.notSignedIn(),
    entraErrors.selectAccount(),
    entraErrors.consentNeeded('a'),
    entraErrors.redirectUri('a', 'b'),
    entraErrors.unknownClient('a', 'b'),
    entraErrors.wrongSecret('a'),
    entraErrors.noSecret(),
    entraErrors.transient(),
    entraErrors.spentCode(),
    entraErrors.expired(),
  ];
  for (const error of met) {
    const { what } = entraRefusal(error.error, error.describe(0).error_description);
    expect(what, String(error.number)).not.toContain('could not sign you in');
  }
});

describe('a refused renewal', () => {
  const isPersonal = (error: string, number?: number) =>
    isAboutThePerson(entraRefusal(error, number === undefined ? '' : said(number)));

  test.each([
    ['invalid_grant', 50057],
    ['invalid_grant', 50173],
    ['invalid_grant', 70043],
    ['invalid_grant', 99999],
    ['interaction_required', 53003],
    ['consent_required', 65001],
  ])('with %s (AADSTS%i) is about the person', (error, number) => {
    expect(isPersonal(error, number)).toBe(true);
  });

  test.each([
    ['invalid_client', 7000215],
    ['invalid_client', 7000222],
    ['invalid_client', 700211],
    ['unauthorized_client', 700016],
    ['temporarily_unavailable', 90033],
    ['server_error', 90006],
    // What passes comes as a refusal of the token too.
    ['invalid_grant', 90033],
    ['invalid_grant', 50196],
    ['invalid_grant', 80002],
  ])('with %s (AADSTS%i) is not', (error, number) => {
    expect(isPersonal(error, number)).toBe(false);
  });
});
