package main

import (
	"net/http"
	"time"
)

// uploading bounds how long a client may take for a body.
const uploading = 30 * time.Second

// hastened keeps clients from sending a body for ever. The server forgets the
// deadline when it has read the body, so that what follows may last, which with
// its ReadTimeout not even the dashboard's streams could.
func hastened(next http.Handler, within time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(within)) // a recorder has none
		}
		next.ServeHTTP(w, r)
	})
}
