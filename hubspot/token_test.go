package hubspot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// However a value is printed, logged or encoded, it tells no secret.
func TestNothingTellsASecret(t *testing.T) {
	withIssuer(t, func(t *testing.T, i *issuer) {
		i.rotate.Store(true)
		opts := i.options()
		credentials := ClientCredentialsOptions{ClientID: "client-id-1", ClientSecret: "client-secret-1", BaseURL: i.URL, HTTPClient: i.Client()}
		fixed, oauth, app := Static("access-0"), OAuth(opts), ClientCredentials(credentials)
		adapter, err := New(fixed, nil)
		if err != nil {
			t.Fatal(err)
		}
		refreshing, err := New(oauth, nil)
		if err != nil {
			t.Fatal(err)
		}
		journal, err := NewJournal(app, nil)
		if err != nil {
			t.Fatal(err)
		}
		values := []any{journal, *journal, opts, &opts, credentials, &credentials, fixed, oauth, app,
			adapter, adapter.client, refreshing, refreshing.client,
			struct{ O OAuthOptions }{opts}, struct{ T TokenSource }{oauth},
			struct{ t TokenSource }{fixed}, struct{ t TokenSource }{app}}
		wantToken(t, oauth, "access-1")
		wantToken(t, app, "access-2")
		i.refuse.Store(text(revoked))
		opts.OnRotate = func(_ context.Context, r string) error { return errors.New(r) }
		_, refused := OAuth(opts).Token(t.Context())
		i.refuse.Store(nil)
		_, unstored := OAuth(opts).Token(t.Context())
		for _, v := range append(values, refused, unstored) {
			for _, printed := range everyForm(v) {
				for _, secret := range []string{"client-secret", "refresh-", "access-"} {
					if strings.Contains(printed, secret) {
						t.Errorf("%T tells %q: %s", v, secret, printed)
					}
				}
			}
		}
	})
}

// everyForm prints a value in every usual way.
func everyForm(v any) []string {
	var forms []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		forms = append(forms, fmt.Sprintf(verb, v))
	}
	if data, err := json.Marshal(v); err == nil {
		forms = append(forms, string(data))
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
	forms = append(forms, log.String())
	if e, ok := v.(error); ok {
		forms = append(forms, e.Error())
	}
	return forms
}

// failing is a host's own source.
type failing struct{ err error }

func (f failing) Token(context.Context) (string, error) { return "", f.err }

func TestAFailingSourceIsAPassingFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, err := range []error{errors.New("vault sealed"), &sync.Error{Action: sync.Denied}} {
			a, _ := New(failing{err}, &Options{Linger: time.Millisecond})
			_, got := a.Read(t.Context(), Contact, []string{"1"})
			if sync.ActionOf(got) != sync.ActionOf(err) || !errors.Is(got, err) {
				t.Errorf("%v became %v", err, got)
			}
			if err := a.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}
