package hubspot

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/urbanhub/crmsync/internal/websig"
	"github.com/urbanhub/crmsync/sync"
)

// maxRequestBody bounds what the receivers read.
const maxRequestBody = 1 << 20

// gate lets in what HubSpot signed.
type gate struct {
	verify *verifier
	log    *slog.Logger
	hush   websig.Hush
}

// newGate checks what both receivers are given and sets the defaults.
func newGate(inbox sync.Inbox, v verifier, log *slog.Logger) (*gate, error) {
	if inbox == nil {
		return nil, receiverError("inbox", "inbox.set", "give the engine")
	}
	if u, err := url.Parse(v.url); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Fragment != "" {
		return nil, receiverError("PublicURL", "url.absolute", "give the whole URL that is set in the HubSpot app")
	}
	if !v.keys.Usable() {
		return nil, receiverError("Secrets", "secret.set",
			"give the app's client secret, without a blank or line end around it; an empty one would accept anyone")
	}
	if v.now == nil {
		v.now = time.Now
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &gate{verify: &v, log: log}, nil
}

func receiverError(field, rule, hint string) error {
	return &sync.Error{Op: "hubspot: new receiver", Action: sync.Fatal, Field: field, Rule: rule, Hint: hint}
}

// admit returns the body of an authentic request, or answers what is wrong.
func (g *gate) admit(w http.ResponseWriter, req *http.Request) ([]byte, bool) {
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		g.turnAway(w, http.StatusMethodNotAllowed, "the method")
		return nil, false
	}
	body, err := websig.ReadBody(w, req, maxRequestBody)
	switch {
	case errors.Is(err, websig.ErrTooLarge):
		g.turnAway(w, http.StatusRequestEntityTooLarge, "the size")
		return nil, false
	case errors.Is(err, websig.ErrEncoded):
		g.turnAway(w, http.StatusUnsupportedMediaType, "the encoding")
		return nil, false
	case err != nil:
		g.turnAway(w, http.StatusBadRequest, "the end of the body")
		return nil, false
	}
	if failed := g.verify.verify(req.Header, req.Method, body); failed != "" {
		g.turnAway(w, http.StatusUnauthorized, failed)
		return nil, false
	}
	return body, true
}

// hints say what to look at when a check of the signature fails.
var hints = map[string]string{
	checkMissing:  "the sender is not HubSpot, or an app that signs in an older way",
	checkAge:      "set the clock",
	checkMismatch: "compare the client secret and the public URL with the app's settings",
}

// turnAway refuses a request that nobody proved to have sent. Anybody may send
// as many as they like, so not each of them is a line of the log.
func (g *gate) turnAway(w http.ResponseWriter, status int, failed string) {
	g.hush.Note(failed, func(requests int) {
		g.log.Warn("hubspot: request refused", "status", status, "check", failed, "hint", hints[failed], "requests", requests)
	})
	http.Error(w, http.StatusText(status), status)
}

// refuse answers an authentic request with a status and its standard words, and
// logs which check it failed.
func (g *gate) refuse(w http.ResponseWriter, status int, failed string) {
	g.log.Warn("hubspot: request refused", "status", status, "check", failed)
	http.Error(w, http.StatusText(status), status)
}

// limited returns a receiver within its bounds.
func (g *gate) limited(next http.Handler, l websig.Limit) http.Handler {
	return l.Handler(next, func(requests int) {
		g.log.Warn("hubspot: requests refused", "status", http.StatusServiceUnavailable, "check", "MaxConcurrent or MaxPerSecond", "requests", requests)
	})
}

// unavailable answers that the items could not be stored.
func (g *gate) unavailable(w http.ResponseWriter, items int, err error) {
	g.log.Error("hubspot: request not stored; HubSpot will send it again", "items", items, "error", err)
	http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
}
