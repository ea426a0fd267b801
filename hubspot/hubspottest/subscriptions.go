package hubspottest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// pushSettings is where an app wants its webhooks.
// https://developers.hubspot.com/docs/api-reference/legacy/webhooks/guide
type pushSettings struct {
	TargetURL  string     `json:"targetUrl"`
	Throttling throttling `json:"throttling"`
	CreatedAt  string     `json:"createdAt"`
	UpdatedAt  string     `json:"updatedAt"`
}

type throttling struct {
	MaxConcurrentRequests int `json:"maxConcurrentRequests"`
}

// managed is a subscription made through the management API.
type managed struct {
	ID           string `json:"id"`
	EventType    string `json:"eventType"`
	ObjectTypeID string `json:"objectTypeId,omitempty"`
	PropertyName string `json:"propertyName,omitempty"`
	Active       bool   `json:"active"`
	CreatedAt    string `json:"createdAt"`
	UpdatedAt    string `json:"updatedAt"`

	number int64
}

const maxSubscriptions = 1000

// registry is what an app has set up through the management API. Deliveries read it through a cache, so that a change may
// take AppOptions.SettingsCache to show.
type registry struct {
	clock *Clock
	ttl   time.Duration

	mu       sync.Mutex
	settings *pushSettings
	subs     []*managed
	lastID   int64
	loaded   time.Time // when the cache was filled
	cached   delivered
}

// delivered is what deliveries know of the registry.
type delivered struct {
	url  string
	subs []numbered
}

func newRegistry(clock *Clock, o Options) *registry {
	return &registry{clock: clock, ttl: o.App.SettingsCache, lastID: firstManagedID}
}

const firstManagedID = 1_000_000 // apart from the numbers that Subscribe gives

// current is what deliveries know at the moment; without a target URL there are none.
func (r *registry) current() delivered {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock.Now()
	if r.loaded.IsZero() || now.Sub(r.loaded) >= r.ttl {
		r.loaded, r.cached = now, r.load()
	}
	return r.cached
}

func (r *registry) load() delivered {
	if r.settings == nil {
		return delivered{}
	}
	d := delivered{url: r.settings.TargetURL}
	for _, m := range r.subs {
		if m.Active {
			d.subs = append(d.subs, numbered{m.number, Subscription{Type: m.EventType, Property: m.PropertyName, ObjectTypeID: m.ObjectTypeID}})
		}
	}
	return d
}

func (r *registry) stamp() string { return r.clock.Now().Format(timeLayout) }

// configure checks and keeps the settings.
func (r *registry) configure(in pushSettings) (pushSettings, *apiError) {
	if !strings.HasPrefix(in.TargetURL, "http") {
		return in, invalid("targetUrl must be an absolute address.")
	}
	if in.Throttling.MaxConcurrentRequests <= 5 {
		return in, invalid("maxConcurrentRequests must be greater than 5.")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	in.CreatedAt, in.UpdatedAt = r.stamp(), r.stamp()
	if r.settings != nil {
		in.CreatedAt = r.settings.CreatedAt
	}
	r.settings = &in
	return in, nil
}

// configured are the settings, nil when there are none.
func (r *registry) configured() *pushSettings {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.settings
}

func (r *registry) unconfigure() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settings = nil
}

// add makes a subscription.
func (r *registry) add(m managed) (managed, *apiError) {
	if bad := m.check(); bad != nil {
		return m, bad
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.subs) >= maxSubscriptions {
		return m, fail(http.StatusBadRequest, "", "Couldn't create another subscription. You've reached the maximum number allowed per application (1000).")
	}
	r.lastID++
	m.number, m.ID = r.lastID, strconv.FormatInt(r.lastID, 10)
	m.CreatedAt, m.UpdatedAt = r.stamp(), r.stamp()
	r.subs = append(r.subs, &m)
	return m, nil
}

// pushObjects and pushKinds make the event types; products have no associations.
var (
	pushObjects = []string{"contact", "company", "deal", "ticket", "line_item", "product", "object"}
	pushKinds   = []string{"creation", "deletion", "merge", "restore", "propertyChange", "associationChange"}

	// neverPushed are the properties whose changes cannot be subscribed to.
	neverPushed = []string{"num_unique_conversion_events", "hs_lastmodifieddate"}
)

func pushable(eventType string) bool {
	object, kind, _ := strings.Cut(eventType, ".")
	switch {
	case eventType == "contact.privacyDeletion":
		return true
	case eventType == "product.associationChange":
		return false
	case object == "conversation":
		return slices.Contains([]string{"creation", "deletion", "newMessage", "privacyDeletion", "propertyChange"}, kind)
	}
	return slices.Contains(pushObjects, object) && slices.Contains(pushKinds, kind)
}

// check refuses what the vendor refuses; its words are not published.
func (m managed) check() *apiError {
	_, kind, _ := strings.Cut(m.EventType, ".")
	switch {
	case !pushable(m.EventType):
		return invalid("%q is not a known event type.", m.EventType)
	case strings.HasPrefix(m.EventType, "object.") && m.ObjectTypeID == "":
		return invalid("objectTypeId is required for %s.", m.EventType)
	case kind == "propertyChange" && m.PropertyName == "":
		return invalid("propertyName is required for %s.", m.EventType)
	case slices.Contains(neverPushed, m.PropertyName):
		return invalid("Changes of %s cannot be subscribed to.", m.PropertyName)
	}
	return nil
}

// find returns the position of a subscription, or -1. The lock is held.
func (r *registry) find(id string) int {
	return slices.IndexFunc(r.subs, func(m *managed) bool { return m.ID == id })
}

// change pauses or resumes a subscription.
func (r *registry) change(id string, active bool) (managed, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.find(id)
	if i < 0 {
		return managed{}, false
	}
	r.subs[i].Active, r.subs[i].UpdatedAt = active, r.stamp()
	return *r.subs[i], true
}

func (r *registry) get(id string) (managed, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := r.find(id); i >= 0 {
		return *r.subs[i], true
	}
	return managed{}, false
}

func (r *registry) remove(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := r.find(id); i >= 0 {
		r.subs = slices.Delete(r.subs, i, i+1)
	}
}

func (r *registry) all() []managed {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []managed{}
	for _, m := range r.subs {
		list = append(list, *m)
	}
	return list
}
