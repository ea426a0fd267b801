package pgstore

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
)

// attempt is one call, as both stores get it.
type attempt struct {
	now    time.Time
	commit sync.Commit
	intent *sync.Intent // of Begin, nil for Commit
}

// on makes the call on the model.
func (a *attempt) on(t *rapid.T, model *memstore.Store) error {
	var err error
	if a.intent != nil {
		_, err = model.Begin(t.Context(), a.now, a.commit.Link, *a.intent, a.commit.Entries...)
	} else {
		_, err = model.Commit(t.Context(), a.now, a.commit)
	}
	return err
}

// change is the call as part of a batch.
func (a *attempt) change(t *rapid.T) *change {
	link := a.commit.Link
	ch := &change{now: a.now, link: &link, forget: a.commit.Forget}
	if a.intent == nil && link.Intent != nil {
		ch.own = &a.commit.Link.Intent.ID
	}
	link.Intent = a.intent
	if err := ch.encode(a.commit.Base, a.commit.Entries); err != nil {
		t.Fatal(err)
	}
	return ch
}

// drawAttempt draws a call about a few links and records, often with the
// generation that is the present one.
func drawAttempt(t *rapid.T, flow string, model *memstore.Store) *attempt {
	ref := func(system sync.System) sync.Ref {
		return sync.Ref{System: system, Kind: "contact", ID: rapid.SampledFrom([]string{"", "1", "2", "3"}).Draw(t, "record")}
	}
	link := sync.Link{ID: flow + rapid.SampledFrom([]string{"-a", "-b", "-c"}).Draw(t, "link"), Flow: flow, State: sync.Active, Left: ref("crm"), Right: ref("chat")}
	all, err := model.Links(t.Context(), flow, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		if l.ID == link.ID && rapid.IntRange(0, 9).Draw(t, "present") > 0 {
			link.Generation, link.Intent = l.Generation, l.Intent
		}
	}
	a := &attempt{now: noon.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "minutes")) * time.Minute), commit: sync.Commit{Link: link}}
	key := rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "key")
	if key != "" {
		key = flow + key
	}
	a.commit.Entries = []sync.Entry{{Flow: flow, Link: link.ID, Key: key, At: a.now}}
	switch rapid.IntRange(0, 4).Draw(t, "what") {
	case 0, 1:
		a.intent = &sync.Intent{ID: rapid.SampledFrom([]string{"i", "j"}).Draw(t, "intent"), Expires: noon.Add(2 * time.Minute)}
	case 2:
		a.commit.Base = &sync.Base{Left: sync.Shadow{Fields: sync.Fields{"n": sync.Number(fmt.Sprint(link.Generation))}}}
	case 3:
		a.commit.Forget = true
	}
	return a
}

// Calls that share a transaction come to what they come to one after another
// in memory.
func TestBatchesAreSequences(t *testing.T) {
	s, runs := newStore(t), 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		flow, model := fmt.Sprint("flow-", runs), memstore.New()
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			var changes []*change
			var want []error
			for range rapid.IntRange(1, 6).Draw(t, "calls") {
				a := drawAttempt(t, flow, model)
				changes, want = append(changes, a.change(t)), append(want, a.on(t, model))
			}
			outs, err := s.write(t.Context(), changes)
			if err != nil {
				t.Fatal(err)
			}
			for i := range outs {
				if !errors.Is(outs[i].err, want[i]) {
					t.Fatalf("call %d came to %v, want %v", i, outs[i].err, want[i])
				}
			}
		}
		compare(t, s, model, flow)
	})
}

// compare compares all that the stores tell of a flow.
func compare(t *rapid.T, s *Store, model *memstore.Store, flow string) {
	ctx := t.Context()
	links, err := model.Links(ctx, flow, "", 10)
	got, gotErr := s.Links(ctx, flow, "", 10)
	same(t, "links", got, links, gotErr, err)
	for _, l := range links {
		base, err := model.Base(ctx, l.ID)
		got, gotErr := s.Base(ctx, l.ID)
		same(t, "base", got, base, gotErr, err)
	}
	for _, system := range []sync.System{"crm", "chat"} {
		for _, id := range []string{"1", "2", "3"} {
			ref := sync.Ref{System: system, Kind: "contact", ID: id}
			link, err := model.Link(ctx, flow, ref)
			got, gotErr := s.Link(ctx, flow, ref)
			same(t, "link of "+ref.String(), got, link, gotErr, err)
		}
	}
	entries, err := model.Entries(ctx, sync.AuditFilter{Flow: flow})
	stored, gotErr := s.Entries(ctx, sync.AuditFilter{Flow: flow})
	for i := range stored {
		if i > 0 && stored[i].Seq != stored[0].Seq+int64(i) {
			t.Fatalf("entry %d follows entry %d", stored[i].Seq, stored[0].Seq+int64(i)-1)
		}
	}
	for i := range stored {
		stored[i].Seq = int64(i) + 1
	}
	same(t, "entries", stored, entries, gotErr, err)
}

func same(t *rapid.T, what string, got, want any, gotErr, wantErr error) {
	d := cmp.Diff(want, got, cmp.Comparer(func(a, b sync.Value) bool { return a == b }))
	if d != "" || !errors.Is(gotErr, wantErr) {
		t.Fatalf("%s: error %v, want %v, and what it tells differs (-want +got):\n%s", what, gotErr, wantErr, d)
	}
}
