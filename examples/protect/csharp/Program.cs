// An MCP server whose callers sign in at another server: ISSUER issues the tokens, RESOURCE is this server's own URL.
using System.ComponentModel;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.Tokens;
using ModelContextProtocol.AspNetCore.Authentication;
using ModelContextProtocol.Server;

const string Scope = "reports:read";
var builder = WebApplication.CreateBuilder(args);
var issuer = builder.Configuration["ISSUER"] ?? "http://localhost:7071";
var resource = builder.Configuration["RESOURCE"] ?? "http://localhost:3001/mcp";
var url = new Uri(resource);
var metadata = $"{url.GetLeftPart(UriPartial.Authority)}/.well-known/oauth-protected-resource{url.AbsolutePath}";

builder.Services
    .AddAuthentication(options =>
    {
        options.DefaultAuthenticateScheme = JwtBearerDefaults.AuthenticationScheme;
        options.DefaultForbidScheme = JwtBearerDefaults.AuthenticationScheme;
        // Answers 401 with the address of the metadata, which it serves too.
        options.DefaultChallengeScheme = McpAuthenticationDefaults.AuthenticationScheme;
    })
    .AddJwtBearer(options =>
    {
        // Its metadata names the keys, which are fetched when they are needed, and again when one is not known.
        options.Authority = issuer;
        options.RequireHttpsMetadata = issuer.StartsWith("https://");
        options.MapInboundClaims = false;
        options.TokenValidationParameters = new TokenValidationParameters
        {
            ValidIssuer = issuer,
            ValidAudience = resource,
            ValidTypes = ["at+jwt"],
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            ClockSkew = TimeSpan.FromSeconds(30),
            RoleClaimType = "roles",
        };
        options.Events = new JwtBearerEvents
        {
            OnTokenValidated = context =>
            {
                // A token that is bound to a key must not pass without a proof of it (RFC 9449), which is not checked here.
                if (context.Principal?.HasClaim(claim => claim.Type == "cnf") == true) context.Fail("bound to a key");
                return Task.CompletedTask;
            },
            OnForbidden = context =>
            {
                context.Response.Headers.WWWAuthenticate =
                    $"Bearer error=\"insufficient_scope\", scope=\"{Scope}\", resource_metadata=\"{metadata}\"";
                return Task.CompletedTask;
            },
        };
    })
    .AddMcp(options => options.ResourceMetadata = new()
    {
        Resource = resource,
        ResourceName = "Reports",
        AuthorizationServers = { issuer },
        ScopesSupported = { Scope },
    });
builder.Services.AddAuthorizationBuilder().AddPolicy(Scope, policy => policy
    .RequireAuthenticatedUser()
    .RequireAssertion(context => context.User.FindFirstValue("scope")?.Split(' ').Contains(Scope) == true));
builder.Services.AddHttpContextAccessor();
builder.Services.AddMcpServer().WithHttpTransport().WithTools<ReportTools>();

var app = builder.Build();
app.UseAuthentication();
app.UseAuthorization();
app.MapMcp(url.AbsolutePath).RequireAuthorization(Scope);
app.Run($"http://localhost:{url.Port}");

[McpServerToolType]
sealed class ReportTools(IHttpContextAccessor accessor)
{
    [McpServerTool(Name = "list_reports"), Description("Lists the reports of the person who calls.")]
    public string ListReports() => $"Reports of {accessor.HttpContext?.User.FindFirstValue("sub")}: none yet.";
}
