package hubspot

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"

	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/sync"
)

// JournalOptions adjust a [Journal]. The zero value of each field means the
// default it names.
type JournalOptions struct {
	// PortalID is the account whose changes are wanted. 0 takes those of every
	// account that has the app installed and is subscribed to already.
	PortalID int64
	// Objects are the kinds of records to keep in step, as in [Options].
	Objects map[sync.Kind]Object
	// BaseURL, APIVersion and HTTPClient are as in [Options]. A client that is
	// given also fetches the journal's files, which lie where HubSpot's answers
	// say; without one they are fetched from public addresses only, or through
	// the proxy of the environment.
	BaseURL    string
	APIVersion string
	HTTPClient *http.Client
	// OnCall, if set, is told of calls as in [Options]; the journal's files are
	// not among them.
	OnCall func(sync.Call)
	// Logger receives warnings, never contents; nil is silent.
	Logger *slog.Logger
}

// A Journal is HubSpot's own log of an app's events: what a webhook would have
// told, kept for three days in files that are read in order. Nothing is lost
// when the host is down for less than that, so it takes the place of webhooks
// where a second or two do not matter, and backs them up where they do.
//
// It tells nothing of who made a change. Echoes of one's own writes are
// recognised by their values ([sync.Change.Witness]), as everywhere; the
// sources that webhooks name would be a hint at best.
//
// Its calls have limits of their own and use up none of the account's quotas.
// Methods may be called concurrently.
// Source: https://developers.hubspot.com/docs/api-reference/latest/webhooks-journal/guide
type Journal struct {
	client *client
	files  httpx.Client // without a token: the addresses are signed
	scheme string
	portal id
	kinds  map[string]sync.Kind // by HubSpot's object type
	wanted []subscription
	log    *slog.Logger
}

var _ sync.Feed = (*Journal)(nil)

// NewJournal returns the journal of the app that the tokens stand for, which
// are those of [ClientCredentials]. It calls nobody. The error is a
// [*sync.Error] that names the wrong option.
func NewJournal(tokens TokenSource, opts *JournalOptions) (*Journal, error) {
	if err := checkTokens(tokens); err != nil {
		return nil, err
	}
	var own JournalOptions
	if opts != nil {
		own = *opts
	}
	if own.PortalID < 0 {
		return nil, optionError("PortalID", "number.positive", "give the account's number, or 0 for every account of the app")
	}
	o, err := (&Options{Objects: own.Objects, BaseURL: own.BaseURL, APIVersion: own.APIVersion,
		HTTPClient: own.HTTPClient, OnCall: own.OnCall, Logger: own.Logger}).withDefaults()
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(o.BaseURL)
	if err != nil {
		return nil, err
	}
	files := o.HTTPClient
	if own.HTTPClient == nil && base.Scheme == "https" {
		files = httpx.Outside()
	}
	j := &Journal{client: newClient(tokens, o), files: httpx.Client{HTTP: files, MaxBody: maxJournalFile},
		scheme: base.Scheme, kinds: map[string]sync.Kind{}, log: o.Logger}
	for kind := range o.Objects {
		j.kinds[objectTypes[kind].id] = kind
	}
	if own.PortalID != 0 {
		j.portal = id(strconv.FormatInt(own.PortalID, 10))
		j.wanted = subscriptions(own.PortalID, o.Objects)
	}
	return j, nil
}

// Close returns when no call for a token is under way, or the context has
// ended. It need not be called.
func (j *Journal) Close(ctx context.Context) error { return settled(ctx, j.client.tokens) }

// journalCursor is the form of a cursor: the offset of the last file read,
// none when there was no file yet.
var journalCursor = regexp.MustCompile(`^1\.([0-9A-Za-z_-]{0,200})$`)

func cursorAfter(offset string) sync.Cursor { return sync.Cursor("1." + offset) }

func parseOffset(c sync.Cursor) (string, error) {
	m := journalCursor.FindStringSubmatch(string(c))
	if m == nil {
		return "", &sync.Error{Op: opJournalNext.String(), Action: sync.Fatal, Rule: "cursor.form",
			Hint: "the cursor is not one of this journal's; start again from the beginning"}
	}
	return m[1], nil
}

// Changes implements [sync.Feed], a file of up to 10,000 events at a time. The
// beginning is the newest file, after [Journal.Subscribe] if the options name
// a portal: what happened before is for a sweep, which should begin after the
// journal. A page with Gap set begins there anew, because HubSpot no longer
// knows the offset (it keeps files for three days), or passes over a file that
// cannot be read.
func (j *Journal) Changes(ctx context.Context, since sync.Cursor) (sync.ChangePage, error) {
	if since == "" {
		return j.begin(ctx)
	}
	offset, err := parseOffset(since)
	if err != nil {
		return sync.ChangePage{}, err
	}
	op := opJournalNext
	if offset == "" {
		op = opJournalEarliest
	}
	page, err := j.page(ctx, op, offset)
	if offset != "" && isLost(err) {
		j.log.Warn("hubspot: the journal's offset is lost, reading goes on at its end", "error", err)
		page, err = j.begin(ctx)
		page.Gap = err == nil
	}
	return page, err
}

// begin makes sure that there is something to read, and reads the newest file.
func (j *Journal) begin(ctx context.Context) (sync.ChangePage, error) {
	if j.portal != "" {
		if err := j.Subscribe(ctx); err != nil {
			return sync.ChangePage{}, err
		}
	}
	return j.page(ctx, opJournalLatest, "")
}

// page reads one file; where there is none, the page ends the stream.
func (j *Journal) page(ctx context.Context, op operation, offset string) (sync.ChangePage, error) {
	file, err := j.read(ctx, op, offset)
	if err != nil {
		return sync.ChangePage{}, err
	}
	if file == nil {
		return sync.ChangePage{Next: cursorAfter(offset)}, nil
	}
	return sync.ChangePage{Changes: j.changes(file), Next: cursorAfter(file.offset), More: true, Gap: file.broken}, nil
}

// isLost reports whether HubSpot does not know an offset. What it answers then
// is not documented, so every refusal counts that concerns neither the token
// nor a quota.
func isLost(err error) bool {
	var api *APIError
	if !errors.As(err, &api) || api.Status < 400 || api.Status > 499 {
		return false
	}
	switch sync.ActionOf(err) {
	case sync.Denied, sync.Retry, sync.RetryAt:
		return false
	}
	return true
}
