package hubspottest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// post sends a form of pairs and decodes the answer.
func (r *rig) post(path string, pairs ...string) (int, doc) {
	r.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	resp, err := r.Client().PostForm(r.URL+path, form)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	var out doc
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			r.t.Fatalf("%s: %v in %s", path, err, text)
		}
	}
	return resp.StatusCode, out
}

// token asks the token endpoint and checks that it answers.
func (r *rig) token(pairs ...string) doc {
	r.t.Helper()
	status, out := r.post("/oauth/2026-09/token", append(pairs, "client_id", r.ClientID, "client_secret", r.ClientSecret)...)
	if status != 200 {
		r.t.Fatalf("token: %d %v", status, out)
	}
	return out
}

// installed puts the app in and returns its first tokens.
func (r *rig) installed(scopes ...string) (access, refresh string) {
	r.t.Helper()
	out := r.token("grant_type", "authorization_code", "code", r.Install(scopes...), "redirect_uri", "https://sync.example.com/oauth")
	return out["access_token"].(string), out["refresh_token"].(string)
}

func (r *rig) status(token, method, path, body string) int {
	r.t.Helper()
	status, _, _ := r.callAs(token, method, path, body)
	return status
}

func TestPoint01Auth(t *testing.T) {
	for name, test := range map[string]func(*testing.T, *rig){
		"no or unknown token is INVALID_AUTHENTICATION": func(t *testing.T, r *rig) {
			for _, token := range []string{"", "wrong"} {
				status, _, out := r.callAs(token, "GET", contactsPath, "")
				if status != 401 || out["category"] != "INVALID_AUTHENTICATION" {
					t.Errorf("token %q: %d %v", token, status, out)
				}
			}
		},
		"a code is exchanged once, in every version": func(t *testing.T, r *rig) {
			for _, version := range []string{"v1", "v3", "2026-03", "2026-09"} {
				code := r.Install("oauth", "crm.objects.contacts.read")
				ask := func() (int, doc) {
					return r.post("/oauth/"+version+"/token", "grant_type", "authorization_code", "code", code,
						"redirect_uri", "https://sync.example.com/oauth", "client_id", r.ClientID, "client_secret", r.ClientSecret)
				}
				status, out := ask()
				want := doc{
					"token_type": "bearer", "expires_in": 1800.0, "hub_id": float64(r.PortalID), "user_id": 1.0,
					"scopes": []any{"oauth", "crm.objects.contacts.read"}, "token_use": "access_token",
				}
				tokens := cmpopts.IgnoreMapEntries(func(k string, _ any) bool { return k == "access_token" || k == "refresh_token" })
				if diff := cmp.Diff(want, out, tokens); status != 200 || diff != "" {
					t.Errorf("%s: %d %s", version, status, diff)
				}
				if got := r.status(out["access_token"].(string), "GET", contactsPath, ""); got != 200 {
					t.Errorf("%s: the token is answered %d", version, got)
				}
				if status, out := ask(); status != 400 || out["status"] != "BAD_AUTH_CODE" {
					t.Errorf("%s again: %d %v", version, status, out)
				}
			}
		},
		"an access token expires by the account's clock": func(t *testing.T, r *rig) {
			access, refresh := r.installed()
			r.Advance(30*time.Minute - time.Millisecond)
			if got := r.status(access, "GET", contactsPath, ""); got != 200 {
				t.Errorf("in the last moment: %d", got)
			}
			r.Advance(7*time.Second + time.Millisecond)
			status, _, out := r.callAs(access, "GET", contactsPath, "")
			if status != 401 || out["category"] != "EXPIRED_AUTHENTICATION" ||
				out["message"] != "The OAuth token used to make this call expired 7 second(s) ago." {
				t.Errorf("later: %d %v", status, out)
			}
			fresh := r.token("grant_type", "refresh_token", "refresh_token", refresh)
			if fresh["refresh_token"] != refresh || r.status(fresh["access_token"].(string), "GET", contactsPath, "") != 200 {
				t.Errorf("renewed: %v", fresh)
			}
			r.want(200, "GET", contactsPath, "") // static tokens stay
		},
		"tokens can be ended at will": func(t *testing.T, r *rig) {
			access, refresh := r.installed()
			ofApp := r.token("grant_type", "client_credentials", "scope", "developer.webhooks_journal.read")["access_token"].(string)
			r.ExpireTokens()
			for _, token := range []string{access, ofApp} {
				if _, _, out := r.callAs(token, "GET", journalPath+"/earliest", ""); out["category"] != "EXPIRED_AUTHENTICATION" {
					t.Errorf("expired: %v", out)
				}
			}
			access = r.token("grant_type", "refresh_token", "refresh_token", refresh)["access_token"].(string)
			r.RevokeToken(access)
			if _, _, out := r.callAs(access, "GET", contactsPath, ""); out["category"] != "INVALID_AUTHENTICATION" {
				t.Errorf("revoked: %v", out)
			}
			access = r.token("grant_type", "refresh_token", "refresh_token", refresh)["access_token"].(string)
			r.Uninstall()
			if got := r.status(access, "GET", contactsPath, ""); got != 401 {
				t.Errorf("uninstalled: %d", got)
			}
			if _, out := r.post("/oauth/v3/token", "grant_type", "refresh_token", "refresh_token", refresh, "client_id", r.ClientID, "client_secret", r.ClientSecret); out["status"] != "BAD_REFRESH_TOKEN" {
				t.Errorf("uninstalled: %v", out)
			}
		},
		"refusals": func(t *testing.T, r *rig) {
			id, secret := r.ClientID, r.ClientSecret
			for want, form := range map[string][]string{
				"BAD_REFRESH_TOKEN": {"grant_type", "refresh_token", "refresh_token", "gone", "client_id", id, "client_secret", secret},
				"BAD_CLIENT_ID":     {"grant_type", "refresh_token", "client_id", "other", "client_secret", secret},
				"BAD_CLIENT_SECRET": {"grant_type", "refresh_token", "client_id", id, "client_secret", "other"},
				"BAD_GRANT_TYPE":    {"grant_type", "password", "client_id", id, "client_secret", secret},
			} {
				status, out := r.post("/oauth/2026-03/token", form...)
				if status != 400 || out["status"] != want || out["error"] == nil || out["error_description"] != out["message"] {
					t.Errorf("%s: %d %v", want, status, out)
				}
			}
		},
		"fields in the query count in v1 only": func(t *testing.T, r *rig) {
			query := "?client_id=" + r.ClientID + "&client_secret=" + r.ClientSecret + "&grant_type=client_credentials&scope=a"
			for version, want := range map[string]int{"v1": 200, "v3": 400} {
				if got, _ := r.post("/oauth/" + version + "/token" + query); got != want {
					t.Errorf("%s: %d, want %d", version, got, want)
				}
			}
		},
		"revoking ends renewal, not the tokens it gave": func(t *testing.T, r *rig) {
			access, refresh := r.installed()
			if status, out := r.post("/oauth/2026-09/token/revoke", "token", refresh, "client_id", r.ClientID, "client_secret", r.ClientSecret); status != 204 {
				t.Errorf("revoke: %d %v", status, out)
			}
			if got := r.status(access, "GET", contactsPath, ""); got != 200 {
				t.Errorf("the access token: %d", got)
			}
			if _, out := r.post("/oauth/v1/token", "grant_type", "refresh_token", "refresh_token", refresh, "client_id", r.ClientID, "client_secret", r.ClientSecret); out["status"] != "BAD_REFRESH_TOKEN" {
				t.Errorf("the refresh token: %v", out)
			}
		},
		"introspection": func(t *testing.T, r *rig) {
			access, refresh := r.installed("oauth")
			r.Advance(10 * time.Minute)
			for token, want := range map[string]doc{
				access:  {"active": true, "token_use": "access_token", "expires_in": 1200.0},
				refresh: {"active": true, "token_use": "refresh_token", "expires_in": nil},
				"other": {"active": false, "token_use": nil, "expires_in": nil},
			} {
				_, out := r.post("/oauth/2026-09/token/introspect", "token", token, "client_id", r.ClientID, "client_secret", r.ClientSecret)
				for k, v := range want {
					if out[k] != v {
						t.Errorf("%s of %.20s: %v, want %v", k, token, out[k], v)
					}
				}
			}
			_, old := r.call("GET", "/oauth/v1/access-tokens/"+access, "")
			if old["hub_id"] != float64(r.PortalID) || old["app_id"] != float64(r.AppID) || old["client_id"] != r.ClientID {
				t.Errorf("v1: %v", old)
			}
			r.want(404, "GET", "/oauth/v1/refresh-tokens/"+access, "")
			r.want(204, "DELETE", "/oauth/v1/refresh-tokens/"+refresh, "")
			r.want(404, "GET", "/oauth/v1/refresh-tokens/"+refresh, "")
		},
		"requests are counted by grant": func(t *testing.T, r *rig) {
			_, refresh := r.installed()
			r.token("grant_type", "refresh_token", "refresh_token", refresh)
			r.token("grant_type", "refresh_token", "refresh_token", refresh)
			got := fmt.Sprint(r.TokenRequests("refresh_token"), r.TokenRequests("authorization_code"), r.TokenRequests("client_credentials"), r.TokenRequests(""))
			if got != "2 1 0 3" {
				t.Error(got)
			}
		},
		"a token reaches its own account": func(t *testing.T, r *rig) {
			second := r.AddAccount(nil)
			id := second.Create(map[string]string{"firstname": "Ana"})
			out := r.token("grant_type", "authorization_code", "code", second.Install())
			access := out["access_token"].(string)
			if r.status(access, "GET", contactsPath+"/"+id, "") != 200 || out["hub_id"] != float64(second.PortalID) {
				t.Errorf("%v", out)
			}
			second.Advance(time.Hour)
			if got := r.status(access, "GET", contactsPath, ""); got != 401 {
				t.Errorf("the clock of its own account does not count: %d", got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { test(t, newRig(t, &Options{Clock: stopped})) })
	}
}

// stopped is the base of a clock that only Advance and SetSkew move.
func stopped() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) }

func TestPoint01RotatingRefreshTokens(t *testing.T) {
	r := newRig(t, &Options{App: AppOptions{RotateRefreshTokens: true, TokenTTL: time.Minute}})
	_, first := r.installed()
	out := r.token("grant_type", "refresh_token", "refresh_token", first)
	second := out["refresh_token"].(string)
	if second == first || out["expires_in"] != 60.0 {
		t.Errorf("renewed: %v", out)
	}
	if _, out := r.post("/oauth/v3/token", "grant_type", "refresh_token", "refresh_token", first, "client_id", r.ClientID, "client_secret", r.ClientSecret); out["status"] != "BAD_REFRESH_TOKEN" {
		t.Errorf("the old one: %v", out)
	}
	r.token("grant_type", "refresh_token", "refresh_token", second)
}

func TestPoint01Scopes(t *testing.T) {
	r := newRig(t, nil)
	read, _ := r.installed("oauth", "crm.objects.contacts.read")
	write, _ := r.installed("oauth", "crm.objects.contacts.write")
	appOnly := r.token("grant_type", "client_credentials", "scope", "developer.webhooks_journal.read crm.objects.contacts.read")["access_token"].(string)
	for _, c := range []struct {
		token, method, path string
		want                string // the missing scopes
	}{
		{read, "GET", contactsPath, ""},
		{read, "POST", contactsPath + "/search", ""},
		{read, "POST", "/crm/v3/objects/0-1/batch/read", ""},
		{read, "GET", "/crm/objects/2026-03/notes", ""},
		{read, "GET", "/account-info/v3/details", ""},
		{read, "POST", contactsPath, "crm.objects.contacts.write"},
		{write, "POST", "/crm/v3/objects/notes/batch/create", ""},
		{write, "GET", contactsPath, "crm.objects.contacts.read"},
		{read, "GET", "/crm/objects/2026-09/deals", "crm.objects.deals.read"},
		{write, "PUT", "/crm/v4/objects/notes/1/associations/default/deals/2", "crm.objects.deals.write"},
		{read, "POST", "/crm/associations/2026-09/contacts/deals/batch/read", "crm.objects.deals.read"},
		{read, "GET", "/crm/properties/2026-09/deals", "crm.schemas.deals.read"},
		{read, "POST", "/crm/v3/properties/contacts", "crm.schemas.contacts.write"},
		{read, "GET", "/crm/pipelines/2026-09/deals", "crm.objects.deals.read"},
		{read, "GET", "/crm/v3/owners", "crm.objects.owners.read"},
		{read, "GET", "/webhooks-journal/journal/2026-09/earliest", "developer.webhooks_journal.read"},
		{appOnly, "GET", "/webhooks-journal/journal/2026-09/earliest", ""},
		{appOnly, "GET", "/webhooks-journal/subscriptions/2026-03", "developer.webhooks_journal.subscriptions.read"},
		{appOnly, "GET", contactsPath, "crm.objects.contacts.read"},
		{r.Token, "GET", "/crm/v3/owners", ""},
	} {
		status, _, out := r.callAs(c.token, c.method, c.path, "{}")
		if c.want == "" {
			if status == 401 || status == 403 {
				t.Errorf("%s %s: %d %v", c.method, c.path, status, out)
			}
			continue
		}
		if status != 403 || out["category"] != "MISSING_SCOPES" || missing(out) != c.want {
			t.Errorf("%s %s: %d %v, want %s", c.method, c.path, status, out, c.want)
		}
	}
	limited := newRig(t, &Options{Scopes: []string{"crm.objects.deals.read"}})
	limited.want(200, "GET", "/crm/v3/objects/deals", "")
	limited.want(403, "GET", contactsPath, "")
}

// missing are the scopes that a refusal names.
func missing(refusal doc) string {
	var scopes []string
	errors, _ := refusal["errors"].([]any)
	for _, e := range errors {
		for _, s := range e.(doc)["context"].(doc)["requiredGranularScopes"].([]any) {
			scopes = append(scopes, s.(string))
		}
	}
	return strings.Join(scopes, " ")
}

func TestMissingScopesLikeTheVendors(t *testing.T) {
	var golden []struct {
		Name   string
		Status int
		Body   doc
	}
	readJSON(t, "testdata/error_bodies.json", &golden)
	r := newRig(t, &Options{Clock: stopped}) // a body tells seconds
	token, refresh := r.installed("crm.objects.deals.write")
	got := map[string]doc{}
	_, _, got["missing_scopes"] = r.callAs(token, "GET", "/crm/v3/objects/deals", "")
	r.ExpireTokens()
	r.Advance(7 * time.Second)
	_, _, got["expired_token"] = r.callAs(token, "GET", "/crm/v3/objects/deals", "")
	r.RevokeToken(refresh)
	_, got["oauth_bad_refresh_token"] = r.post("/oauth/v3/token", "grant_type", "refresh_token", "refresh_token", refresh, "client_id", r.ClientID, "client_secret", r.ClientSecret)
	compared := 0
	for _, g := range golden {
		if body, provoked := got[g.Name]; provoked {
			compared++
			delete(g.Body, "correlationId")
			delete(body, "correlationId")
			if diff := cmp.Diff(g.Body, body); diff != "" {
				t.Errorf("%s: %s", g.Name, diff)
			}
		}
	}
	if compared != len(got) {
		t.Errorf("compared %d of %d", compared, len(got))
	}
}
