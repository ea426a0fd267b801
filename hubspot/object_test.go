package hubspot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// samples are the properties of a new record of each kind.
var samples = map[sync.Kind]map[string]string{
	hubspot.Contact:       {"email": "ada@example.com", "firstname": "Ada"},
	hubspot.Deal:          {"dealname": "Two rooms", "pipeline": "default", "dealstage": "qualifiedtobuy"},
	hubspot.Note:          {"hs_timestamp": "2026-11-02T10:00:00Z", "hs_note_body": "Asked for two rooms."},
	hubspot.Task:          {"hs_timestamp": "2026-11-02T10:00:00Z", "hs_task_subject": "Call back"},
	hubspot.Meeting:       {"hs_timestamp": "2026-11-02T10:00:00Z", "hs_meeting_title": "Tour"},
	hubspot.Communication: {"hs_timestamp": "2026-11-02T10:00:00Z", "hs_communication_channel_type": "WHATS_APP", "hs_communication_logged_from": "CRM"},
}

func of(kind sync.Kind, w sync.Write) sync.Write {
	w.Ref.Kind = kind
	return w
}

// Records of every kind are created, read, changed, dated and deleted alike.
func TestEveryKindIsWrittenAndRead(t *testing.T) {
	for kind, properties := range samples {
		inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
			made := a.apply(of(kind, write("", properties)))[0]
			if made.Err != nil || !made.Created || made.Record.Kind != kind {
				t.Fatalf("%s created: %+v", kind, made)
			}
			time.Sleep(time.Hour)
			id, name := made.Record.ID, a.hs.Projection(kind)[0]
			if kind != hubspot.Contact && kind != hubspot.Deal {
				name = a.hs.Projection(kind)[1]
			}
			value := map[string]string{"email": "eva@example.com", "hs_communication_channel_type": "SMS"}[name]
			if value == "" {
				value = "new words"
			}
			if r := a.apply(of(kind, write(id, map[string]string{name: value})))[0]; r.Err != nil {
				t.Fatalf("%s updated: %v", kind, r.Err)
			}
			recs, err := a.hs.Read(t.Context(), kind, []string{id, "987654321"})
			if err != nil || recs[0].Kind != kind || !strings.Contains(recs[0].Fields[name].String(), value) || recs[0].UpdatedAt.IsZero() || !recs[1].Deleted {
				t.Errorf("%s read: %+v, %v", kind, recs, err)
			}
			times, err := a.hs.Times(t.Context(), kind, []string{id}, []string{name})
			if err != nil || time.Since(times[0][name]) > time.Minute {
				t.Errorf("%s: times %v, %v", kind, times, err)
			}
			for range 2 { // what is gone already is as it should be
				if r := a.apply(of(kind, sync.Write{Ref: made.Record.Ref, Delete: true}))[0]; r.Err != nil || !r.Record.Deleted {
					t.Errorf("%s deleted: %+v", kind, r)
				}
			}
			if recs, err := a.hs.Read(t.Context(), kind, []string{id}); err != nil || !recs[0].Deleted {
				t.Errorf("%s after deletion: %+v, %v", kind, recs, err)
			}
		})
	}
}

func TestANewRecordNeedsWhatItsKindRequires(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		for kind, missing := range map[sync.Kind]string{hubspot.Deal: "dealstage", hubspot.Note: "hs_timestamp",
			hubspot.Communication: "hs_communication_logged_from"} {
			w := of(kind, write("", samples[kind]))
			delete(w.Fields, missing)
			if e := failure(t, a.apply(w)[0]); e.Action != sync.Invalid || e.Field != missing {
				t.Errorf("%s: %v", kind, e)
			}
		}
		if n := a.calls(""); n != 0 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestDealsAreFoundByAUniqueProperty(t *testing.T) {
	opts := hubspot.Options{Objects: map[sync.Kind]hubspot.Object{hubspot.Deal: {Unique: []string{"conversation_id"}}}}
	inAccount(t, hubspottest.Options{}, opts, func(t *testing.T, a account) {
		a.sim.DefinePropertyOn("deals", hubspottest.Property{Name: "conversation_id", Type: "string", FieldType: "text", HasUniqueValue: true})
		w := of(hubspot.Deal, write("", samples[hubspot.Deal]))
		w.Key, w.Fields["conversation_id"] = "conversation_id", sync.Text("c-1")
		first, second := a.apply(w)[0], a.apply(w)[0]
		if first.Err != nil || !first.Created || second.Err != nil || second.Created || second.Record.ID != first.Record.ID {
			t.Fatalf("got %+v, %+v", first, second)
		}
		found, err := a.hs.Match(t.Context(), hubspot.Deal, []sync.Probe{probe("conversation_id", "c-1")})
		if err != nil || len(found[0].Candidates) != 1 || found[0].Candidates[0].Ref != first.Record.Ref {
			t.Errorf("got %+v, %v", found, err)
		}
		if _, err := a.hs.Match(t.Context(), hubspot.Deal, []sync.Probe{probe("email", "x@example.com")}); sync.ActionOf(err) != sync.Fatal {
			t.Errorf("deals by email: %v", err)
		}
	})
}
