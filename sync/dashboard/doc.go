// Package dashboard shows the people who run a sync what it does, and lets
// them act: a http.Handler with eight screens over a [sync.Engine].
//
//	feed := dashboard.NewFeed(0)
//	cfg.Observer = feed.Observe
//	engine, err := sync.New(cfg)
//	...
//	board, err := dashboard.New(dashboard.Options{Engine: engine, Config: cfg, Feed: feed, Prefix: "/sync"})
//	mux.Handle("/sync/", board)
//	defer board.Close()
//
// # Screens
//
//   - Overview: is it healthy, how fast is it, what waits for a person.
//   - Records: both sides of a pair beside what they agreed on, with the
//     history of every field and what a sync would do now.
//   - Events: what this process did lately.
//   - Dead letters, grouped by their cause, with replay.
//   - Conflicts and ambiguous matches; the audit and its verification.
//   - Mappings, with "try it" on pasted values.
//   - Runs: verify, dry run, backfill, with progress.
//   - Health: queue, systems, switches, configuration.
//
// The pages are rendered on the server and work without JavaScript. With it
// they follow what happens, through server-sent events that carry no data: a
// page that hears of a change asks for itself again. The only script is htmx,
// which is embedded; see assets/VENDOR.txt.
//
// # Access
//
// Without [Options.Authorize] only requests from this machine are served,
// addressed to it by a loopback name, and not through a proxy that says it is
// one. Many do not, such as nginx with a proxy_pass and no more, and then the
// world looks as if it were here: without Authorize mount the dashboard on a
// loopback listener of its own, to which no proxy leads. With it every
// request is asked about, with the [Action] that it needs, and whatever is not
// allowed is refused on the server. [Options.ReadOnly] refuses everything that
// changes anything. Forged requests of other sites are refused by
// [http.CrossOriginProtection]. The pages run no inline script and no inline
// style.
//
// Values of records are masked. A person may have them shown, record by record
// ([Reveal]), and every time is noted in the audit, as is every other act. Who
// does one thing more often in a minute than by hand is answered 429.
//
// # Lifetime
//
// New starts nothing. Streams end with their request; runs that people start
// from the page go on until they end, are cancelled, or [Dashboard.Close] is
// called, which waits for them.
package dashboard
