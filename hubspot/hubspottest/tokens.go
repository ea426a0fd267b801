package hubspottest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"
)

// The kinds of access token, as the introspection endpoint names them.
const (
	useStatic = "static" // a service key or a private app's token; the vendor has no word for it
	useAccess = "access_token"
	useClient = "client_credentials"

	useRefresh = "refresh_token" // not an access token, but described like one
)

// grant is what an access token allows. The zero grant allows nothing.
type grant struct {
	use     string
	portal  int64 // 0 for client credentials, which belong to the app and to no account
	app     int64
	scopes  []string  // nil means all
	expires time.Time // zero means never
	clock   *Clock    // the account's, or the server's for the app itself
}

// actor is who writes with the token.
func (g grant) actor() Actor { return app(g.app) }

// install is the app's presence in one account.
type install struct {
	portal  int64
	clock   *Clock
	scopes  []string
	refresh string // the refresh token that works now
}

// tokens are the credentials of all accounts of a server.
type tokens struct {
	app    int64
	ttl    time.Duration
	rotate bool

	mu       sync.Mutex
	rand     *rand.Rand
	access   map[string]*grant
	codes    map[string]*install
	refresh  map[string]*install
	requests map[string]int // by grant type
}

func newTokens(o Options) *tokens {
	return &tokens{
		ttl: o.App.TokenTTL, rotate: o.App.RotateRefreshTokens,
		app: o.AppID, rand: rand.New(rand.NewPCG(o.Seed, 5)),
		access: map[string]*grant{}, codes: map[string]*install{}, refresh: map[string]*install{}, requests: map[string]int{},
	}
}

// static lets a token in that does not expire.
func (t *tokens) static(token string, portal, app int64, scopes []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.access[token] = &grant{use: useStatic, portal: portal, app: app, scopes: scopes}
}

// find returns what a token allows, expired or not.
func (t *tokens) find(token string) (grant, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if g, known := t.access[token]; known {
		return *g, true
	}
	return grant{}, false
}

// check returns what a token allows, or why it is refused.
func (t *tokens) check(token string) (grant, *apiError) {
	g, known := t.find(token)
	if !known {
		return grant{}, unauthenticated()
	}
	if g.expires.IsZero() {
		return g, nil
	}
	if late := g.clock.Now().Sub(g.expires); late >= 0 {
		return grant{}, expired(late)
	}
	return g, nil
}

// install makes a code for an account; its scopes are those of every token that follows from it.
func (t *tokens) install(portal int64, clock *Clock, scopes []string) (code string) {
	if len(scopes) == 0 {
		scopes = everyScope
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	code = t.mint("code")
	t.codes[code] = &install{portal: portal, clock: clock, scopes: slices.Clone(scopes)}
	return code
}

// uninstall forgets every code and token of the app in an account.
func (t *tokens) uninstall(portal int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	gone := func(_ string, i *install) bool { return i.portal == portal }
	maps.DeleteFunc(t.codes, gone)
	maps.DeleteFunc(t.refresh, gone)
	maps.DeleteFunc(t.access, func(_ string, g *grant) bool { return g.use == useAccess && g.portal == portal })
}

// revoke makes an access or refresh token unknown. Access tokens got with a refresh token live on.
func (t *tokens) revoke(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.access, token)
	delete(t.refresh, token)
}

// expire ends the tokens of an account that can expire, and those of the app itself.
func (t *tokens) expire(portal int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, g := range t.access {
		if g.use == useStatic || g.portal != portal && g.portal != 0 {
			continue
		}
		if now := g.clock.Now(); g.expires.After(now) {
			g.expires = now
		}
	}
}

func (t *tokens) count(grantType string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests[grantType]++
}

// redeem exchanges a code, once.
func (t *tokens) redeem(code string) (*issued, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, ok := t.codes[code]
	if !ok {
		return nil, false
	}
	delete(t.codes, code)
	i.refresh = t.mint("refresh")
	t.refresh[i.refresh] = i
	return t.issue(i), true
}

// renew exchanges a refresh token, which stops working when tokens rotate.
func (t *tokens) renew(refresh string) (*issued, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, ok := t.refresh[refresh]
	if !ok {
		return nil, false
	}
	if t.rotate {
		delete(t.refresh, refresh)
		i.refresh = t.mint("refresh")
		t.refresh[i.refresh] = i
	}
	return t.issue(i), true
}

// forApp makes a token of the app itself.
func (t *tokens) forApp(clock *Clock, scopes []string) *issued {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.grant(&grant{use: useClient, app: t.app, clock: clock, scopes: scopes})
}

// issue makes an access token for an installation. The lock is held.
func (t *tokens) issue(i *install) *issued {
	out := t.grant(&grant{use: useAccess, portal: i.portal, app: t.app, clock: i.clock, scopes: i.scopes})
	out.RefreshToken, out.HubID, out.UserID = i.refresh, i.portal, oauthUser
	return out
}

func (t *tokens) grant(g *grant) *issued {
	g.expires = g.clock.Now().Add(t.ttl)
	token := t.mint("access")
	t.access[token] = g
	return &issued{
		TokenType: "bearer", AccessToken: token, ExpiresIn: int(t.ttl.Seconds()), Scopes: g.scopes, TokenUse: g.use,
	}
}

// mint makes a token that names its kind. The lock is held.
func (t *tokens) mint(kind string) string {
	return fmt.Sprintf("hubspottest-%s-%016x%016x", kind, t.rand.Uint64(), t.rand.Uint64())
}

// installed finds the installation of a refresh token.
func (t *tokens) installed(refresh string) (install, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i, known := t.refresh[refresh]; known {
		return *i, true
	}
	return install{}, false
}

// requested counts the requests of a grant type, "" of all.
func (t *tokens) requested(grantType string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	total := 0
	for kind, n := range t.requests {
		if grantType == "" || kind == grantType {
			total += n
		}
	}
	return total
}

// issued is the answer of the token endpoint.
// https://developers.hubspot.com/docs/api-reference/legacy/authentication/manage-oauth-tokens
type issued struct {
	TokenType    string   `json:"token_type"`
	AccessToken  string   `json:"access_token"`
	RefreshToken string   `json:"refresh_token,omitempty"`
	ExpiresIn    int      `json:"expires_in"`
	HubID        int64    `json:"hub_id,omitempty"`
	Scopes       []string `json:"scopes"`
	TokenUse     string   `json:"token_use"`
	UserID       int      `json:"user_id,omitempty"`
}

// oauthUser is the person who installed the app.
const oauthUser = 1

func expired(late time.Duration) *apiError {
	return fail(401, "EXPIRED_AUTHENTICATION",
		"The OAuth token used to make this call expired "+strconv.Itoa(int(late.Seconds()))+" second(s) ago.")
}
