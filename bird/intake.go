package bird

import (
	"errors"
	"log/slog"
	"net/http"
	"regexp"

	"github.com/urbanhub/crmsync/internal/websig"
	"github.com/urbanhub/crmsync/sync"
)

// maxBody is the largest request the receivers take.
const maxBody = 1 << 20

// An Outcome says what a receiver did with an event.
type Outcome string

// The outcomes. The sender is told 2xx for all but Malformed, since Bird sends
// whatever is refused again for eight hours.
const (
	Enqueued  Outcome = "enqueued"  // it became changes or facts, and they are durable
	Ignored   Outcome = "ignored"   // known, and nothing that is wanted
	Unknown   Outcome = "unknown"   // of a type this release does not know
	Malformed Outcome = "malformed" // not an event, or not of its type's shape
)

// intake is what both receivers share.
type intake struct {
	inbox   sync.Inbox
	onEvent func(string, Outcome)
	logger  *slog.Logger
	hush    *websig.Hush
}

func newIntake(inbox sync.Inbox, onEvent func(string, Outcome), logger *slog.Logger) intake {
	if onEvent == nil {
		onEvent = func(string, Outcome) {}
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return intake{inbox: inbox, onEvent: onEvent, logger: logger, hush: &websig.Hush{}}
}

// read returns the raw body of a POST, or answers what is wrong with the
// request.
func (in *intake) read(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		in.turnAway(w, r, http.StatusMethodNotAllowed, "only POST is allowed")
		return nil, false
	}
	body, err := websig.ReadBody(w, r, maxBody)
	switch {
	case errors.Is(err, websig.ErrTooLarge):
		in.turnAway(w, r, http.StatusRequestEntityTooLarge, "the body exceeds 1 MiB")
	case errors.Is(err, websig.ErrEncoded):
		in.turnAway(w, r, http.StatusUnsupportedMediaType, "the body is compressed")
	case err != nil:
		in.turnAway(w, r, http.StatusBadRequest, "the body cannot be read")
	}
	return body, err == nil
}

// turnAway refuses a request that nobody proved to have sent. Anybody may send
// as many as they like, so not each of them is a line of the log.
func (in *intake) turnAway(w http.ResponseWriter, r *http.Request, status int, reason string) {
	in.stranger(r, status, reason)
	http.Error(w, reason, status)
}

// stranger logs such a request, if it is the first of its kind for a while.
func (in *intake) stranger(r *http.Request, status int, reason string) {
	in.hush.Note(reason, func(requests int) {
		in.logger.LogAttrs(r.Context(), slog.LevelWarn, "bird: request refused",
			slog.Int("status", status), slog.String("reason", reason), slog.Int("requests", requests))
	})
}

// refuse answers an authentic request that must not be taken. The reason never
// repeats what the request said.
func (in *intake) refuse(w http.ResponseWriter, r *http.Request, status int, reason string) {
	in.logger.LogAttrs(r.Context(), slog.LevelWarn, "bird: request refused",
		slog.Int("status", status), slog.String("reason", reason))
	http.Error(w, reason, status)
}

// deny turns a request away, and tells only the log why.
func (in *intake) deny(w http.ResponseWriter, r *http.Request, reason string) {
	in.stranger(r, http.StatusUnauthorized, reason)
	http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
}

// malformed refuses an authentic event that cannot be read.
func (in *intake) malformed(w http.ResponseWriter, r *http.Request, event, reason string) {
	in.onEvent(event, Malformed)
	in.refuse(w, r, http.StatusBadRequest, reason)
}

// store answers 204 when the items are durable and 503 when they are not, so
// that the event is sent again.
func (in *intake) store(w http.ResponseWriter, r *http.Request, event string, outcome Outcome, items []sync.Item) {
	if len(items) > 0 {
		if err := in.inbox.Enqueue(r.Context(), items...); err != nil {
			in.logger.LogAttrs(r.Context(), slog.LevelError, "bird: event not stored",
				slog.Int("items", len(items)), slog.String("action", sync.ActionOf(err).String()))
			w.Header().Set("Retry-After", "10")
			http.Error(w, "the event could not be stored; send it again", http.StatusServiceUnavailable)
			return
		}
	}
	in.onEvent(event, outcome)
	w.WriteHeader(http.StatusNoContent)
}

// limited returns a receiver within its bounds.
func (in *intake) limited(next http.Handler, l websig.Limit) http.Handler {
	return l.Handler(next, func(requests int) {
		in.logger.Warn("bird: requests refused", slog.Int("status", http.StatusServiceUnavailable),
			slog.String("reason", "more than MaxConcurrent or MaxPerSecond"), slog.Int("requests", requests))
	})
}

// idPattern matches what may be an id of Bird: a UUID, with some slack.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
