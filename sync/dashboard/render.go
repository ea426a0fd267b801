package dashboard

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// pages holds the template of every screen, by its name.
var pages = parse()

// parse reads the templates: each screen in the common frame.
func parse() map[string]*template.Template {
	out := map[string]*template.Template{}
	files, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	funcs := template.FuncMap{"ago": ago, "short": short, "lower": strings.ToLower, "because": because, "percent": percent, "count": count}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "frame" || name == "parts" {
			continue
		}
		t := template.New("frame.html").Funcs(funcs)
		out[name] = template.Must(t.ParseFS(pageFiles, "pages/frame.html", "pages/parts.html", file))
	}
	return out
}

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

// show answers with a screen.
func (d *Dashboard) show(w http.ResponseWriter, r *http.Request, screen, title string, data any) error {
	return d.write(w, r, http.StatusOK, screen, &page{Title: title, Screen: place[screen], Data: data, Live: r.Method == http.MethodGet && lively[screen]})
}

// write answers with a page. It is rendered whole before anything is sent.
func (d *Dashboard) write(w http.ResponseWriter, r *http.Request, status int, screen string, p *page) error {
	p.board, p.req, p.can, p.Now, p.Name = d, r, map[string]bool{}, time.Now(), d.opts.Name
	p.Notice, p.Here = notices[r.URL.Query().Get("notice")], d.link("/"+strings.TrimLeft(strings.TrimPrefix(r.URL.Path, d.opts.Prefix), "/"))
	if r.Method != http.MethodGet {
		p.Here = d.link(p.Screen) // an act is not repeated
	} else if r.URL.RawQuery != "" {
		p.Here += "?" + r.URL.RawQuery
	}
	if c, err := r.Cookie(themeCookie); err == nil && (c.Value == "dark" || c.Value == "light") {
		p.Theme = c.Value
	}
	var b bytes.Buffer
	if err := pages[screen].Execute(&b, p); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the reader may be gone
	return nil
}

// fail answers with an error: a page for browsers, a problem in JSON (RFC
// 9457) for others.
func (d *Dashboard) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(err)
	if status >= http.StatusInternalServerError && r.Context().Err() == nil {
		d.opts.Logger.LogAttrs(r.Context(), slog.LevelError, "dashboard: a request failed", slog.String("path", r.URL.Path), slog.Any("error", err))
	}
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		if d.write(w, r, status, "error", &page{Title: http.StatusText(status), Data: err.Error()}) == nil {
			return
		}
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": err.Error()})
}

// done sends the browser back to a page after an act, so that reloading it
// repeats nothing.
func (d *Dashboard) done(w http.ResponseWriter, r *http.Request, notice, to string, query ...string) error {
	http.Redirect(w, r, d.link(to, append(query, "notice", notice)...), http.StatusSeeOther)
	return nil
}

// asset serves an embedded file.
func (d *Dashboard) asset(w http.ResponseWriter, r *http.Request) error {
	name := "assets/" + r.PathValue("name")
	content, err := assetFiles.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return notFound("there is no such file")
	}
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "private, max-age=300")
	http.ServeContent(w, r, name, d.began, bytes.NewReader(content))
	return nil
}

// themeCookie remembers the theme, so that the first paint is right.
const themeCookie = "crmsync_theme"

// theme remembers whether a person wants the page dark or light.
func (d *Dashboard) theme(w http.ResponseWriter, r *http.Request) error {
	http.SetCookie(w, &http.Cookie{Name: themeCookie, Value: limited(r.FormValue("theme"), 5), Path: d.opts.Prefix + "/",
		MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode})
	back := r.FormValue("back")
	if !strings.HasPrefix(back, d.opts.Prefix+"/") || strings.HasPrefix(back, "//") || strings.Contains(back, `\`) {
		back = d.opts.Prefix + "/"
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
	return nil
}

// ago returns a length of time in its largest unit, in words.
func ago(d time.Duration) string {
	switch {
	case d < time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}

// short returns a length of time with three digits at the most.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}

// percent returns a share, rounded down so that 100 % means all.
func percent(share float64) string { return fmt.Sprintf("%.2f %%", float64(int(share*10000))/100) }

// count returns a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
