package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"

	"github.com/urbanhub/crmsync/sync/dashboard"
)

var errForbidden = errors.New("viewers may look only; sign in with the operators' password")

// getDashboard is how to have the dashboard where it is not served.
const getDashboard = "set admin_listen to an address that no proxy leads to, such as 127.0.0.1:9090, or a password by " +
	"CRMSYNC_DASHBOARD_OPERATOR_PASSWORD; or dashboard.off"

// withDashboard reports whether the dashboard is served. A proxy on this machine
// makes requests of the whole world look as if they came from here, so where
// the receivers are it needs a password.
func (c *config) withDashboard() bool {
	return !c.Dashboard.Off && (c.AdminListen != "" || c.Dashboard.hasPassword())
}

func (c *dashboardConfig) hasPassword() bool {
	return c.OperatorPassword.set() || c.ViewerPassword.set()
}

// access returns who may do what on the dashboard. Without a password only
// requests from this machine are served. With one everybody signs in, under a
// name of their own choice that the audit keeps, and the password says whether
// they may act or only look.
func (c *dashboardConfig) access() (func(*http.Request, dashboard.Action) error, func(*http.Request) string, func(http.Handler) http.Handler) {
	if !c.hasPassword() {
		return nil, nil, func(next http.Handler) http.Handler { return next }
	}
	authorize := func(r *http.Request, a dashboard.Action) error {
		if a == dashboard.View || signed(r, c.OperatorPassword) {
			return nil
		}
		return errForbidden
	}
	actor := func(r *http.Request) string {
		name, _, _ := r.BasicAuth()
		return name
	}
	return authorize, actor, c.lock
}

// lock asks for the password.
func (c *dashboardConfig) lock(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, _ := r.BasicAuth()
		if name == "" || !signed(r, c.OperatorPassword) && !signed(r, c.ViewerPassword) {
			w.Header().Set("WWW-Authenticate", `Basic realm="crmsync: your name and the password", charset="UTF-8"`)
			http.Error(w, "sign in with your name and the password", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// signed reports whether a request has the password, in a time that tells
// nothing about it.
func signed(r *http.Request, password secret) bool {
	_, given, _ := r.BasicAuth()
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(password.text))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && password.set()
}
