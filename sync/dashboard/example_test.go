package dashboard_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/dashboard"
)

// A dashboard within a server of the host's, below /sync. People who are not
// signed in see nothing; only those on duty change anything.
func Example() {
	left, right := &crm{name: "left"}, &crm{name: "right"}
	feed := dashboard.NewFeed(0)
	cfg := sync.Config{
		Flows: []*sync.Flow{{Name: "people",
			Left:   sync.Endpoint{System: "left", Kind: "contact"},
			Right:  sync.Endpoint{System: "right", Kind: "contact"},
			Fields: []sync.Field{{Name: "name", Left: text("name"), Right: text("name")}}}},
		Peers:    map[sync.System]sync.Peer{"left": {Source: left, Sink: left}, "right": {Source: right, Sink: right}},
		Store:    memstore.New(),
		Queue:    memqueue.New(nil),
		Observer: feed.Observe,
	}
	engine, err := sync.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	board, err := dashboard.New(dashboard.Options{
		Engine: engine, Config: cfg, Feed: feed, Prefix: "/sync", Name: "production",
		Authorize: func(r *http.Request, a dashboard.Action) error {
			role := r.Header.Get("X-Example-Role") // of the host's own session
			if role == "on duty" || role != "" && a == dashboard.View {
				return nil
			}
			return fmt.Errorf("a %q may not %s", role, a)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer board.Close()
	mux := http.NewServeMux()
	mux.Handle("/sync/", board)

	for _, c := range []struct{ method, path, role string }{
		{"GET", "/sync/", ""}, {"GET", "/sync/", "visitor"}, {"POST", "/sync/runs/verify?flow=people", "visitor"}, {"POST", "/sync/runs/verify?flow=people", "on duty"},
	} {
		r := httptest.NewRequestWithContext(context.Background(), c.method, c.path, nil)
		r.Header.Set("X-Example-Role", c.role)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Printf("%s %s as %q: %d\n", c.method, c.path, c.role, w.Code)
	}
	// Output:
	// GET /sync/ as "": 403
	// GET /sync/ as "visitor": 200
	// POST /sync/runs/verify?flow=people as "visitor": 403
	// POST /sync/runs/verify?flow=people as "on duty": 303
}
