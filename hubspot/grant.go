package hubspot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/sync"
)

// How tokens are fetched.
const (
	grantTimeout  = 10 * time.Second // for the call and for storing what it gave
	grantFresh    = 10 * time.Second // a token this young is not expired, whatever is said
	grantPause    = time.Second      // after a first passing fault
	maxGrantPause = time.Minute
	deniedPause   = time.Minute // after a first refusal
	maxDenied     = time.Hour
	maxGrantLife  = 30 * 24 * time.Hour
)

// minter fetches tokens from HubSpot, each in good time before the last one
// ends.
type minter struct {
	name     string
	invalid  error // what is wrong with the options
	api      httpx.Client
	path     string
	onRotate func(ctx context.Context, refreshToken string) error

	secrets  *secrets // the token is guarded by mu, the form is of the goroutine that fetches
	unstored bool     // likewise: the refresh token in the form has yet to be stored

	mu       stdsync.Mutex
	got      time.Time
	scopes   []string
	due, end time.Time     // fetch another from due on; do not use it after end
	calm     time.Time     // do not ask before
	failures int           // in a row
	failure  error         // the last one
	flight   chan struct{} // closed at the end of the fetching under way
}

func newMinter(name, base, version string, h *http.Client, form url.Values) *minter {
	o, err := (&Options{BaseURL: base, APIVersion: version, HTTPClient: h}).withDefaults()
	for _, field := range []string{"client_id", "client_secret", "refresh_token"} {
		if err == nil && form.Has(field) && form.Get(field) == "" {
			err = optionError("tokens", "tokens.set", "give "+name+" the "+field)
		}
	}
	return &minter{name: name, invalid: err, secrets: &secrets{form: form}, path: opToken.path(o.APIVersion, target{}),
		api: httpx.Client{Base: o.BaseURL, HTTP: o.HTTPClient, RequestID: requestID, MaxBody: httpx.MaxErrorBody}}
}

// check reports what is wrong with the options.
func (m *minter) check() error { return m.invalid }

// Format implements fmt.Formatter without the secrets.
func (m *minter) Format(f fmt.State, _ rune) { veil(f, m.name) }

// Token implements TokenSource.
func (m *minter) Token(ctx context.Context) (string, error) {
	if m.invalid != nil {
		return "", m.invalid
	}
	token, flight, err := m.present(ctx)
	if token != "" || flight == nil {
		return token, err
	}
	select {
	case <-flight:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Now().Before(m.end) {
		return m.secrets.token, nil
	}
	return "", m.failure
}

// present returns the token if it is good, or else the fetching to wait for,
// or else why there is neither. It begins to fetch when it is time.
func (m *minter) present(ctx context.Context) (string, <-chan struct{}, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if m.flight == nil && !now.Before(m.due) && !now.Before(m.calm) {
		m.flight = make(chan struct{})
		// Whoever began it may leave: others wait, and a refresh token that
		// HubSpot has replaced must not be lost.
		go m.fetch(context.WithoutCancel(ctx))
	}
	if now.Before(m.end) {
		return m.secrets.token, nil, nil
	}
	return "", m.flight, m.failure
}

// renew implements renewer.
func (m *minter) renew(token string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if token == m.secrets.token {
		if time.Since(m.got) < grantFresh {
			return false
		}
		m.due, m.end = time.Time{}, time.Time{}
	}
	return true
}

// granted implements granter.
func (m *minter) granted() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.scopes
}

// settle implements settler.
func (m *minter) settle(ctx context.Context) error {
	m.mu.Lock()
	flight := m.flight
	m.mu.Unlock()
	if flight == nil {
		return nil
	}
	select {
	case <-flight:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fetch gets a token and takes note of what came of it.
func (m *minter) fetch(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, grantTimeout)
	defer cancel()
	asked := time.Now()
	g, err := m.mint(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.flight)
	m.flight, m.failure = nil, err
	if err != nil {
		m.calm = m.pause(err)
		m.failures++
		return
	}
	m.failures = 0
	life := g.life()
	m.scopes = g.Scopes
	m.secrets.token, m.got, m.end = g.AccessToken, asked, asked.Add(life)
	m.due = asked.Add(life*4/5 - rand.N(life/20))
	m.failure = errLate // for those who ask from its end on
}

// pause returns until when not to ask again after a failure.
func (m *minter) pause(err error) time.Time {
	now, n := time.Now(), min(m.failures, 10)
	var e *sync.Error
	switch errors.As(err, &e); {
	case e != nil && e.Action == sync.RetryAt:
		return e.RetryAt
	case e != nil && e.Action == sync.Denied:
		return now.Add(jitter(min(deniedPause<<n, maxDenied)))
	}
	return now.Add(jitter(min(grantPause<<n, maxGrantPause)))
}

// errLate is the failure when a token has ended while it was waited for.
var errLate = &sync.Error{Op: opToken.String(), Action: sync.Retry, Rule: "auth.token", Err: errors.New("the token ended before it could be used")}

// grant is HubSpot's answer to a request for a token.
type grant struct {
	AccessToken  string   `json:"access_token"`
	RefreshToken string   `json:"refresh_token"`
	ExpiresIn    int64    `json:"expires_in"` // seconds
	Scopes       []string `json:"scopes"`
}

func (g *grant) life() time.Duration {
	return min(time.Duration(min(g.ExpiresIn, 1<<32))*time.Second, maxGrantLife)
}

// mint asks for a token. A refresh token that came with it is stored first,
// and the next request waits for that too.
func (m *minter) mint(ctx context.Context) (*grant, error) {
	if err := m.store(ctx); err != nil {
		return nil, err
	}
	g, err := m.ask(ctx)
	if err != nil {
		return nil, err
	}
	if g.RefreshToken != "" && m.secrets.form.Has("refresh_token") && g.RefreshToken != m.secrets.form.Get("refresh_token") {
		m.secrets.form.Set("refresh_token", g.RefreshToken)
		m.unstored = true
	}
	return g, m.store(ctx)
}

// store lets the host keep a new refresh token.
func (m *minter) store(ctx context.Context) error {
	if m.unstored && m.onRotate != nil {
		if err := m.onRotate(ctx, m.secrets.form.Get("refresh_token")); err != nil {
			return &sync.Error{Op: opToken.String(), Action: sync.Retry, Rule: "auth.rotate",
				Hint: "mend what keeps OAuthOptions.OnRotate from storing the refresh token", Err: silent{err}}
		}
	}
	m.unstored = false
	return nil
}

// silent is an error of the host's, which may tell what it was given.
type silent struct{ error }

func (silent) Error() string   { return "OnRotate failed" }
func (s silent) Unwrap() error { return s.error }

// Format implements fmt.Formatter without the cause.
func (s silent) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, s.Error()) }

// ask makes the call.
func (m *minter) ask(ctx context.Context) (*grant, error) {
	var g grant
	res, err := m.api.Do(ctx, pathTable[opToken].method, m.path, nil, m.secrets.form, &g)
	switch {
	case err != nil:
		return nil, &sync.Error{Op: opToken.String(), Action: sync.Retry, Rule: "auth.token", Err: err}
	case !res.OK():
		return nil, refusal(res)
	case g.AccessToken == "" || g.ExpiresIn <= 0:
		return nil, &sync.Error{Op: opToken.String(), Action: sync.Retry, Rule: "auth.token",
			Err: errors.New("HubSpot's answer holds no token")}
	}
	return &g, nil
}

var grantCode = regexp.MustCompile(`^([A-Z_]{1,40}|[a-z_]{1,40})$`)

// refusal is the error of a request for a token that HubSpot refused. Source:
// https://developers.hubspot.com/docs/api-reference/legacy/authentication/manage-oauth-tokens
func refusal(res *httpx.Response) error {
	if res.Status >= 500 || res.Status == http.StatusRequestTimeout || res.Status == http.StatusTooManyRequests {
		return callError(opToken.String(), res, time.Now())
	}
	var body struct {
		Error  string `json:"error"`
		Status string `json:"status"`
	}
	_ = json.Unmarshal(res.Body, &body) // a body of another form tells nothing
	code := or(only(grantCode, body.Status), only(grantCode, body.Error))
	e := &sync.Error{Op: opToken.String(), Action: sync.Denied, Rule: "auth.token",
		Hint: "check the app's client id, client secret and scopes",
		Err:  &APIError{Status: res.Status, Category: code, CorrelationID: only(correlationForm, res.RequestID)}}
	if code == "BAD_REFRESH_TOKEN" || body.Error == "invalid_grant" {
		e.Rule, e.Hint = "auth.refresh", "the app was uninstalled or its refresh token revoked; install the app again"
	}
	return e
}
