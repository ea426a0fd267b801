//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/sync"
)

// findings are what is wrong at rest.
type findings struct {
	lost, doubled, other []string
	values               []value // those of what is lost that were entered
	// forgotten is what a server lost after it had acknowledged it, each with
	// what excuses it. Nothing else that is missing is excused.
	forgotten []string
}

// A value is one that a person entered.
type value struct {
	of      *person
	field   string // the flow's name of it
	side    sync.Side
	entered string
	at      time.Time
	missing string // how it shows that it is lost
}

func (f *findings) lose(format string, args ...any) {
	f.lost = append(f.lost, fmt.Sprintf(format, args...))
}
func (f *findings) double(format string, args ...any) {
	f.doubled = append(f.doubled, fmt.Sprintf(format, args...))
}
func (f *findings) excuse(format string, args ...any) {
	f.forgotten = append(f.forgotten, fmt.Sprintf(format, args...))
}
func (f *findings) add(format string, args ...any) {
	f.other = append(f.other, fmt.Sprintf(format, args...))
}

// judge compares both simulators with what their people did, past the sync.
func (v *town) judge() *findings {
	f := &findings{}
	for _, p := range v.people {
		v.meet(p)
		v.judgePerson(f, p)
	}
	if here, there := len(v.bird.Contacts()), len(v.hubspot.Contacts()); max(here, there) > len(v.people) {
		f.double("there are %d people, %d contacts in Bird and %d in HubSpot", len(v.people), here, there)
	}
	v.judgeNotes(f)
	return f
}

// judgePerson looks for the values entered last on both sides.
func (v *town) judgePerson(f *findings, p *person) {
	props, ok := v.hubspot.Contact(p.hubspot)
	contact, known := v.bird.Contact(p.bird)
	if !ok || !known {
		f.lose("%s is not on both sides: bird %q, hubspot %q", p.email, p.bird, p.hubspot)
		return
	}
	field := func(name string) string {
		text, _ := contact.Field(name).(string)
		return text
	}
	emails := sync.Right
	if p.fromBird {
		emails = sync.Left
	}
	for _, c := range []struct {
		name, want, left, right string
		entered                 sync.Side
	}{
		{"link", p.bird + " " + p.hubspot, p.bird + " " + field("external_id"), props["custom_bird_contact_id"] + " " + p.hubspot, 0},
		{"email", p.email, field("email"), props["email"], emails},
		{"property_interest", p.interest, field("property_interest"), props["urbanhub_property_interest"], sync.Left},
		{"property_preferences", p.preferences, field("attributes.propertyInterest"), props["property_preferences"], sync.Right},
	} {
		if c.left != c.want || c.right != c.want {
			f.lose("%s of bird %s and hubspot %s: entered %q, Bird has %q and HubSpot %q", c.name, p.bird, p.hubspot, c.want, c.left, c.right)
			f.values = append(f.values, value{of: p, field: c.name, side: c.entered, entered: c.want, at: p.entered[c.name], missing: f.lost[len(f.lost)-1]})
		}
	}
}

// judgeNotes looks for exactly one note of each fact, at its contact.
func (v *town) judgeNotes(f *findings) {
	of := map[string][]string{} // notes by reason
	for id, props := range v.hubspot.Objects("notes") {
		reason := reasonOf(props["hs_note_body"])
		of[reason] = append(of[reason], id)
	}
	for _, fact := range v.facts {
		notes := of[fact.reason]
		delete(of, fact.reason)
		var at []string // contacts
		if len(notes) > 0 {
			at = v.hubspot.Associated("notes", notes[0], "contacts")
		}
		gone, forgettable := v.forgettable(fact)
		switch {
		case len(notes) > 1:
			f.double("%d notes tell %s", len(notes), fact.reason)
		case len(at) == 0 && forgettable: // without its note, or in the middle of it
			f.excuse("%s of bird %s: its webhook was taken between %s and %s, of which Redis lost the log",
				fact.reason, fact.about.bird, gone.from.Format(stamp), gone.to.Format(stamp))
		case len(notes) == 0:
			f.lose("no note tells %s of bird %s", fact.reason, fact.about.bird)
		case !slices.Equal(at, []string{fact.about.hubspot}):
			f.add("note %s of %s is at contacts %q, not at %s alone", notes[0], fact.reason, at, fact.about.hubspot)
		}
	}
	for reason, notes := range of {
		f.double("%d notes tell %q, which nobody told", len(notes), reason)
	}
}

// forgettable returns the span in which a fact was acknowledged when that
// meant nothing, if there is one.
func (v *town) forgettable(f fact) (gone span, ok bool) {
	at, ok := v.taken.Load(f.reason)
	if !ok {
		return span{}, false
	}
	i := slices.IndexFunc(v.gone, func(s span) bool { return at.(time.Time).After(s.from) && at.(time.Time).Before(s.to) })
	if i < 0 {
		return span{}, false
	}
	return v.gone[i], true
}

// patience is how long everything may take to come to rest.
const patience = 3 * time.Minute

// rest waits until nothing is left to do and nothing is wrong, or patience ends, and
// returns what is wrong then.
func (v *town) rest(ctx context.Context, f *fleet) *findings {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last error
	for calm := 0; ctx.Err() == nil && calm < 5; {
		calm++
		// What is there twice stays so, all else may still come.
		if found := v.findings(ctx, f); len(found.lost)+len(found.other) > 0 {
			calm = 0
		}
		if last = v.resting(ctx, f); last != nil {
			calm = 0
		}
		pause(ctx, 200*time.Millisecond)
	}
	found := v.findings(context.WithoutCancel(ctx), f)
	if ctx.Err() != nil && last != nil {
		found.add("no rest in %s: %v", patience, last)
	}
	return found
}

// findings are what is wrong, without what has been told of a store that went
// back to an earlier state: what the sync had written since then looks like an
// edit beside the next one.
func (v *town) findings(ctx context.Context, f *fleet) *findings {
	found := v.judge()
	for _, lost := range found.values {
		if v.wentBack.IsZero() {
			continue
		}
		if told := f.told(ctx, lost, v.wentBack); told != "" {
			found.lost = slices.DeleteFunc(found.lost, func(l string) bool { return l == lost.missing })
			found.excuse("%s: the store went back at %s, and %s", lost.missing, v.wentBack.Format(stamp), told)
		}
	}
	return found
}

// resting tells what is still going on.
func (v *town) resting(ctx context.Context, f *fleet) error {
	if err := v.bird.WaitWebhooks(ctx); err != nil {
		return err
	}
	if err := v.hubspot.WaitWebhooks(ctx); err != nil {
		return err
	}
	books, err := f.books(ctx, "")
	if err == nil && len(books) < len(f.members) {
		err = fmt.Errorf("%d of %d processes serve", len(books), len(f.members))
	}
	for _, b := range books {
		if err == nil && b.Waiting > 0 {
			err = fmt.Errorf("%d messages wait", b.Waiting)
		}
	}
	return err
}

// audit adds what the engine itself finds to what is wrong, and returns the
// agreement of all pairs.
func (f *findings) audit(ctx context.Context, fleet *fleet) (sync.Tally, error) {
	books, err := fleet.books(ctx, "?whole")
	if err == nil && len(books) == 0 {
		err = errors.New("no process serves")
	}
	if err != nil {
		return sync.Tally{}, err
	}
	b := books[0]
	if b.Dead > 0 {
		f.add("%d dead letters: %s", b.Dead, strings.Join(b.Causes, "; "))
	}
	if b.Open > 0 {
		f.add("%d intents are open", b.Open)
	}
	for _, a := range b.Audit.Faults {
		f.add("audit: %s at entry %d of %s:\n%s", a.Rule, a.Seq, a.Link, strings.Join(b.Chains, "\n"))
	}
	var all sync.Tally
	for name, a := range b.Agreement {
		all.Compared, all.Equal, all.Skipped = all.Compared+a.Compared, all.Equal+a.Equal, all.Skipped+a.Skipped
		if a.Missing > 0 || a.Skipped > 0 || a.Equal != a.Compared {
			f.add("%s: %d of %d fields agree, %d skipped, %d records missing", name, a.Equal, a.Compared, a.Skipped, a.Missing)
		}
	}
	if b.Audit.Entries == 0 || all.Compared == 0 {
		f.add("%d entries of audit and %d compared fields of %s prove nothing", b.Audit.Entries, all.Compared, hubspot.System)
	}
	return all, nil
}
