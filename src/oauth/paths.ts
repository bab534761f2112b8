/** Where the authorization server's endpoints are, below the public origin. */
export const PATHS = {
  register: '/oauth/register',
  authorize: '/oauth/authorize',
  consent: '/oauth/consent',
  token: '/oauth/token',
  revoke: '/oauth/revoke',
  introspect: '/oauth/introspect',
  jwks: '/.well-known/jwks.json',
  login: '/auth/login',
  interaction: '/auth/interaction',
  callback: '/auth/callback',
  logout: '/auth/logout',
  account: '/account',
  manage: '/manage',
} as const;
