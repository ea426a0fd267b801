//go:build unix

package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/sync"
)

// whyPath is where an engine explains a contact of HubSpot.
const whyPath = "/why"

// why tells all decisions about a contact.
func (e *engineProcess) why(w http.ResponseWriter, r *http.Request) {
	ref := sync.Ref{System: hubspot.System, Kind: hubspot.Contact, ID: r.URL.Query().Get("id")}
	story, err := e.engine.Explain(r.Context(), e.set.Flows[0].Name, ref)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	_ = json.NewEncoder(w).Encode(story) // the reader sees it is cut
}

// explain asks the first process that serves.
func (f *fleet) explain(ctx context.Context, p *person) (story sync.Explanation, err error) {
	serving := f.addresses()
	if len(serving) == 0 {
		return story, errors.New("no process serves")
	}
	said, err := ask(ctx, "http://"+serving[0]+whyPath+"?id="+p.hubspot)
	if err == nil {
		err = json.Unmarshal(said, &story)
	}
	return story, err
}

// told returns what the audit tells of a value that is lost, "" for nothing
// that excuses it.
func (f *fleet) told(ctx context.Context, v value, since time.Time) string {
	story, err := f.explain(ctx, v.of)
	if err != nil {
		return ""
	}
	for _, field := range story.Fields {
		if field.Field == v.field {
			return gaveWay(field.Steps, v, since)
		}
	}
	return ""
}

// gaveWay tells how a value gave way since the store went back, when nobody
// could know any more which of two edits was the later, or that they had met
// before. That is in the audit. An edit of just the moment in which another
// value gave way is overwritten unseen: Bird has no compare-and-set and no
// history. By other rules nothing is written where people enter it.
func gaveWay(steps []sync.Step, v value, since time.Time) string {
	for _, s := range steps {
		lost, ok := s.Lost()
		if !ok || !s.At.After(since) || !s.Ambiguous && s.Rule != "firstsync.owner" {
			continue
		}
		at := s.At.Format(stamp)
		switch {
		case lost.String() == v.entered:
			return "the audit tells at " + at + " that it gave way by " + s.Rule
		case s.Written && s.Winner != v.side && s.At.Sub(v.at).Abs() < lease:
			return "it was entered at " + v.at.Format(stamp) + ", just when the value before it gave way by " + s.Rule + ", as the audit tells at " + at
		}
	}
	return ""
}

const stamp = "15:04:05.000"

// why writes down what is known about a person of whom something is wrong.
func (g *ground) why(ctx context.Context, p *person) string {
	var b strings.Builder
	for _, property := range []string{"email", "urbanhub_property_interest", "property_preferences"} {
		for _, rev := range g.town.hubspot.History(p.hubspot, property) {
			_, _ = fmt.Fprintf(&b, "%s HubSpot's %s became %q by %v\n", rev.At.Format(stamp), property, rev.Value, rev.By)
		}
	}
	story, err := g.fleet.explain(ctx, p)
	if err != nil {
		_, _ = fmt.Fprintln(&b, err)
	}
	for _, f := range story.Fields {
		for _, s := range f.Steps {
			_, _ = fmt.Fprintf(&b, "%s %s: %s by %s, winner %s, ambiguous %t, written %t, before %q, after %q\n",
				s.At.Format(stamp), f.Field, s.Outcome, s.Rule, s.Winner, s.Ambiguous, s.Written, s.Before, s.After)
		}
	}
	for _, n := range story.Events {
		_, _ = fmt.Fprintln(&b, n.At.Format(stamp), n.Kind, n.Note)
	}
	return b.String()
}

// ask gets what a process tells.
func ask(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	said, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, said)
	}
	return said, err
}
