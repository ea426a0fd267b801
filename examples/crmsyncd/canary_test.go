package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
)

// canary is in every secret of these tests: it may be in nothing that is shown.
const canary = "c4nary-th4t-must-n0t-sing"

// secrets are all of them, of which the vendors know none.
func secrets() []string {
	special := map[string]string{
		"CRMSYNC_POSTGRES_URL": "postgres://crmsync:" + canary + "@127.0.0.1:1/crmsync", "CRMSYNC_REDIS_URL": "redis://:" + canary + "@127.0.0.1:1/0",
		"CRMSYNC_ALERTS_SLACK_URL": "https://127.0.0.1:1/" + canary, "CRMSYNC_ALERTS_WEBHOOK_URL": "https://127.0.0.1:1/" + canary,
		"CRMSYNC_HUBSPOT_REFRESH_TOKEN": "", // which takes the place of the token
	}
	var env []string
	eachValue("", reflect.ValueOf(defaults()).Elem(), func(path string, v reflect.Value) {
		name := variable(path)
		value, ok := special[name]
		if !ok {
			value = canary + "-of-" + name
		}
		if v.Type() == reflect.TypeFor[secret]() {
			env = append(env, name+"="+value)
		}
	})
	return env
}

// No command, log, error or page shows a secret, whatever goes wrong.
func TestSecretsAreShownNowhere(t *testing.T) {
	const debug = "log: {level: debug}\n"
	all := [][]string{{"version"}, {"setup"}, {"setup", "--yes"}, {"doctor"}, {"doctor", "--test-alerts"}, {"verify"}, {"dlq", "list"}, {"dlq", "replay", "--all"},
		{"plan", "contacts", "--from", "bird"}, {"backfill", "contacts", "--from", "hubspot"}, {"explain", "a@example.com"}, {"explain", "bird:contact:1"},
		{"erase", "a@example.com"}, {"undo", "contacts"}, {"migrate"}, {"serve", "more"}, {"explain"}}
	down := [][]string{{"migrate"}, {"serve"}, {"doctor", "--json"}, {"dlq", "list"}} // servers that do not answer take their time
	for state, commands := range map[string][][]string{"": all, "store: memory\n": all, "store: postgres\n": down, "store: redis\n": down} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, debug+state, secrets()...)
			for _, args := range commands {
				r.run(args...)
			}
			r.silent()
		})
	}
}

// Neither does a daemon that the vendors refuse, which strangers call.
func TestADaemonShowsNoSecret(t *testing.T) {
	r := newRig(t, "log: {level: debug, format: json}\nengine: {sweep_interval: 1s}\ntracing: {endpoint: 'http://127.0.0.1:1'}\n", secrets()...)
	stop := r.serve()
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/sync/", "/sync/health", "/sync/runs", "/sync/mappings"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("ana", canary+"-of-CRMSYNC_DASHBOARD_OPERATOR_PASSWORD")
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d, %v", path, resp.StatusCode, err)
		}
		r.keep(page)
	}
	for _, path := range []string{hubspotPath, birdPath, flowPath, actionsPath} {
		if _, _, err := call(t.Context(), http.DefaultClient, http.MethodPost, r.url+path); err != nil {
			t.Fatal(err)
		}
	}
	r.must(exitFound, "doctor", "--test-alerts")
	stop()
	r.silent()
}

// Nor a configuration in which secrets are where they do not belong.
func TestAMisplacedSecretIsNotShown(t *testing.T) {
	for _, text := range []string{
		"hubspot: {token: " + canary + "}", "name: [" + canary + "]", "engine: {concurrency: " + canary + "}", "engine: {sweep_interval: " + canary + "}",
		"listen: " + canary, "public_url: https://" + canary + "@sync.example.com", "a: *" + canary, "a: \"" + canary, "bird: " + canary,
		"hubspot: {base_url: 'https://:" + canary + "@api.example.com'}", "store: " + canary, "rollout: {contacts: {allow: [" + canary + "]}}",
	} {
		r := newRig(t, "")
		if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r.must(exitConfig, "doctor")
		r.must(exitConfig, "doctor", "--json")
		r.silent()
	}
}

// However it is printed, a configuration shows none.
func TestAConfigPrintsNoSecret(t *testing.T) {
	c, err := loadConfig(write(t, "c.yaml", least), secrets())
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	c.logger(&log, 0).Info("x", "config", c, "secret", c.HubSpot.Token)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s %q", c, *c, *c, c.HubSpot.Token, c.HubSpot.Token), string(asJSON), log.String()} {
		if strings.Contains(text, canary) {
			t.Error("a secret is in", text)
		}
	}
}

// silent fails if the canary sang in anything that was printed.
func (r *rig) silent() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.printed.Len() == 0 {
		r.t.Error("nothing was printed: the test proves nothing")
	}
	if _, after, sang := strings.Cut(r.printed.String(), canary); sang {
		before, _, _ := strings.Cut(r.printed.String(), canary)
		r.t.Errorf("a secret is shown: …%s[here]%s…", before[max(len(before)-200, 0):], after[:min(len(after), 80)])
	}
}
