//go:build unix

package chaos

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// The judge sees what it is there for: a town in which no sync ran has lost
// everything, and what is there twice is counted.
func TestTheJudgeSees(t *testing.T) {
	v, err := newTown(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer v.close()
	left, err := v.bird.Create(map[string]any{"name": "Lead", "email": "lead@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	p := &person{fromBird: true, bird: left, email: "lead@example.com", interest: "home 1"}
	v.people = append(v.people, p)
	expect := func(what string, lost, doubled, other, forgotten int) {
		t.Helper()
		f := v.judge()
		if len(f.lost) != lost || len(f.doubled) != doubled || len(f.other) != other || len(f.forgotten) != forgotten {
			t.Errorf("%s: found %+v, want %d lost, %d doubled, %d other and %d forgotten", what, *f, lost, doubled, other, forgotten)
		}
	}
	expect("a person who is not in HubSpot", 1, 0, 0, 0)

	p.hubspot = v.hubspot.Create(map[string]string{"email": p.email, "custom_bird_contact_id": left, "urbanhub_property_interest": "home 1"})
	edit := func(fields map[string]any) {
		t.Helper()
		if err := v.bird.Edit(left, fields); err != nil {
			t.Fatal(err)
		}
	}
	edit(map[string]any{"external_id": p.hubspot})
	expect("an edit that Bird lost", 1, 0, 0, 0)
	edit(map[string]any{"property_interest": "home 1"})
	expect("a person whose sides agree", 0, 0, 0, 0)

	other := v.hubspot.Create(map[string]string{"email": "other@example.com"})
	expect("a contact too many", 0, 1, 0, 0)
	v.hubspot.Archive(other)

	v.facts = append(v.facts, fact{about: p, reason: "reason-000000"})
	expect("a fact without a note", 1, 0, 0, 0)
	v.took([]byte(`{"reason":"reason-000000"}`))
	v.gone = append(v.gone, span{time.Now().Add(-time.Minute), time.Now().Add(-time.Second)})
	expect("a fact that was taken later than what is gone", 1, 0, 0, 0)
	v.gone[0].to = time.Now()
	expect("a fact that may be gone", 0, 0, 0, 1)
	note := func() string {
		return v.hubspot.CreateObject("notes", map[string]string{"hs_timestamp": fmt.Sprint(time.Now().UnixMilli()), "hs_note_body": "<p>Reason: reason-000000</p>"})
	}
	first := note()
	expect("a note of nobody, of a fact that may be gone", 0, 0, 0, 1)
	v.gone = nil
	expect("a note of nobody", 0, 0, 1, 0)
	v.hubspot.Associate("notes", first, "contacts", p.hubspot)
	expect("a note", 0, 0, 0, 0)
	note()
	expect("a second note of a fact", 0, 1, 0, 0)
	if err := v.hubspot.WaitWebhooks(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

// Only what gave way to the store's going back is excused.
func TestTheJudgeExcuses(t *testing.T) {
	back := time.Now()
	step := func(change func(*sync.Step)) sync.Step {
		s := sync.Step{At: back.Add(time.Second), Written: true, Decision: sync.Decision{Outcome: sync.Wrote, Rule: "firstsync.owner",
			Winner: sync.Right, Before: [2]sync.Value{sync.Text("before"), sync.Text("other")}, After: sync.Text("other")}}
		change(&s)
		return s
	}
	v := value{side: sync.Left, entered: "entered", at: back.Add(2 * time.Second)}
	for what, c := range map[string]struct {
		change func(*sync.Step)
		want   bool
	}{
		"it is told":                     {func(s *sync.Step) { s.Before[0], s.At = sync.Text("entered"), back.Add(time.Hour) }, true},
		"it is told as ambiguous":        {func(s *sync.Step) { s.Before[0], s.Rule, s.Ambiguous = sync.Text("entered"), "latest", true }, true},
		"it lost by another rule":        {func(s *sync.Step) { s.Before[0], s.Rule = sync.Text("entered"), "latest" }, false},
		"it was told before":             {func(s *sync.Step) { s.Before[0], s.At = sync.Text("entered"), back.Add(-time.Second) }, false},
		"overwritten at that moment":     {func(*sync.Step) {}, true},
		"overwritten, by another rule":   {func(s *sync.Step) { s.Rule = "latest" }, false},
		"nothing was written":            {func(s *sync.Step) { s.Written = false }, false},
		"the other side was written":     {func(s *sync.Step) { s.Winner, s.After = sync.Left, sync.Text("before") }, false},
		"another value long before that": {func(s *sync.Step) { s.At = back.Add(time.Minute) }, false},
	} {
		if got := gaveWay([]sync.Step{step(c.change)}, v, back); (got != "") != c.want {
			t.Errorf("%s: %q", what, got)
		}
	}
}
