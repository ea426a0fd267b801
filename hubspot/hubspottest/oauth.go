package hubspottest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// oauthRoutes are called without a token. The versions share their shapes; v1 also describes tokens by GET.
// https://developers.hubspot.com/docs/api-reference/legacy/authentication/manage-oauth-tokens
func (a *Account) oauthRoutes(version string) []route {
	all := a.tokenRoutes(version)
	if version == "v3" {
		all = append(all, a.tokenRoutes("v1")...)
		all = append(all,
			route{pattern: "GET /oauth/v1/access-tokens/{token}", handle: a.describeToken(useAccess)},
			route{pattern: "GET /oauth/v1/refresh-tokens/{token}", handle: a.describeToken(useRefresh)},
			route{pattern: "DELETE /oauth/v1/refresh-tokens/{token}", handle: a.forgetToken},
			route{pattern: "POST /oauth/v2/private-apps/get/access-token-info", handle: a.describeStatic},
		)
	}
	for i := range all {
		all[i].open, all[i].lane = true, unmetered
	}
	return all
}

func (a *Account) tokenRoutes(version string) []route {
	base := "POST /oauth/" + version + "/token"
	return []route{
		{pattern: base, handle: asForm(a.issueToken)},
		{pattern: base + "/introspect", handle: asForm(a.introspect)},
		{pattern: base + "/revoke", handle: asForm(a.revokeToken)},
	}
}

// form gives the fields of a form post: v1 takes them in the query too, the later versions in the body only.
type form func(name string) string

func asForm(h func(form) response) handler {
	return func(q *request) response {
		fields, err := url.ParseQuery(string(q.body))
		if err != nil {
			return badOAuth("invalid_request", "BAD_REQUEST", "the form cannot be read")
		}
		return h(func(name string) string {
			if strings.HasPrefix(q.URL.Path, "/oauth/v1/") && !fields.Has(name) {
				return q.URL.Query().Get(name)
			}
			return fields.Get(name)
		})
	}
}

func (a *Account) issueToken(f form) response {
	grantType := f("grant_type")
	a.server.tokens.count(grantType)
	if bad := a.badClient(f); bad != nil {
		return *bad
	}
	switch grantType {
	case "authorization_code":
		if out, known := a.server.tokens.redeem(f("code")); known {
			return ok(out)
		}
		return badOAuth("invalid_grant", "BAD_AUTH_CODE", "missing or unknown auth code")
	case useRefresh:
		if out, known := a.server.tokens.renew(f(useRefresh)); known {
			return ok(out)
		}
		return badOAuth("invalid_grant", "BAD_REFRESH_TOKEN", "refresh token is invalid, expired or revoked")
	case "client_credentials":
		return ok(a.server.tokens.forApp(a.server.clock, strings.Fields(f("scope"))))
	}
	return badOAuth("unsupported_grant_type", "BAD_GRANT_TYPE", "missing or unknown grant type")
}

// badClient is the refusal of a caller that does not know the app's id and secret.
func (a *Account) badClient(f form) *response {
	var r response
	switch {
	case f("client_id") != a.server.ClientID:
		r = badOAuth("invalid_client", "BAD_CLIENT_ID", "missing or unknown client id")
	case f("client_secret") != a.server.ClientSecret:
		r = badOAuth("invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret")
	default:
		return nil
	}
	return &r
}

// tokenInfo is what introspection tells.
type tokenInfo struct {
	Active    bool     `json:"active"`
	Token     string   `json:"token,omitempty"`
	TokenType string   `json:"token_type,omitempty"`
	TokenUse  string   `json:"token_use,omitempty"`
	HubID     int64    `json:"hub_id,omitempty"`
	HubDomain string   `json:"hub_domain,omitempty"`
	UserID    int      `json:"user_id,omitempty"`
	User      string   `json:"user,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	AppID     int64    `json:"app_id,omitempty"`
	Scopes    []string `json:"scopes,omitempty"`
	ExpiresIn int      `json:"expires_in,omitempty"`
	Private   bool     `json:"is_private_distribution"`
}

// introspect takes the token in the field "token" (as the specification says) or in one named after its kind (as the guide does).
func (a *Account) introspect(f form) response {
	if bad := a.badClient(f); bad != nil {
		return *bad
	}
	for _, name := range []string{"token", useAccess, useRefresh} {
		if token := f(name); token != "" {
			return ok(a.tokenInfo(token))
		}
	}
	return ok(tokenInfo{})
}

func (a *Account) tokenInfo(token string) tokenInfo {
	info := tokenInfo{
		Active: true, Token: token, TokenType: "bearer", TokenUse: useRefresh, ClientID: a.server.ClientID,
		HubDomain: "hubspottest.example.com", User: "person@example.com", UserID: oauthUser, Private: true,
	}
	if g, bad := a.server.tokens.check(token); bad == nil {
		info.TokenUse, info.HubID, info.AppID, info.Scopes = g.use, g.portal, g.app, g.scopes
		if !g.expires.IsZero() {
			info.ExpiresIn = int(g.expires.Sub(g.clock.Now()).Seconds())
		}
		return info
	}
	if i, known := a.server.tokens.installed(token); known {
		info.HubID, info.AppID, info.Scopes = i.portal, a.server.AppID, i.scopes
		return info
	}
	return tokenInfo{}
}

// revokeToken forgets a refresh token. One that is unknown is as good as revoked.
func (a *Account) revokeToken(f form) response {
	if bad := a.badClient(f); bad != nil {
		return *bad
	}
	for _, name := range []string{"token", useRefresh} {
		a.server.tokens.revoke(f(name))
	}
	return noContent()
}

// describeToken is the older form of introspection, without the app's secret.
func (a *Account) describeToken(use string) handler {
	return func(q *request) response {
		info := a.tokenInfo(q.PathValue("token"))
		if !info.Active || info.TokenUse != use {
			return failure(http.StatusNotFound, "", "The token is invalid or expired.")
		}
		return ok(info)
	}
}

// describeStatic tells whose a static token is and what it may do.
// https://developers.hubspot.com/docs/apps/legacy-apps/private-apps/overview
func (a *Account) describeStatic(q *request) response {
	var asked struct {
		TokenKey string `json:"tokenKey"`
	}
	if json.Unmarshal(q.body, &asked) != nil {
		return failure(http.StatusBadRequest, "", "The body cannot be read.")
	}
	g, bad := a.server.tokens.check(asked.TokenKey)
	if bad != nil {
		return failure(http.StatusNotFound, "", "The token is invalid.")
	}
	return ok(map[string]any{"userId": oauthUser, "hubId": g.portal, "appId": g.app, "scopes": g.scopes})
}

func (a *Account) forgetToken(q *request) response {
	a.server.tokens.revoke(q.PathValue("token"))
	return noContent()
}

// oauthError is the body of a refused token request: the standard's two fields and the vendor's two.
type oauthError struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Status      string `json:"status"`
	Message     string `json:"message"`
}

func badOAuth(code, status, message string) response {
	return response{http.StatusBadRequest, oauthError{code, message, status, message}}
}

// Install puts the app of the OAuth endpoints into an account and returns the code that the token endpoint exchanges.
// Without scopes the app gets all that the simulator knows.
func (a *Account) Install(scopes ...string) (code string) {
	return a.server.tokens.install(a.PortalID, a.clock, scopes)
}

// Uninstall takes the app out of the account: its refresh tokens are BAD_REFRESH_TOKEN from now on, its access tokens unknown.
func (a *Account) Uninstall() { a.server.tokens.uninstall(a.PortalID) }

// ExpireTokens ends the account's access tokens of the OAuth endpoints now, and those of the app itself.
func (a *Account) ExpireTokens() { a.server.tokens.expire(a.PortalID) }

// TokenRequests counts the requests to the token endpoint by grant type ("refresh_token"), refused ones included; ""
// counts all.
func (s *Server) TokenRequests(grantType string) int { return s.tokens.requested(grantType) }
