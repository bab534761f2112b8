"""An MCP server whose callers sign in at another server: ISSUER issues the tokens, RESOURCE is this server's own URL."""

import base64
import json
import os
from urllib.parse import urlsplit

from fastmcp import FastMCP
from fastmcp.server.auth import RemoteAuthProvider
from fastmcp.server.auth.providers.jwt import JWTVerifier
from fastmcp.server.dependencies import get_access_token
from pydantic import AnyHttpUrl

ISSUER = os.environ.get("ISSUER", "http://localhost:7071")
RESOURCE = os.environ.get("RESOURCE", "http://localhost:3001/mcp")
SCOPE = "reports:read"


class Verifier(JWTVerifier):
    """Takes access tokens alone (RFC 9068), and none that is bound to a key: its proof (RFC 9449) is not checked here."""

    async def verify_token(self, token):
        access = await super().verify_token(token)
        if access is None or "cnf" in access.claims:
            return None
        header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
        return access if header.get("typ") == "at+jwt" else None


url = urlsplit(RESOURCE)
auth = RemoteAuthProvider(
    token_verifier=Verifier(
        jwks_uri=f"{ISSUER}/.well-known/jwks.json",
        issuer=ISSUER,
        audience=RESOURCE,
        algorithm="ES256",
    ),
    authorization_servers=[AnyHttpUrl(ISSUER)],
    base_url=f"{url.scheme}://{url.netloc}",
    scopes_supported=[SCOPE],
)
# Not the verifier's: to it a token without the scope would be a wrong one, and be answered 401 instead of 403.
auth.required_scopes = [SCOPE]
mcp = FastMCP("Reports", auth=auth)


@mcp.tool
def list_reports() -> str:
    """Lists the reports of the person who calls."""
    token = get_access_token()
    return f"Reports of {token.claims['sub']}: none yet." if token else "Nobody is signed in."


if __name__ == "__main__":
    mcp.run(transport="http", host="localhost", port=url.port or 8000, path=url.path, stateless_http=True)
