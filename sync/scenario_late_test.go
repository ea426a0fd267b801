package sync_test

import (
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// staging has facts move a stage of their right record on.
func staging(clock string) func(*world) {
	return func(w *world) {
		w.cfg.Activities = []*sync.Activity{{
			Name: "stage", Fact: "moved", System: rightSystem, Kind: contact, Update: true, Clock: clock,
			Relate: []sync.Relation{{Flow: "people", Required: true}},
			Render: func(f sync.Fact) (sync.Fields, error) {
				fields := texts("at", f.OccurredAt.UTC().Format(time.RFC3339Nano), "stage", f.Data["stage"].(string))
				if score, told := f.Data["score"].(string); told {
					fields["score"] = sync.Text(score)
				}
				return fields, nil
			},
		}}
	}
}

// A fact that comes late fills what is blank and takes nothing back.
func TestLateFactOverwritesNothing(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("name", "Ana")
		moved := func(id, stage string, ago time.Duration, more ...string) {
			f := sync.Fact{ID: id, Type: "moved", Subject: left, OccurredAt: time.Now().Add(-ago), Data: map[string]any{"stage": stage}}
			if len(more) > 0 {
				f.Data["score"] = more[0]
			}
			w.accept(f)
			w.settle()
		}
		moved("lease", "signed", 0)
		w.takeWritesOf()
		moved("tour", "tour", time.Hour)
		w.wrote() // all that it says is known
		moved("qualified", "qualified", 2*time.Hour, "85")
		w.wrote("R1 score")
		moved("scored", "qualified", 3*time.Hour, "10")
		w.wrote()
		w.holds(w.right, right, "stage", "signed")
		w.holds(w.right, right, "score", "85")
		time.Sleep(time.Minute)
		moved("moved out", "left", 0)
		w.holds(w.right, right, "stage", "left")
		if n := len(w.entries(sync.EntryRecorded)); n != 5 {
			t.Errorf("%d facts recorded, want 5", n)
		}
		w.noDead()
	}, staging("at"))
}

func TestClockIsAFieldThatIsRead(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Peers[rightSystem] = sync.Peer{Source: projecting{w.right, w.flow.Names(sync.Right)}, Sink: w.right}
		if _, err := sync.New(w.cfg); err != nil {
			t.Fatal(err)
		}
		w.cfg.Activities[0].Clock = "at"
		if _, err := sync.New(w.cfg); sync.ActionOf(err) != sync.Fatal {
			t.Errorf("a clock that nobody reads: %v", err)
		}
	}, staging(""))
}
