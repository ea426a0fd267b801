package dashboard

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode"
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
	//nolint:gosec // G124: Secure over TLS; this machine may be served without
	http.SetCookie(w, &http.Cookie{Name: themeCookie, Value: limited(r.FormValue("theme"), 5), Path: d.opts.Prefix + "/",
		MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, d.within(r.FormValue("back")), http.StatusSeeOther) //nolint:gosec // G710: within leads nowhere else
	return nil
}

// within returns an address of this dashboard's, its first page for any other.
// Browsers take a backslash for a slash, and drop tabs and line ends.
func (d *Dashboard) within(address string) string {
	if !strings.HasPrefix(address, d.opts.Prefix+"/") || strings.HasPrefix(address, "//") ||
		strings.ContainsFunc(address, func(r rune) bool { return r == '\\' || unicode.IsControl(r) }) {
		return d.opts.Prefix + "/"
	}
	return address
}
