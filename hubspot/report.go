package hubspot

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/tabwriter"

	"github.com/urbanhub/crmsync/sync"
)

// A Report is what [Adapter.Setup] found and did. It encodes as JSON.
type Report struct {
	// PortalID is HubSpot's number of the account, TimeZone the IANA name of
	// the time zone in which its days begin.
	PortalID     int64        `json:"portalId"`
	TimeZone     string       `json:"timeZone"`
	Lines        []Line       `json:"lines"`
	Capabilities Capabilities `json:"capabilities"`
}

// Capabilities are what an account offers beyond what every account does.
type Capabilities struct {
	// UniqueActivities tells of each kind in Schema.Activities whether its
	// records can be created by their unique key. Where they cannot, an
	// activity is looked for among those of its contact.
	UniqueActivities map[sync.Kind]bool `json:"uniqueActivities"`
	// CustomEvents tells whether the custom events of the schema can be
	// sent. Otherwise workflows are triggered by changes of properties.
	CustomEvents bool `json:"customEvents"`
	// EventNames are the full names, such as "pe123_tour_booked", by which
	// events are sent, by their names in the schema.
	EventNames map[string]string `json:"eventNames,omitempty"`
}

// A State is what became of one line of a [Report].
type State string

// The states.
const (
	Exists      State = "exists"       // it is as needed
	Created     State = "created"      // it was missing
	Changed     State = "changed"      // it lacked options, which were added
	WouldCreate State = "would create" // a dry run, or else created
	WouldChange State = "would change" // a dry run, or else changed
	Unavailable State = "unavailable"  // the account does not offer it, and there is another way
	Excess      State = "excess"       // more than is needed, which is not as safe
	Person      State = "person"       // a person must do what the note says
	Failed      State = "error"        // it contradicts the schema, or could not be looked at
)

// A Line is one row of a [Report].
type Line struct {
	Finding
	State State `json:"state"`
	// Err is why the line failed, when a call did.
	Err error `json:"-"`
}

// err is what is wrong with the line, nil for nothing.
func (l Line) err() error {
	if l.State != Failed && l.State != Person {
		return nil
	}
	op := strings.Join(strings.Fields("hubspot: setup "+string(l.Kind)+" "+l.What), " ")
	e := &sync.Error{Op: op, Action: sync.Fatal, Ref: sync.Ref{System: System, Kind: l.Kind},
		Field: cmp.Or(l.Name, l.What), Rule: l.Rule, Hint: l.Note, Err: l.Err}
	if l.Err != nil {
		e.Action = sync.ActionOf(l.Err)
	}
	var call *sync.Error
	if errors.As(l.Err, &call) {
		e.Err = call.Err // what else it says, the line does
	}
	return e
}

// Err joins what is wrong: the lines of the states Person and Failed, each as
// a [*sync.Error]. It is nil when the account is as needed, or would be after
// a dry run's changes.
func (r *Report) Err() error {
	errs := make([]error, len(r.Lines))
	for i, l := range r.Lines {
		errs[i] = l.err()
	}
	return errors.Join(errs...)
}

// WriteTo implements [io.WriterTo]: a table for people.
func (r *Report) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, r.String())
	return int64(n), err
}

// String returns the table that WriteTo writes.
func (r *Report) String() string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, l := range r.Lines {
		fmt.Fprintln(t, strings.Join([]string{string(l.State), l.What, cmp.Or(string(l.Kind), "-"), cmp.Or(l.Name, "-"), l.Note}, "\t"))
	}
	_ = t.Flush() // a builder takes everything
	return blanksAtEnd.ReplaceAllString(b.String(), "")
}

// blanksAtEnd are those that the table puts in the place of a missing note.
var blanksAtEnd = regexp.MustCompile(`(?m) +$`)
