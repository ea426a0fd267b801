package dashboard

import (
	"net/http"
	"net/url"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A page is what a template sees.
type page struct {
	Title  string
	Screen string // whose place in the navigation it has
	Name   string
	Theme  string
	Notice string
	Here   string // the address of the page
	Live   bool   // whether it follows what happens
	Now    time.Time
	Data   any

	board *Dashboard
	req   *http.Request
	can   map[string]bool
}

// screens are the places in the navigation.
var screens = []struct{ Path, Name, Key string }{
	{"/", "Overview", "o"}, {"/records", "Records", "r"}, {"/events", "Events", "e"}, {"/dead", "Dead letters", "d"},
	{"/conflicts", "Conflicts", "c"}, {"/audit", "Audit", "a"}, {"/mappings", "Mappings", "m"}, {"/runs", "Runs", "u"}, {"/health", "Health", "h"},
}

// place is where in the navigation a screen belongs.
var place = map[string]string{"overview": "/", "records": "/records", "record": "/records", "undo": "/records", "events": "/events",
	"dead": "/dead", "conflicts": "/conflicts", "audit": "/audit", "mappings": "/mappings", "runs": "/runs", "run": "/runs", "health": "/health"}

// lively are the screens that follow what happens. The others are read at
// leisure, or cost calls of the vendors.
var lively = map[string]bool{"overview": true, "events": true, "dead": true, "runs": true, "run": true, "health": true}

// Screens lists the places in the navigation.
func (p *page) Screens() any { return screens }

// Link returns an address of the dashboard with the given query, a list of
// names and values.
func (p *page) Link(to string, query ...string) string { return p.board.link(to, query...) }

func (d *Dashboard) link(to string, query ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		if query[i+1] != "" {
			q.Set(query[i], query[i+1])
		}
	}
	if len(q) == 0 {
		return d.opts.Prefix + to
	}
	return d.opts.Prefix + to + "?" + q.Encode()
}

// Record returns the address of a record's page, "" if no flow has such
// records.
func (p *page) Record(flow string, ref sync.Ref) string {
	if f, err := p.board.flow(flow); err != nil || !has(f, ref) {
		flow = p.board.flowOf(ref)
	}
	if flow == "" || ref.Zero() {
		return ""
	}
	return p.Link("/record", "flow", flow, "ref", ref.String())
}

func has(f *sync.Flow, ref sync.Ref) bool {
	_, ok := f.SideOf(ref)
	return ok
}

// A named record leads to its page, if it has one.
type named struct{ URL, Text string }

// Ref returns a record to name, nothing for the zero Ref.
func (p *page) Ref(flow string, ref sync.Ref) named {
	if ref.Zero() {
		return named{Text: string(ref.System)}
	}
	return named{p.Record(flow, ref), ref.String()}
}

// flowOf returns the first flow that has such records, "" if none has.
func (d *Dashboard) flowOf(ref sync.Ref) string {
	for _, f := range d.opts.Config.Flows {
		if has(f, ref) {
			return f.Name
		}
	}
	return ""
}

// Can reports whether the person may do something.
func (p *page) Can(action string) bool {
	may, asked := p.can[action]
	if !asked {
		may = p.board.allowed(p.req, Action(action)) == nil
		p.can[action] = may
	}
	return may
}

// ReadOnly reports whether nothing can be changed.
func (p *page) ReadOnly() bool { return p.board.opts.ReadOnly }

// Flows lists the flows.
func (p *page) Flows() []*sync.Flow { return p.board.opts.Config.Flows }

// Show returns a value of a field as the page may show it.
func (p *page) Show(flow, field string, v sync.Value) string {
	return shown(v, p.board.plain[flow+"/"+field])
}

// System returns the name of a flow's system on a side.
func (p *page) System(flow string, s sync.Side) string {
	f, err := p.board.flow(flow)
	if err != nil {
		return s.String()
	}
	return string(f.End(s).System)
}

// A moment is a time as a page shows it.
type moment struct{ ISO, Full, Ago string }

// When returns a moment to show.
func (p *page) When(t time.Time) moment {
	if t.IsZero() {
		return moment{Ago: "never"}
	}
	t = t.UTC()
	return moment{t.Format(time.RFC3339), t.Format("2006-01-02 15:04:05.000 UTC"), ago(p.Now.Sub(t))}
}

// Since returns a moment to show that may not be known.
func (p *page) Since(t time.Time) moment {
	if t.IsZero() {
		return moment{Ago: "unknown"}
	}
	return p.When(t)
}

// modesPart is what the template of the modes sees.
type modesPart struct {
	Page  *page
	Modes []sync.Mode
}

// Modes returns the modes to show.
func (p *page) Modes(modes []sync.Mode) modesPart { return modesPart{p, modes} }
