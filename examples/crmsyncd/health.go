package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// instance is the header by which doctor recognises a daemon of this
// deployment behind the public URL.
const instance = "X-Crmsync-Deployment"

// named has doctor recognise what answers.
func (d *deployment) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(instance, d.cfg.Name)
		next.ServeHTTP(w, r)
	})
}

// mountAlive serves the probe that anybody may use: the daemon is alive as long
// as it answers.
func (d *deployment) mountAlive(mux *http.ServeMux) {
	mux.Handle("GET /healthz", d.named(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "alive"})
	})))
}

// mountHealth serves the probes of what runs the daemon. It is ready as long as
// store and queue answer: a vendor that is down leaves it ready, so that webhooks
// are taken in.
func (d *deployment) mountHealth(mux *http.ServeMux, draining <-chan struct{}) {
	d.mountAlive(mux)
	health := newRecent(d.engine.Health)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answering)
		defer cancel()
		h, err := health.get(ctx)
		if err != nil {
			h.Store = "it takes too long to answer, or the queue does"
		}
		select {
		case <-draining:
			h.Ready = false
		default:
		}
		status := http.StatusOK
		if !h.Ready {
			status = http.StatusServiceUnavailable
		}
		answer(w, status, readiness(h))
	})
}

// readiness is what strangers may know: not why the store does not answer.
func readiness(h sync.Health) any {
	type mode struct {
		System sync.System `json:"system,omitempty"`
		Name   string      `json:"name"`
		Since  time.Time   `json:"since,omitzero"`
	}
	out := struct {
		Ready bool   `json:"ready"`
		Store bool   `json:"store"`
		Queue bool   `json:"queue"`
		Modes []mode `json:"modes,omitempty"`
	}{Ready: h.Ready, Store: h.Store == "", Queue: h.Queue == ""}
	for _, m := range h.Modes {
		out.Modes = append(out.Modes, mode{m.System, m.Name, m.Since})
	}
	return out
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // to a client that may be gone
}
