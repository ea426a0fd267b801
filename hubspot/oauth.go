package hubspot

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// OAuthOptions configure [OAuth]. They hold secrets, so they print as nothing
// but their name.
type OAuthOptions struct {
	// ClientID and ClientSecret are the app's, from its Auth page.
	ClientID, ClientSecret string
	// RefreshToken is what the account's installation of the app gave: HubSpot
	// sends the browser back with a code, which the host exchanges once at the
	// token endpoint (grant_type authorization_code).
	RefreshToken string
	// OnRotate stores a refresh token that takes the place of the last one.
	// It is called before the tokens that came with it are used, by one
	// goroutine at a time, and again if it fails. Without it a new one is
	// known until the process ends, and the old one may be worth nothing then.
	OnRotate func(ctx context.Context, refreshToken string) error
	// BaseURL, APIVersion and HTTPClient are as in [Options].
	BaseURL    string
	APIVersion string
	HTTPClient *http.Client
}

// Format implements fmt.Formatter without the secrets.
func (OAuthOptions) Format(f fmt.State, _ rune) { veil(f, "hubspot.OAuthOptions") }

// MarshalText implements encoding.TextMarshaler without the secrets.
func (OAuthOptions) MarshalText() ([]byte, error) { return []byte("hubspot.OAuthOptions"), nil }

// OAuth returns the source of an installed app's tokens, which last half an
// hour each. A new one is fetched when it is first asked for, again when about
// four fifths of its time are over, and at once when HubSpot calls it expired.
// There is never more than one such call under way, every caller waits with
// its own context, and while the present token is good nobody waits.
//
// If fetching fails, the present token is used to its end. Then, and when the
// app was uninstalled ([sync.Denied]), HubSpot is asked again only after a
// pause that grows from a second, or a minute, with each failure. [New] and
// [NewJournal] refuse options that are incomplete.
// Source: https://developers.hubspot.com/docs/api-reference/legacy/authentication/manage-oauth-tokens
func OAuth(opts OAuthOptions) TokenSource {
	m := newMinter("hubspot.OAuth", opts.BaseURL, opts.APIVersion, opts.HTTPClient, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {opts.RefreshToken},
		"client_id": {opts.ClientID}, "client_secret": {opts.ClientSecret},
	})
	m.onRotate = opts.OnRotate
	return m
}

// ClientCredentialsOptions configure [ClientCredentials]. They hold a secret,
// so they print as nothing but their name.
type ClientCredentialsOptions struct {
	// ClientID and ClientSecret are the app's, from its Auth page.
	ClientID, ClientSecret string
	// Scopes are what the token is for; unset, reading the journal and
	// managing its subscriptions.
	Scopes []string
	// BaseURL, APIVersion and HTTPClient are as in [Options].
	BaseURL    string
	APIVersion string
	HTTPClient *http.Client
}

// Format implements fmt.Formatter without the secret.
func (ClientCredentialsOptions) Format(f fmt.State, _ rune) {
	veil(f, "hubspot.ClientCredentialsOptions")
}

// MarshalText implements encoding.TextMarshaler without the secret.
func (ClientCredentialsOptions) MarshalText() ([]byte, error) {
	return []byte("hubspot.ClientCredentialsOptions"), nil
}

// journalScopes let an app read the journal and manage what is in it. Source:
// https://developers.hubspot.com/docs/api-reference/latest/webhooks-journal/guide
var journalScopes = []string{
	"developer.webhooks_journal.read",
	"developer.webhooks_journal.subscriptions.read",
	"developer.webhooks_journal.subscriptions.write",
}

// ClientCredentials returns the source of tokens that stand for an app and not
// for an account, as the Webhooks Journal wants them. They are fetched as
// those of [OAuth] are.
// Source: https://developers.hubspot.com/docs/api-reference/latest/webhooks-journal/guide
func ClientCredentials(opts ClientCredentialsOptions) TokenSource {
	scopes := opts.Scopes
	if len(scopes) == 0 {
		scopes = journalScopes
	}
	return newMinter("hubspot.ClientCredentials", opts.BaseURL, opts.APIVersion, opts.HTTPClient, url.Values{
		"grant_type": {"client_credentials"}, "scope": {strings.Join(scopes, " ")},
		"client_id": {opts.ClientID}, "client_secret": {opts.ClientSecret},
	})
}
