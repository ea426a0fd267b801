package bird

import (
	"cmp"
	"errors"
	"io"
	"regexp"
	"strings"
	"text/tabwriter"

	"github.com/urbanhub/crmsync/sync"
)

// A Report is what [Adapter.Setup] found and did. It encodes as JSON, and
// holds neither signing keys nor addresses of others.
type Report struct {
	WorkspaceID string `json:"workspaceId"`
	Lines       []Line `json:"lines"`
}

// A State is what became of one line of a [Report].
type State string

// The states.
const (
	Exists      State = "exists"       // it is as needed
	Created     State = "created"      // it was missing
	Changed     State = "changed"      // it was wrong, or has a new signing key
	Removed     State = "removed"      // it was ours twice
	WouldCreate State = "would create" // a dry run, or else created
	WouldChange State = "would change" // a dry run, or else changed
	WouldRemove State = "would remove" // a dry run, or else removed
	Warning     State = "warning"      // it works, but somebody should look at it
	ByHand      State = "by hand"      // a person does it, and Bird has no call that tells whether it is done
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
	e := &sync.Error{Op: "bird: setup " + l.What, Action: sync.Fatal, Ref: sync.Ref{System: System, Kind: l.Kind},
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
// a [*sync.Error]. It is nil when the workspace is as needed as far as Bird
// tells, or would be after a dry run's changes.
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
		_, _ = io.WriteString(t, strings.Join([]string{string(l.State), l.What, cmp.Or(l.Name, "-"), l.Note}, "\t")+"\n")
	}
	_ = t.Flush() // a builder takes everything
	return blanksAtEnd.ReplaceAllString(b.String(), "")
}

// blanksAtEnd are those that the table puts in the place of a missing note.
var blanksAtEnd = regexp.MustCompile(`(?m) +$`)
