package dashboard

import (
	"net/http"
	"strings"
)

// A route is one address of the dashboard, with the action that it needs.
type route struct {
	method, path string
	action       Action
	serve        func(*Dashboard, http.ResponseWriter, *http.Request) error
}

// routes are all of them. Those that change anything are POST.
var routes = []route{
	{"GET", "/{$}", View, (*Dashboard).overview},
	{"GET", "/records", View, (*Dashboard).records},
	{"POST", "/records", View, (*Dashboard).search},
	{"GET", "/record", View, (*Dashboard).record},
	{"POST", "/record/reveal", Reveal, (*Dashboard).reveal},
	{"POST", "/record/sync", SyncNow, (*Dashboard).syncNow},
	{"POST", "/record/erase", Erase, (*Dashboard).erase},
	{"POST", "/undo", Undo, (*Dashboard).undo},
	{"GET", "/events", View, (*Dashboard).events},
	{"GET", "/dead", View, (*Dashboard).dead},
	{"POST", "/dead/replay", Replay, (*Dashboard).replay},
	{"POST", "/dead/discard", Discard, (*Dashboard).discard},
	{"GET", "/conflicts", View, (*Dashboard).conflicts},
	{"POST", "/conflicts/resolve", Resolve, (*Dashboard).resolve},
	{"POST", "/conflicts/unknown", Resolve, (*Dashboard).resolveUnknown},
	{"GET", "/audit", View, (*Dashboard).audit},
	{"POST", "/audit/export", Export, (*Dashboard).export},
	{"GET", "/mappings", View, (*Dashboard).mappings},
	{"POST", "/mappings/try", View, (*Dashboard).try},
	{"GET", "/runs", View, (*Dashboard).listRuns},
	{"GET", "/runs/{id}", View, (*Dashboard).showRun},
	{"POST", "/runs/verify", Measure, (*Dashboard).verify},
	{"POST", "/runs/audit", Measure, (*Dashboard).verifyAudit},
	{"POST", "/runs/forecast", Measure, (*Dashboard).forecast},
	{"POST", "/runs/inventory", Measure, (*Dashboard).inventory},
	{"POST", "/runs/sweep", Measure, (*Dashboard).sweep},
	{"POST", "/runs/backfill", Load, (*Dashboard).backfill},
	{"POST", "/runs/{id}/apply", Load, (*Dashboard).apply},
	{"POST", "/runs/{id}/cancel", Measure, (*Dashboard).cancel},
	{"GET", "/health", View, (*Dashboard).health},
	{"POST", "/health/suspend", Suspend, (*Dashboard).suspend},
	{"POST", "/health/resume", Suspend, (*Dashboard).resume},
	{"POST", "/health/test", Test, (*Dashboard).testAlerts},
	{"POST", "/theme", View, (*Dashboard).theme},
	{"GET", "/stream", View, (*Dashboard).stream},
	{"GET", "/assets/{name}", View, (*Dashboard).asset},
}

// routed returns the handler of all routes.
func (d *Dashboard) routed() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range routes {
		mux.Handle(rt.method+" "+rt.path, d.guarded(rt))
	}
	mux.Handle("/", d.guarded(route{action: View, serve: func(*Dashboard, http.ResponseWriter, *http.Request) error {
		return notFound("there is no such page")
	}}))
	return d.secured(d.unprefixed(mux))
}

// unprefixed takes the prefix away, unless somebody has done so before.
func (d *Dashboard) unprefixed(next http.Handler) http.Handler {
	strip := http.StripPrefix(d.opts.Prefix, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case d.opts.Prefix != "" && r.URL.Path == d.opts.Prefix:
			http.Redirect(w, r, d.opts.Prefix+"/", http.StatusMovedPermanently)
		case strings.HasPrefix(r.URL.Path, d.opts.Prefix+"/"):
			strip.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
