package hubspot_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

func TestSetupOfAFreshAccount(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		need := urban(t)
		dry, err := a.setup(need, hubspot.SetupOptions{DryRun: true})
		if err != nil || a.writes() != 0 || count(dry, hubspot.WouldCreate) != 2+11+4+4 {
			t.Fatalf("a dry run made %d writes: %v\n%s", a.writes(), err, dry)
		}
		first, err := a.setup(need, hubspot.SetupOptions{})
		if err != nil || count(first, hubspot.Created) != 2+11+4+4 {
			t.Fatalf("%v\n%s", err, first)
		}
		if first.PortalID != a.sim.PortalID || first.TimeZone != "America/Bogota" {
			t.Errorf("account %d in %s", first.PortalID, first.TimeZone)
		}
		want := map[sync.Kind]bool{"note": true, "task": true, "meeting": true, "communication": true}
		if diff := cmp.Diff(want, first.Capabilities.UniqueActivities); diff != "" {
			t.Error(diff)
		}
		a.sim.Log().Reset()
		second, err := a.setup(need, hubspot.SetupOptions{})
		if err != nil || count(second, hubspot.Exists) != len(second.Lines) || len(second.Lines) != len(first.Lines) {
			t.Errorf("%v\n%s", err, second)
		}
		if a.writes() != 0 {
			t.Errorf("the second run made %d writes", a.writes())
		}
		if diff := cmp.Diff(first.Capabilities, second.Capabilities); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSetupCreatesWhatItSays(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		if _, err := a.setup(urban(t), hubspot.SetupOptions{}); err != nil {
			t.Fatal(err)
		}
		deals, err := a.hs.Describe(t.Context(), hubspot.Deal)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]hubspot.Property{}
		for _, p := range deals {
			got[p.Name] = p
		}
		if p := got["conversation_id"]; !p.Unique || p.Type != "string" || p.FieldType != "text" || p.Label != "Bird conversation id" || p.Description == "" {
			t.Errorf("created %+v", p)
		}
		if p := got["tour_scheduled_date"]; p.Type != "datetime" || p.FieldType != "date" || p.Unique {
			t.Errorf("created %+v", p)
		}
		if p := got["hs_lastmodifieddate"]; !p.ReadOnly || !p.Existing {
			t.Errorf("HubSpot's own property is described as %+v", p)
		}
	})
}

func TestSetupWithoutScopes(t *testing.T) {
	scopes := []string{"oauth", "crm.schemas.contacts.read", "crm.schemas.contacts.write", "crm.schemas.deals.read"}
	inFresh(t, hubspottest.Options{Scopes: scopes}, func(t *testing.T, a account) {
		report, err := a.setup(urban(t), hubspot.SetupOptions{})
		got := states(report)
		for what, want := range map[string]hubspot.State{
			"property contact ai_conversation_status": hubspot.Created,
			"group deal bird_sync":                    hubspot.Person,
			"property deal ai_agent_type":             hubspot.Person,
			"property note bird_event_key":            hubspot.Created,
			"pipelines deal":                          hubspot.Person,
		} {
			if got[what] != want {
				t.Errorf("%s: %q, want %q\n%s", what, got[what], want, report)
			}
		}
		if l := line(t, report, "group", "bird_sync"); l.State != hubspot.Created {
			t.Errorf("group of contacts: %+v", l)
		}
		var e *sync.Error
		if !errors.As(err, &e) || e.Action != sync.Denied || !strings.Contains(err.Error(), "crm.schemas.deals.write") {
			t.Errorf("error %v", err)
		}
		if strings.Contains(report.String(), a.sim.Token) || strings.Contains(err.Error(), a.sim.Token) {
			t.Error("the token is told")
		}
	})
}

// What the token may do beyond the need is told, and is no error.
func TestSetupTellsExcessScopes(t *testing.T) {
	scopes := []string{"oauth", "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.write", "crm.schemas.contacts.read",
		"crm.objects.deals.write", "content", "crm.lists.write"}
	contacts := hubspot.Schema{Group: "bird_sync", Properties: []hubspot.Property{{Kind: hubspot.Contact, Name: "ai_conversation_status", Label: "Status"}}}
	inFresh(t, hubspottest.Options{Scopes: scopes}, func(t *testing.T, a account) {
		report, err := a.setup(contacts, hubspot.SetupOptions{})
		var excess []string
		for _, l := range report.Lines {
			if l.State == hubspot.Excess {
				excess = append(excess, l.Name)
			}
		}
		if diff := cmp.Diff([]string{"crm.objects.deals.write", "content", "crm.lists.write"}, excess); diff != "" || err != nil {
			t.Error(err, diff)
		}
		if strings.Contains(report.String(), a.sim.Token) {
			t.Error("the token is told")
		}
	})
}

func TestSetupWhereActivitiesTakeNoUniqueValues(t *testing.T) {
	inFresh(t, hubspottest.Options{RejectUniqueOnActivities: true}, func(t *testing.T, a account) {
		for range 2 { // the second finds what the first created
			report, err := a.setup(urban(t), hubspot.SetupOptions{})
			want := map[sync.Kind]bool{"note": false, "task": false, "meeting": false, "communication": false}
			if diff := cmp.Diff(want, report.Capabilities.UniqueActivities); diff != "" || err != nil {
				t.Error(err, diff)
			}
			if l := line(t, report, "property", "bird_event_key"); !strings.Contains(l.Note, "without unique values") {
				t.Errorf("%+v", l)
			}
		}
	})
}

func TestSetupsAtTheSameTime(t *testing.T) {
	inFresh(t, hubspottest.Options{Burst: -1}, func(t *testing.T, a account) {
		need, errs := urban(t), make(chan error)
		for range 3 {
			go func() {
				_, err := a.hs.Setup(context.WithoutCancel(t.Context()), need, hubspot.SetupOptions{})
				errs <- err
			}()
		}
		for range 3 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestSetupOfABrokenConnection(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		a.sim.Down(true)
		report, err := a.setup(urban(t), hubspot.SetupOptions{})
		if sync.ActionOf(err) != sync.Retry || len(report.Lines) != 1 {
			t.Errorf("%v\n%s", err, report)
		}
		a.sim.Down(false)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := a.hs.Setup(ctx, urban(t), hubspot.SetupOptions{}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestReportIsJSON(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		report, err := a.setup(urban(t), hubspot.SetupOptions{})
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		var back hubspot.Report
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(*report, back); diff != "" {
			t.Error(diff)
		}
	})
}

// The day's quota comes back at midnight in the account's time zone, which
// both set-up and watcher learn.
func TestSetupAndWatchLearnTheTimeZone(t *testing.T) {
	for name, learn := range map[string]func(t *testing.T, a account){
		"set-up": func(t *testing.T, a account) {
			if _, err := a.setup(hubspot.Schema{}, hubspot.SetupOptions{DryRun: true}); err != nil {
				t.Fatal(err)
			}
		},
		"watcher": func(t *testing.T, a account) {
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			if err := a.hs.Watch(ctx, hubspot.Schema{}, hubspot.WatchOptions{}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inFresh(t, hubspottest.Options{Daily: 2}, func(t *testing.T, a account) {
				learn(t, a)
				var e *sync.Error
				for e == nil {
					_, err := a.hs.Describe(t.Context(), hubspot.Deal)
					errors.As(err, &e)
				}
				bogota := time.FixedZone("Bogotá", -5*60*60)
				if at := e.RetryAt.In(bogota); e.Action != sync.RetryAt || at.Hour() != 0 || at.Minute() > 5 || time.Until(at) > 24*time.Hour {
					t.Errorf("at %v HubSpot is left alone until %v", time.Now().In(bogota), at)
				}
			})
		})
	}
}
