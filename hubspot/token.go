package hubspot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/sync"
)

// A TokenSource gives the access token for each call. [Static], [OAuth] and
// [ClientCredentials] make the three kinds that HubSpot knows; a host that
// keeps its tokens elsewhere gives its own.
//
// Whatever a source returns is sent to HubSpot and appears nowhere else.
// Source: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/overview
type TokenSource interface {
	// Token returns a token that is good for a call made now. It may be
	// called concurrently, and for every call. An error that is not a
	// [*sync.Error] counts as a passing fault.
	Token(ctx context.Context) (string, error)
}

// A renewer is a source whose tokens end. renew tells it that HubSpot called a
// token expired and reports whether another one may be had.
type renewer interface {
	renew(token string) bool
}

// A settler is a source that calls on its own account. settle returns when no
// such call is under way, or the context has ended.
type settler interface {
	settle(ctx context.Context) error
}

// Static returns the source of a token that does not change: a service key, or
// the token of an app with static authentication. A token of another form than
// HubSpot's is refused by [New].
// Source: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/account-service-keys
func Static(token string) TokenSource { return &static{&secrets{token: token}} }

// secrets are what must not be told. They are held by a pointer inside another
// value, which no verb of fmt follows; printed by themselves they are veiled.
type secrets struct {
	token string
	form  url.Values // what a request for a token sends
}

// Format implements fmt.Formatter.
func (s *secrets) Format(f fmt.State, _ rune) { veil(f, "secrets") }

type static struct{ secrets *secrets }

// Token implements TokenSource.
func (s *static) Token(context.Context) (string, error) { return s.secrets.token, nil }

// Format implements fmt.Formatter without the token.
func (s *static) Format(f fmt.State, _ rune) { veil(f, "hubspot.Static") }

// check reports what is wrong with the token.
func (s *static) check() error {
	if t := s.secrets.token; t == "" || strings.ContainsAny(t, " \t\r\n") {
		return &sync.Error{Op: "hubspot: new", Action: sync.Denied, Field: "tokens", Rule: "token.form",
			Hint: "give the access token alone, without blanks or line ends", Err: errors.New("the token is not usable")}
	}
	return nil
}

// checkTokens reports what is wrong with a source before it is used.
func checkTokens(tokens TokenSource) error {
	if tokens == nil {
		return optionError("tokens", "tokens.set", "give hubspot.Static with a token, or another source")
	}
	if c, ok := tokens.(interface{ check() error }); ok {
		return c.check()
	}
	return nil
}

// settled waits for the calls that a source makes on its own account.
func settled(ctx context.Context, tokens TokenSource) error {
	if s, ok := tokens.(settler); ok {
		return s.settle(ctx)
	}
	return nil
}

// bearer is what puts a token into a request.
func bearer(token string) func(http.Header) {
	return func(h http.Header) { h.Set("Authorization", "Bearer "+token) }
}

// renew gives up a token that HubSpot called expired, and reports whether
// another one may be had.
func (c *client) renew(token string) bool {
	r, ok := c.tokens.(renewer)
	return ok && r.renew(token)
}

// tokenError is the error of a call that could not be made for want of a
// token.
func tokenError(err error) error {
	if asError(err) != nil {
		return err
	}
	return &sync.Error{Op: opToken.String(), Action: sync.Retry, Rule: "auth.token",
		Hint: "the source of tokens failed; nothing was sent to HubSpot", Err: err}
}

// outdated reports whether an answer says that the token has expired. Another
// 401 says nothing of the kind, so nothing is gained by a new token. Source:
// https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
func outdated(res *httpx.Response) bool {
	var body errorBody
	return res != nil && res.Status == http.StatusUnauthorized &&
		json.Unmarshal(res.Body, &body) == nil && body.Category == "EXPIRED_AUTHENTICATION"
}

// veil prints a value that holds secrets: its name and nothing else.
func veil(w io.Writer, name string) { _, _ = io.WriteString(w, name+"{secret}") }
