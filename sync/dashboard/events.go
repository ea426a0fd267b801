package dashboard

import (
	"net/http"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// eventsShown is how many events a page holds.
const eventsShown = 100

// eventsPage lists what happened lately.
type eventsPage struct {
	Types      []sync.EventType
	Type, Flow string
	Text       string
	Events     []eventLine
	Filtered   bool
}

// An eventLine is an event with what it tells in words.
type eventLine struct {
	sync.Event
	What string
}

func (d *Dashboard) events(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	p := eventsPage{Types: d.opts.Feed.types(), Type: q.Get("type"), Flow: q.Get("flow"), Text: strings.TrimSpace(limited(q.Get("q"), 200))}
	p.Filtered = p.Type != "" || p.Flow != "" || p.Text != ""
	for _, ev := range d.opts.Feed.latest(eventsShown, p.matches) {
		p.Events = append(p.Events, eventLine{ev, tell(&ev)})
	}
	return d.show(w, r, "events", "Events", p)
}

// matches reports whether the page shows an event.
func (p *eventsPage) matches(ev *sync.Event) bool {
	return (p.Type == "" || p.Type == string(ev.Type)) && (p.Flow == "" || p.Flow == ev.Flow) &&
		(p.Text == "" || strings.Contains(strings.ToLower(ev.Ref.String()+" "+tell(ev)), strings.ToLower(p.Text)))
}

// tell says what an event is about, in a few words and without any value.
func tell(ev *sync.Event) string {
	switch {
	case ev.Decision != nil:
		return ev.Decision.Field + ": " + string(ev.Decision.Outcome) + " by " + ev.Decision.Rule
	case ev.Err != nil:
		return limited(ev.Err.Error(), 400)
	case ev.Agreement != nil:
		return percent(ev.Agreement.Ratio()) + " agreement"
	case ev.Progress != nil:
		return ev.Progress.Run
	case ev.Reason != "":
		return "told by " + string(ev.Reason)
	}
	return ""
}
