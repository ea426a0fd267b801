package dashboard

import (
	"fmt"
	"net/http"
	"time"
)

// The pace of a stream: changes are told at most once in calm, and a comment
// keeps proxies from closing it.
const (
	calm      = time.Second
	heartbeat = 15 * time.Second
)

// stream tells a page, again and again, that something changed. It carries no
// data: the page asks for itself, and is answered as the person may see it.
// It ends with the request or with Close.
func (d *Dashboard) stream(w http.ResponseWriter, r *http.Request) error {
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{}) // not every server has one
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	for text := "retry: 2000\n\n"; ; {
		changed := d.opts.Feed.wait()
		if _, err := fmt.Fprint(w, text); err != nil || control.Flush() != nil {
			return nil // the reader is gone
		}
		text = ": still here\n\n"
		select {
		case <-changed:
			text = "event: changed\ndata: -\n\n"
			if !d.pause(r, calm) {
				return nil
			}
		case <-time.After(heartbeat):
		case <-r.Context().Done():
			return nil
		case <-d.ended:
			return nil
		}
	}
}

// pause waits; it is false when the request or the dashboard ended.
func (d *Dashboard) pause(r *http.Request, wait time.Duration) bool {
	select {
	case <-time.After(wait):
		return true
	case <-r.Context().Done():
	case <-d.ended:
	}
	return false
}
