package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/hubspot/hubspottest"
)

// examined are the findings of doctor.
type examined struct {
	Findings []finding
	Healthy  bool
}

// finds reports whether a check found something, and says what to do about it.
func (e *examined) finds(state, check, do string) bool {
	return slices.ContainsFunc(e.Findings, func(f finding) bool {
		return f.State == state && f.Check == check && strings.Contains(f.Text+" "+f.Do, do)
	})
}

// Whatever is wrong, doctor says where and what to do.
func TestDoctor(t *testing.T) {
	poor := hubspottest.NewServer(&hubspottest.Options{Scopes: []string{"crm.objects.contacts.read"}})
	t.Cleanup(poor.Close)
	stranger := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(stranger.Close)
	for name, c := range map[string]struct {
		settings         string
		env              []string
		change           func(r *rig)
		state, check, do string
	}{
		"an account that is not set up":    {state: stateFix, check: "hubspot set-up", do: "crmsyncd setup --yes"},
		"a workspace that is not set up":   {state: stateFix, check: "bird set-up", do: "conversation_status"},
		"Bird's key":                       {env: []string{"CRMSYNC_BIRD_ACCESS_KEY=wrong"}, state: stateFix, check: "bird access key", do: "role"},
		"HubSpot's token":                  {env: []string{"CRMSYNC_HUBSPOT_TOKEN=wrong"}, state: stateFix, check: "hubspot token", do: "token"},
		"scopes":                           {settings: "hubspot: {base_url: '" + poor.URL + "'}\n", env: []string{"CRMSYNC_HUBSPOT_TOKEN=" + poor.Token}, state: stateFix, check: "hubspot token", do: "crm."},
		"the account":                      {settings: "mapping: {contacts_only: true}\n", env: []string{"CRMSYNC_HUBSPOT_PORTAL=7"}, state: stateFix, check: "hubspot portal", do: "hubspot.portal"},
		"a stage":                          {settings: "mapping: {stages: {lead: nowhere}}\n", state: stateFix, check: "hubspot stage", do: "nowhere"},
		"a clock":                          {change: func(r *rig) { r.hubspot.SetSkew(2 * time.Minute) }, state: stateFix, check: "clock", do: "NTP"},
		"a daemon that does not run":       {state: stateFix, check: "reach", do: "crmsyncd serve"},
		"an address of somebody else":      {env: []string{"CRMSYNC_PROBE_URL=" + stranger.URL}, state: stateFix, check: "reach", do: "/healthz"},
		"a variable that nobody reads":     {env: []string{"CRMSYNC_HUBSPOT_TOKN=x"}, state: stateWarn, check: "environment", do: "CRMSYNC_HUBSPOT_TOKN"},
		"nobody is told":                   {state: stateWarn, check: "alerts", do: "CRMSYNC_ALERTS_SLACK_URL"},
		"a notifier that does not answer":  {env: []string{"CRMSYNC_ALERTS_WEBHOOK_URL=http://127.0.0.1:1/"}, state: stateFix, check: "alerts", do: "address"},
		"a collector that is none":         {settings: "tracing: {endpoint: '" + stranger.URL + "'}\n", state: stateFix, check: "traces", do: "404"},
		"a collector":                      {settings: "tracing: {endpoint: '" + newBackend(t).URL + "'}\n", state: stateOK, check: "traces", do: "takes them"},
		"a memory that forgets":            {settings: "store: memory\n", state: stateWarn, check: "store", do: "forgets"},
		"PostgreSQL that is down":          {settings: "store: postgres\n", env: []string{"CRMSYNC_POSTGRES_URL=postgres://127.0.0.1:1/x"}, state: stateFix, check: "store", do: "crmsyncd migrate"},
		"what only people can set up":      {state: stateNote, check: "bird flow", do: "docs/bird-flows.md"},
		"a rest that is sound nonetheless": {env: []string{"CRMSYNC_BIRD_ACCESS_KEY=wrong"}, state: stateOK, check: "hubspot token", do: "answers"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, c.settings, c.env...)
			if c.change != nil {
				c.change(r)
			}
			var got examined
			r.object(exitFound, &got, "doctor", "--test-alerts")
			if got.Healthy || !got.finds(c.state, c.check, c.do) {
				t.Errorf("no %s of %s that says %q: %+v", c.state, c.check, c.do, got.Findings)
			}
		})
	}
}
