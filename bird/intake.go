package bird

import (
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"sync/atomic"

	"github.com/urbanhub/crmsync/internal/websig"
	"github.com/urbanhub/crmsync/sync"
)

// maxBody is the largest request the receivers take.
const maxBody = 1 << 20

// ReceiverStats counts the requests a receiver has answered.
type ReceiverStats struct {
	Accepted int64 // answered 200, their items stored
	Unknown  int64 // answered 200, though the event is not one the receiver knows
	Refused  int64 // answered 4xx
	Failed   int64 // answered 503, because the inbox could not store the items
}

// intake is what both receivers share.
type intake struct {
	inbox  sync.Inbox
	logger *slog.Logger

	accepted, unknown, refused, failed atomic.Int64
}

func (in *intake) stats() ReceiverStats {
	return ReceiverStats{in.accepted.Load(), in.unknown.Load(), in.refused.Load(), in.failed.Load()}
}

// read returns the raw body of a POST, or answers what is wrong with the
// request.
func (in *intake) read(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		in.refuse(w, r, http.StatusMethodNotAllowed, "only POST is allowed")
		return nil, false
	}
	body, err := websig.ReadBody(w, r, maxBody)
	switch {
	case errors.Is(err, websig.ErrTooLarge):
		in.refuse(w, r, http.StatusRequestEntityTooLarge, "the body exceeds 1 MiB")
	case err != nil:
		in.refuse(w, r, http.StatusBadRequest, "the body cannot be read")
	}
	return body, err == nil
}

// refuse answers a request that must not be taken. The reason never repeats
// what the request said.
func (in *intake) refuse(w http.ResponseWriter, r *http.Request, status int, reason string) {
	in.refused.Add(1)
	in.logger.LogAttrs(r.Context(), slog.LevelWarn, "bird: request refused",
		slog.Int("status", status), slog.String("reason", reason))
	http.Error(w, reason, status)
}

// store answers 200 when the items are durable and 503 when they are not, so
// that Bird sends them again.
func (in *intake) store(w http.ResponseWriter, r *http.Request, event string, items []sync.Item) {
	if len(items) > 0 {
		if err := in.inbox.Enqueue(r.Context(), items...); err != nil {
			in.failed.Add(1)
			in.logger.LogAttrs(r.Context(), slog.LevelError, "bird: event not stored",
				slog.String("event", event), slog.String("action", sync.ActionOf(err).String()))
			w.Header().Set("Retry-After", "10")
			http.Error(w, "the event could not be stored; send it again", http.StatusServiceUnavailable)
			return
		}
	}
	in.accepted.Add(1)
	w.WriteHeader(http.StatusOK)
}

// idPattern matches what may be an id of Bird: a UUID, with some slack.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func orSilent(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
