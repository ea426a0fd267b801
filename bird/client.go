package bird

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/urbanhub/crmsync/internal/breaker"
	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/internal/ratelimit"
	"github.com/urbanhub/crmsync/sync"
)

// An Adapter reads and writes the contacts and conversations of one Bird
// workspace. It implements [sync.Source], [sync.Sink] and, of the optional
// abilities, [sync.Matcher], [sync.Snapshotter], [sync.Skewer],
// [sync.Projector], [sync.Degrader] and [sync.Enricher]. Its methods may be
// called concurrently; it owns no goroutine that outlives a call and needs no
// closing.
type Adapter struct {
	opts      Options
	http      httpx.Client
	workspace string // its path
	contacts  string // the path of the contacts
	places    map[string]place
	wanted    url.Values // the query that asks for empty attributes, too

	gets, posts    *ratelimit.Window
	throttle       throttle
	breaker        *breaker.Breaker
	offset         atomic.Int64 // Bird's clock minus ours
	seen           snapshots[*contact]
	talks          snapshots[*Conversation]
	degraded       degraded
	pages          *pace // of the walks
	walk, talkWalk *walk
	rolls          []lister
	platforms      platforms
	tellsPlatform  bool                                     // of conversations
	learned        atomic.Pointer[map[string]AttributeType] // from the definitions
}

var (
	_ sync.Source      = (*Adapter)(nil)
	_ sync.Sink        = (*Adapter)(nil)
	_ sync.Matcher     = (*Adapter)(nil)
	_ sync.Snapshotter = (*Adapter)(nil)
	_ sync.Skewer      = (*Adapter)(nil)
	_ sync.Projector   = (*Adapter)(nil)
	_ sync.Degrader    = (*Adapter)(nil)
	_ sync.Lister      = (*Adapter)(nil)
	_ sync.Coster      = (*Adapter)(nil)
	_ sync.Quoter      = (*Adapter)(nil)
)

// New returns an adapter for the workspace with this UUID, using an access
// key of that workspace. It makes no call. Keys and ids of Bird's newer
// developer platform (bk_…, ws_…) are refused with an error that says why.
func New(workspaceID, accessKey string, opts *Options) (*Adapter, error) {
	if err := checkCredentials(workspaceID, accessKey); err != nil {
		return nil, err
	}
	o := opts.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.HTTPClient == nil {
		o.HTTPClient = newHTTPClient()
	}
	a := &Adapter{
		opts:      o,
		workspace: "/workspaces/" + workspaceID,
		contacts:  "/workspaces/" + workspaceID + "/contacts",
		places:    map[string]place{},
		gets:      window(&o, workspaceID, "get", o.GETPerSecond),
		posts:     window(&o, workspaceID, "post", o.POSTPerSecond),
		http: httpx.Client{
			Base:      o.BaseURL,
			HTTP:      o.HTTPClient,
			Authorize: func(h http.Header) { h.Set("Authorization", "AccessKey "+accessKey) },
			RequestID: "messagebird-request-id",
		},
	}
	a.breaker = breaker.New(breaker.Config{Name: string(System), Logger: o.Logger, Closed: func(family string) { a.limit(family).Ramp() }})
	a.tellsPlatform = slices.Contains(o.Conversations, FieldPlatform)
	a.pages = newPace(float64(o.GETPerSecond) * o.WalkShare)
	a.walk, a.talkWalk = newWalk(), newWalk()
	a.rolls = []lister{a.contactRoll()}
	if o.Conversations != nil {
		a.rolls = append(a.rolls, a.conversationRoll())
	}
	for _, name := range o.Fields {
		a.places[name] = placeOf(name, o.ExternalIDKey)
	}
	a.wanted = url.Values{"attributes": attributeKeys(a.places)}
	return a, nil
}

func window(o *Options, workspaceID, name string, perSecond int) *ratelimit.Window {
	return ratelimit.New(ratelimit.Config{Limit: perSecond, Per: time.Second,
		Permits: o.Permits, Name: "bird:" + workspaceID + ":" + name, Logger: o.Logger})
}

// attributeKeys returns the keys of the attributes among the places.
func attributeKeys(places map[string]place) []string {
	var keys []string
	for _, p := range places {
		if p.kind == attributePlace || p.kind == namePlace {
			keys = append(keys, p.key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// newHTTPClient returns a client that keeps as many connections as there are
// calls side by side; the default keeps two.
func newHTTPClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = parallel
	return &http.Client{Transport: t, Timeout: 30 * time.Second}
}

// Projection implements [sync.Projector].
func (a *Adapter) Projection(kind sync.Kind) []string {
	switch kind {
	case Contact:
		return a.opts.Fields
	case ConversationKind:
		return a.opts.Conversations
	case MessageKind:
		return []string{fieldReference, fieldText}
	}
	return nil
}

// Skew implements [sync.Skewer]: the distance between Bird's clock, as the
// Date header of its last answer told it, and ours, and the second to which
// that header is exact.
func (a *Adapter) Skew() time.Duration {
	return time.Duration(a.offset.Load()).Abs() + time.Second
}

// A request is one call to the API.
type request struct {
	op     string // for errors, such as "bird: get contact"
	ref    sync.Ref
	method string
	path   string
	query  url.Values
	body   any
	most   int // of a list's entries to read, 0 for all
}

// A call that Bird throttled is made again up to tries times in all, if the
// wait is not longer than patience: in a Read of many contacts one refusal
// would otherwise waste all the calls that succeeded.
const (
	tries    = 4
	patience = 5 * time.Second
)

// call makes a call within the rate limit and decodes the answer into out.
// Errors are classified and hold neither addresses nor values.
func (a *Adapter) call(ctx context.Context, r request, out any) (*httpx.Response, error) {
	for n := 1; ; n++ {
		res, err := a.once(ctx, r, out)
		throttled := res != nil && res.Status == http.StatusTooManyRequests
		if !throttled || n == tries || a.throttle.wait(time.Now()) > patience {
			return res, err
		}
	}
}

// The families of calls that fail together, each with a quota of its own.
const (
	reads  = "reads"
	writes = "writes"
)

// limit returns the quota of a family.
func (a *Adapter) limit(family string) *ratelimit.Window {
	if family == reads {
		return a.gets
	}
	return a.posts
}

// once makes a call when the quota has a place for it and the circuit of its
// kind is closed.
func (a *Adapter) once(ctx context.Context, r request, out any) (*httpx.Response, error) {
	family := writes
	if r.method == http.MethodGet {
		family = reads
	}
	limit := a.limit(family)
	place, err := limit.Wait(ctx)
	if err != nil {
		return nil, r.unanswered(err)
	}
	leave, err := a.breaker.Enter(ctx, family)
	if err != nil {
		place.Return()
		return nil, r.down(sync.RetryAt, err)
	}
	defer func() { _ = leave(ctx, context.Canceled) }() // when the host's code panics
	place.Release()                                     // the limits leave room for late arrivals: a call counts from its start
	res, err := a.onceNow(ctx, r, limit, place, out)
	if isDown := leave(ctx, fault(ctx, res, err)); isDown != nil {
		err = r.down(sync.Retry, isDown)
	}
	return res, err
}

// down is the error of a call that was not made, or of one that was and may
// have taken effect (Retry), because Bird is down.
func (r request) down(action sync.Action, err error) error {
	open, _ := errors.AsType[*breaker.OpenError](err)
	return &sync.Error{Op: r.op, Ref: r.ref, Action: action, Rule: sync.RuleBreakerOpen, RetryAt: open.Until,
		Hint: "it goes on by itself when Bird answers again; see its status page", Err: err}
}

// fault returns err if Bird is not at work, and context.Canceled if that was
// not found out.
func fault(ctx context.Context, res *httpx.Response, err error) error {
	switch {
	case res != nil && res.Status < http.StatusInternalServerError:
		return nil
	case ctx.Err() != nil:
		return context.Canceled
	}
	return err
}

// onceNow makes a call in its place.
func (a *Adapter) onceNow(ctx context.Context, r request, limit *ratelimit.Window, place *ratelimit.Place, out any) (*httpx.Response, error) {
	start := time.Now()
	res, err := a.http.Do(ctx, r.method, r.path, r.query, r.body, out)
	a.opts.OnCall(r.told(res, start))
	if res != nil {
		a.observe(ctx, r, res)
	}
	switch {
	case err != nil:
		return res, r.unanswered(err)
	case res.Status == http.StatusTooManyRequests:
		place.Refused()
		until := a.throttle.backOff(res, time.Now())
		limit.Pause(until)
		return res, r.throttled(res, until)
	}
	a.throttle.passed()
	if !res.OK() {
		return res, r.refused(res)
	}
	return res, nil
}

// told is what is told of a call that began at start; res is nil if it got no
// answer. Bird takes one record at a time.
func (r request) told(res *httpx.Response, start time.Time) sync.Call {
	call := sync.Call{System: System, Operation: strings.TrimPrefix(r.op, "bird: "), Duration: time.Since(start)}
	if res != nil {
		call.Status = res.Status
	}
	return call
}

func (a *Adapter) observe(ctx context.Context, r request, res *httpx.Response) {
	if offset, ok := res.Skew(time.Now()); ok {
		a.offset.Store(int64(offset))
	}
	a.opts.Logger.LogAttrs(ctx, slog.LevelDebug, r.op, slog.String("ref", r.ref.String()),
		slog.Int("status", res.Status), slog.Duration("took", res.Duration), slog.String("request_id", res.RequestID))
}
