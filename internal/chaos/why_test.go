//go:build unix

package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
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

// told reports whether the audit tells that a value lost because nobody could
// know any more which of two was the later, or that they had met before, since
// a moment.
func (f *fleet) told(ctx context.Context, p *person, value string, since time.Time) bool {
	story, err := f.explain(ctx, p)
	return err == nil && slices.ContainsFunc(story.Fields, func(s sync.FieldStory) bool {
		return slices.ContainsFunc(s.Steps, func(s sync.Step) bool {
			lost, ok := s.Lost()
			return ok && s.At.After(since) && (s.Ambiguous || s.Rule == "firstsync.owner") && lost.String() == value
		})
	})
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
