package bird_test

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/sync"
)

// behind returns a receiver that rebuilds its public URL.
func behind(t testing.TB, in *inbox) http.Handler {
	t.Helper()
	r, err := bird.NewReceiver(in, bird.ReceiverOptions{Secrets: []string{hookKey},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
		Origins:        []string{"https://other.example.com", "https://sync.example.com/"}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPublicURLIsRebuiltBehindTrustedProxiesOnly(t *testing.T) {
	const body = `{"event":"conversation.updated","payload":{"id":"v1","featuredParticipants":[{"id":"c1","type":"contact"}]}}`
	old := http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"sync.example.com"}}
	for name, tt := range map[string]struct {
		remote  string
		host    string
		headers http.Header
		status  int
	}{
		"X-Forwarded":              {"10.1.2.3:4711", "internal:8080", old, 204},
		"over IPv6":                {"[fd00::1%eth0]:4711", "internal:8080", old, 204},
		"IPv4 in IPv6":             {"[::ffff:10.1.2.3]:4711", "internal:8080", old, 204},
		"the host is kept":         {"10.1.2.3:4711", "sync.example.com", http.Header{"X-Forwarded-Proto": {"https"}}, 204},
		"chain of proxies":         {"10.1.2.3:4711", "internal:8080", http.Header{"X-Forwarded-Proto": {"https, http"}, "X-Forwarded-Host": {"sync.example.com, lb.internal"}}, 204},
		"capitals and port":        {"10.1.2.3:4711", "internal:8080", http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"Sync.Example.COM:443"}}, 204},
		"Forwarded":                {"10.1.2.3:4711", "internal:8080", http.Header{"Forwarded": {`for=203.0.113.7; Proto=https;host="sync.example.com", for=10.0.0.9;host=lb`}}, 204},
		"untrusted peer":           {"203.0.113.7:4711", "internal:8080", old, 401},
		"untrusted peer, all true": {"203.0.113.7:4711", "sync.example.com", old, 401},
		"no address":               {"@", "internal:8080", old, 401},
		"host not allowed":         {"10.1.2.3:4711", "internal:8080", http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"evil.example.net"}}, 401},
		"scheme not allowed":       {"10.1.2.3:4711", "internal:8080", http.Header{"X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"sync.example.com"}}, 401},
		"allowed, not signed for":  {"10.1.2.3:4711", "internal:8080", http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"other.example.com"}}, 401},
		"told nothing":             {"10.1.2.3:4711", "internal:8080", nil, 401},
		"nonsense":                 {"10.1.2.3:4711", "internal:8080", http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"a b%"}}, 401},
	} {
		r := hook(body, hookKey, time.Now())
		r.RemoteAddr, r.Host = tt.remote, tt.host
		r.RequestURI = "/webhooks/bird?tenant=acme"
		for k, v := range tt.headers {
			r.Header[k] = v
		}
		equal(t, name, answer(behind(t, &inbox{}), r), tt.status)
	}
}

// TestMuxesAndAbsoluteTargets: what counts is the target as it was sent.
func TestMuxesAndAbsoluteTargets(t *testing.T) {
	const body = `{"event":"number.bought"}`
	request := func() *http.Request {
		r := hook(body, hookKey, time.Now())
		r.RemoteAddr = "10.1.2.3:4711"
		r.Header.Set("X-Forwarded-Proto", "https")
		r.Header.Set("X-Forwarded-Host", "sync.example.com")
		r.URL.Path, r.URL.RawQuery = "/webhooks/bird", "tenant=acme"
		return r
	}
	r := request()
	r.RequestURI = "http://internal:8080/webhooks/bird?tenant=acme"
	equal(t, "absolute", answer(behind(t, &inbox{}), r), 204)
	r = request()
	r.RequestURI = "/webhooks/bird?tenant=acme"
	equal(t, "cut off", answer(http.StripPrefix("/webhooks", behind(t, &inbox{})), r), 204)
}

// TestConfiguredURLBelievesNobody: with a PublicURL the headers do not matter.
func TestConfiguredURLBelievesNobody(t *testing.T) {
	r := hook(`{"event":"number.bought"}`, hookKey, time.Now())
	r.Header.Set("X-Forwarded-Host", "evil.example.net")
	r.Header.Set("Forwarded", "proto=http;host=evil.example.net")
	equal(t, "status", answer(receiver(t, &inbox{}), r), 204)
}

func TestReceiverNeedsAnAddress(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, tt := range map[string]struct {
		opts bird.ReceiverOptions
		rule string
	}{
		"nothing":      {bird.ReceiverOptions{}, "receiver.url"},
		"a path":       {bird.ReceiverOptions{PublicURL: "/webhooks/bird"}, "receiver.url"},
		"no scheme":    {bird.ReceiverOptions{PublicURL: "sync.example.com/bird"}, "receiver.url"},
		"no origins":   {bird.ReceiverOptions{TrustedProxies: proxies}, "receiver.url"},
		"no proxies":   {bird.ReceiverOptions{Origins: []string{"https://sync.example.com"}}, "receiver.url"},
		"a whole URL":  {bird.ReceiverOptions{TrustedProxies: proxies, Origins: []string{"https://sync.example.com/bird"}}, "receiver.origins"},
		"a bare host":  {bird.ReceiverOptions{TrustedProxies: proxies, Origins: []string{"sync.example.com"}}, "receiver.origins"},
		"wrong scheme": {bird.ReceiverOptions{TrustedProxies: proxies, Origins: []string{"ftp://sync.example.com"}}, "receiver.origins"},
	} {
		tt.opts.Secrets = []string{"k"}
		_, err := bird.NewReceiver(&inbox{}, tt.opts)
		equal(t, name, failure(t, err, sync.Fatal).Rule, tt.rule)
	}
}
