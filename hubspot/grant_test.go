package hubspot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	stdsync "sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/internal/simhttp"
	"github.com/urbanhub/crmsync/sync"
)

// issuer plays the token endpoint and one read, in virtual time.
type issuer struct {
	*simhttp.Server
	issued, reads atomic.Int64
	delay         time.Duration
	life          int                    // of a token in seconds; 0: 1,800
	refuse        atomic.Pointer[string] // what to answer instead of a token
	rotate        atomic.Bool
	sent          atomic.Pointer[string] // the last refresh token
	stale         atomic.Pointer[string] // answers a read of this token with this
}

const (
	revoked = `400 {"error":"invalid_grant","error_description":"refresh token is invalid, expired or revoked","status":"BAD_REFRESH_TOKEN","message":"refresh token refresh-0 is invalid, expired or revoked"}`
	ended   = `{"status":"error","message":"The OAuth token used to make this call expired 7 second(s) ago.","category":"EXPIRED_AUTHENTICATION"}`
	unknown = `{"status":"error","message":"Authentication credentials not found.","category":"INVALID_AUTHENTICATION"}`
)

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/oauth/2026-09/token":
		i.token(w, r)
	default:
		i.reads.Add(1)
		if body := i.stale.Load(); body != nil {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(*body))
			return
		}
		_, _ = fmt.Fprintf(w, `{"results":[{"id":"1","properties":{"email":%q,"firstname":null,"lastname":null,"phone":null}}]}`, r.Header.Get("Authorization"))
	}
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	n := i.issued.Add(1)
	time.Sleep(i.delay)
	sent := r.PostFormValue("refresh_token")
	i.sent.Store(&sent)
	if answer := i.refuse.Load(); answer != nil {
		var status int
		_, _ = fmt.Sscan(*answer, &status)
		w.WriteHeader(status)
		_, _ = w.Write([]byte((*answer)[4:]))
		return
	}
	refresh := "refresh-0"
	if i.rotate.Load() {
		refresh = fmt.Sprint("refresh-", n)
	}
	i.stale.Store(nil)
	_, _ = fmt.Fprintf(w, `{"access_token":"access-%d","refresh_token":%q,"expires_in":%d,"scopes":["oauth","content"]}`, n, refresh, or(i.life, 1800))
}

// withIssuer runs a test in a bubble.
func withIssuer(t *testing.T, test func(t *testing.T, i *issuer)) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{delay: time.Second}
		i.Server = simhttp.Pipe(i)
		defer i.Close()
		test(t, i)
		synctest.Wait()
	})
}

func (i *issuer) options() OAuthOptions {
	return OAuthOptions{ClientID: "client-id-1", ClientSecret: "client-secret-1", RefreshToken: "refresh-0",
		BaseURL: i.URL, HTTPClient: i.Client()}
}

func text(s string) *string { return &s }

func wantToken(t *testing.T, tokens TokenSource, want string) {
	t.Helper()
	if got, err := tokens.Token(t.Context()); err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestAnOAuthTokenTellsItsScopes(t *testing.T) {
	withIssuer(t, func(t *testing.T, i *issuer) {
		a, err := New(OAuth(i.options()), &Options{BaseURL: i.URL, HTTPClient: i.Client()})
		if err != nil {
			t.Fatal(err)
		}
		wantToken(t, a.client.tokens, "access-1")
		s := &setup{Adapter: a, report: &Report{}}
		s.scopes(t.Context())
		if l := s.report.Lines; len(l) != 1 || l[0].Name != "content" || l[0].State != Excess || l[0].err() != nil {
			t.Errorf("%+v", l)
		}
	})
}

func TestManyCallersShareOneFetch(t *testing.T) {
	withIssuer(t, func(t *testing.T, i *issuer) {
		tokens := OAuth(i.options())
		var all stdsync.WaitGroup
		for range 50 {
			all.Go(func() { wantToken(t, tokens, "access-1") })
		}
		impatient, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		start := time.Now()
		if _, err := tokens.Token(impatient); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 500*time.Millisecond {
			t.Errorf("a caller's own deadline: %v after %v", err, time.Since(start))
		}
		all.Wait()
		if n := i.issued.Load(); n != 1 {
			t.Errorf("%d calls for tokens, want 1", n)
		}
	})
}

// The fetch outlives the caller who began it, and Close waits for it.
func TestAFetchOutlivesItsCaller(t *testing.T) {
	withIssuer(t, func(t *testing.T, i *issuer) {
		a, err := New(OAuth(i.options()), &Options{BaseURL: i.URL, HTTPClient: i.Client()})
		if err != nil {
			t.Fatal(err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := a.client.tokens.Token(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		start := time.Now()
		if err := a.Close(t.Context()); err != nil || time.Since(start) != time.Second {
			t.Errorf("Close took %v: %v", time.Since(start), err)
		}
		wantToken(t, a.client.tokens, "access-1")
		if n := i.issued.Load(); n != 1 {
			t.Errorf("%d calls for tokens, want 1", n)
		}
	})
}

func TestTokensAreFetchedBeforeTheyEnd(t *testing.T) {
	withIssuer(t, func(t *testing.T, i *issuer) {
		tokens := OAuth(i.options())
		wantToken(t, tokens, "access-1")
		time.Sleep(22 * time.Minute)
		wantToken(t, tokens, "access-1")
		time.Sleep(2 * time.Minute)
		wantToken(t, tokens, "access-1") // nobody waits while it is good
		time.Sleep(2 * time.Second)
		wantToken(t, tokens, "access-2")
		if n := i.issued.Load(); n != 2 {
			t.Errorf("%d calls for tokens, want 2", n)
		}
	})
}

func TestAFailingFetchGoesOnWithTheGoodToken(t *testing.T) {
	withIssuer(t, func(t *testing.T, i *issuer) {
		tokens := OAuth(i.options())
		wantToken(t, tokens, "access-1")
		i.refuse.Store(text("503 <html>"))
		for range 290 { // to the end of its half hour, less what fetching it took
			time.Sleep(6 * time.Second)
			wantToken(t, tokens, "access-1")
		}
		if n := i.issued.Load(); n < 4 || n > 20 {
			t.Errorf("%d calls for tokens in the last minutes", n)
		}
		time.Sleep(2 * time.Minute)
		if _, err := tokens.Token(t.Context()); sync.ActionOf(err) != sync.Retry {
			t.Errorf("after its end: %v", err)
		}
		i.refuse.Store(nil)
		time.Sleep(2 * time.Minute)
		if got, err := tokens.Token(t.Context()); err != nil || !strings.HasPrefix(got, "access-") || got == "access-1" {
			t.Errorf("once HubSpot works again: %q, %v", got, err)
		}
	})
}

func TestAnUninstalledAppIsLeftAlone(t *testing.T) {
	withIssuer(t, func(t *testing.T, i *issuer) {
		i.refuse.Store(text(revoked))
		tokens := OAuth(i.options())
		for range 600 {
			_, err := tokens.Token(t.Context())
			var e *sync.Error
			if !errors.As(err, &e) || e.Action != sync.Denied || e.Rule != "auth.refresh" || !strings.Contains(e.Hint, "install") {
				t.Fatalf("got %v", err)
			}
			time.Sleep(10 * time.Second)
		}
		if n := i.issued.Load(); n < 2 || n > 10 {
			t.Errorf("%d calls for tokens in 100 minutes", n)
		}
	})
}

func TestAWrongClientIsDenied(t *testing.T) {
	for _, answer := range []string{
		`400 {"status":"BAD_CLIENT_ID","message":"missing or unknown client id"}`,
		`401 {"error":"invalid_client"}`, `400 <html>`,
	} {
		withIssuer(t, func(t *testing.T, i *issuer) {
			i.refuse.Store(&answer)
			_, err := OAuth(i.options()).Token(t.Context())
			var e *sync.Error
			if !errors.As(err, &e) || e.Action != sync.Denied || e.Rule != "auth.token" {
				t.Errorf("%s: %v", answer, err)
			}
		})
	}
}

func TestARotatedRefreshTokenIsStoredBeforeItIsUsed(t *testing.T) {
	withIssuer(t, func(t *testing.T, i *issuer) {
		i.rotate.Store(true)
		var stored []string
		broken := errors.New("no room for refresh-1")
		opts := i.options()
		opts.OnRotate = func(_ context.Context, refresh string) error {
			stored = append(stored, refresh)
			return broken
		}
		tokens := OAuth(opts)
		_, err := tokens.Token(t.Context())
		if !errors.Is(err, broken) || strings.Contains(err.Error(), "refresh-1") {
			t.Errorf("a failing hook: %v", err)
		}
		time.Sleep(time.Minute)
		if _, err := tokens.Token(t.Context()); !errors.Is(err, broken) || i.issued.Load() != 1 {
			t.Errorf("what is not stored was used: %v after %d calls", err, i.issued.Load())
		}
		broken = nil
		time.Sleep(time.Minute)
		wantToken(t, tokens, "access-2")
		if got := strings.Join(stored, " "); got != "refresh-1 refresh-1 refresh-1 refresh-2" || *i.sent.Load() != "refresh-1" {
			t.Errorf("stored %s, sent %s last", got, *i.sent.Load())
		}
	})
}

func TestACallIsRepeatedOnceWithANewToken(t *testing.T) {
	withIssuer(t, func(t *testing.T, i *issuer) {
		a, err := New(OAuth(i.options()), &Options{BaseURL: i.URL, HTTPClient: i.Client()})
		if err != nil {
			t.Fatal(err)
		}
		read := func() error {
			_, err := a.Read(t.Context(), Contact, []string{"1"})
			return err
		}
		for _, c := range []struct {
			answer        string
			issued, reads int64
			want          sync.Action
		}{
			{"", 1, 1, 0},
			{ended, 2, 2, 0},             // the new token is good
			{ended, 2, 1, sync.Denied},   // it cannot have expired yet
			{unknown, 2, 1, sync.Denied}, // a new one would not help
		} {
			i.reads.Store(0)
			i.stale.Store(nil)
			if c.answer != "" {
				i.stale.Store(&c.answer)
			}
			if c.want == 0 {
				time.Sleep(time.Minute)
			}
			err := read()
			if (err == nil) != (c.want == 0) || err != nil && sync.ActionOf(err) != c.want || i.issued.Load() != c.issued || i.reads.Load() != c.reads {
				t.Errorf("%.60s: %v after %d tokens and %d reads", c.answer, err, i.issued.Load(), i.reads.Load())
			}
		}
		if err := a.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWithoutATokenNothingIsSent(t *testing.T) {
	withIssuer(t, func(t *testing.T, i *issuer) {
		i.refuse.Store(text(revoked))
		a, err := New(OAuth(i.options()), &Options{BaseURL: i.URL, HTTPClient: i.Client()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Read(t.Context(), Contact, []string{"1"}); sync.ActionOf(err) != sync.Denied || i.reads.Load() != 0 {
			t.Errorf("got %v after %d reads", err, i.reads.Load())
		}
	})
}

func TestNewRefusesIncompleteSources(t *testing.T) {
	whole := OAuthOptions{ClientID: "i", ClientSecret: "s", RefreshToken: "r"}
	noSecret, noRefresh, badBase := whole, whole, whole
	noSecret.ClientSecret, noRefresh.RefreshToken, badBase.BaseURL = "", "", "no scheme"
	for name, tokens := range map[string]TokenSource{
		"none": nil, "no secret": OAuth(noSecret), "no refresh token": OAuth(noRefresh), "no base": OAuth(badBase),
		"no client": ClientCredentials(ClientCredentialsOptions{ClientSecret: "s"}),
	} {
		if _, err := New(tokens, nil); sync.ActionOf(err) != sync.Fatal {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(OAuth(whole), nil); err != nil {
		t.Error(err)
	}
	if _, err := OAuth(noSecret).Token(t.Context()); sync.ActionOf(err) != sync.Fatal {
		t.Errorf("unchecked: %v", err)
	}
}

// A token that has ended before it arrives is none.
func TestATokenThatIsLate(t *testing.T) {
	withIssuer(t, func(t *testing.T, i *issuer) {
		i.delay, i.life = 5*time.Second, 3
		if got, err := OAuth(i.options()).Token(t.Context()); sync.ActionOf(err) != sync.Retry || err == nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}
