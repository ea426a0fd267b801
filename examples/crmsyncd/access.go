package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"

	"github.com/urbanhub/crmsync/sync/dashboard"
)

var errForbidden = errors.New("viewers may look only; sign in with the operators' password")

// access returns who may do what on the dashboard. Without a password only
// requests from this machine are served. With one everybody signs in, under a
// name of their own choice that the audit keeps, and the password says whether
// they may act or only look.
func (c *dashboardConfig) access() (func(*http.Request, dashboard.Action) error, func(*http.Request) string, func(http.Handler) http.Handler) {
	if !c.OperatorPassword.set() && !c.ViewerPassword.set() {
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
