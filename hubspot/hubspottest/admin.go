package hubspottest

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// admin is the person who works in the account's user interface.
var admin = User(1)

// Now is the account's time.
func (s *Server) Now() time.Time { return s.clock.Now() }

// SetSkew sets how far the account's clock is ahead of the base (behind when negative).
func (s *Server) SetSkew(d time.Duration) { s.clock.SetOffset(d) }

// Log returns the log of API requests, refused ones included.
func (s *Server) Log() *Log { return s.log }

// Faults returns the plan of what goes wrong with API requests.
func (s *Server) Faults() *Faults { return s.faults }

// Down makes the API answer 503 to everything until Down(false).
func (s *Server) Down(down bool) { s.outage(down, time.Time{}) }

// DownUntil makes the API answer 503 to everything until the account's clock reaches t.
func (s *Server) DownUntil(t time.Time) { s.outage(true, t) }

func (s *Server) outage(down bool, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.undown != nil {
		s.undown()
		s.undown = nil
	}
	if down {
		f := ServerError(http.StatusServiceUnavailable)
		f.Until = until
		s.undown = s.faults.Add(f)
	}
}

// AddApp lets a further app into the account with its own token, quota and source id.
func (s *Server) AddApp(token string, appID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[token] = app(appID)
}

// RevokeToken makes the API answer 401 to a token from now on.
func (s *Server) RevokeToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.apps, token)
}

// DefineProperty adds a custom contact property; "" leaves type and fieldType to their defaults (string, and the usual
// field of the type). It replaces a property of the same name.
func (s *Server) DefineProperty(name, typ, fieldType string, unique bool, options ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.define(Property{Name: name, Type: typ, FieldType: fieldType, HasUniqueValue: unique, Options: optionsOf(options)})
}

// Create makes a contact as a user and returns its id. It panics when the account would refuse it; see CreateAs.
func (s *Server) Create(props map[string]string) string {
	id, err := s.CreateAs(admin, props)
	must(err)
	return id
}

// CreateAs makes a contact as anyone and returns its id.
func (s *Server) CreateAs(by Actor, props map[string]string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, bad := s.plan(nil, props, "", claims{})
	if bad != nil {
		return "", bad
	}
	return s.apply(d, by).key(), nil
}

// Edit changes a contact as a user; "" clears. It panics when the account would refuse it; see EditAs.
func (s *Server) Edit(id string, props map[string]string) { must(s.EditAs(admin, id, props)) }

// EditAs changes a contact as anyone: another user, a workflow, an import.
func (s *Server) EditAs(by Actor, id string, props map[string]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.store.find(id, true)
	if c == nil {
		return noContact(id)
	}
	d, bad := s.plan(c, props, "", claims{})
	if bad != nil {
		return bad
	}
	s.apply(d, by)
	return nil
}

// Archive moves a contact to the recycle bin as a user. It panics when there is none.
func (s *Server) Archive(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.store.find(id, true)
	if c == nil {
		panic(noContact(id))
	}
	s.bin(c, admin)
}

// Restore takes a contact out of the recycle bin as a user. It panics when it is not there.
func (s *Server) Restore(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, _ := parseID(id)
	c := s.store.byID[n]
	if c == nil || c.live() {
		panic(noContact(id))
	}
	c.archived = time.Time{}
	s.touch(c, admin)
	s.store.index(c)
	s.emit(admin, c.id, restored{})
}

// Merge merges the other contact into the primary one as a user and returns the id of the survivor, which is a new one
// unless Options say otherwise. It panics when one of them does not exist.
func (s *Server) Merge(primary, other string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.join(primary, other, admin)
	must(err)
	return c.key()
}

// Erase deletes a contact for good, as a privacy request does. It panics when there is none.
func (s *Server) Erase(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.store.find(id, true)
	if c == nil {
		panic(noContact(id))
	}
	s.erase(c, admin)
}

// Contact returns the set values of a live contact. The id of a merged record leads to its survivor.
func (s *Server) Contact(id string) (map[string]string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.store.find(id, true)
	if c == nil {
		return nil, false
	}
	return c.values(), true
}

// Contacts returns the set values of all live contacts by id.
func (s *Server) Contacts() map[string]map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]map[string]string{}
	for _, c := range s.store.order {
		if c.live() {
			all[c.key()] = c.values()
		}
	}
	return all
}

func (c *contact) values() map[string]string {
	set := map[string]string{}
	for name := range c.history {
		if v := c.value(name); v != "" {
			set[name] = v
		}
	}
	return set
}

// History returns the values a property had, oldest first.
func (s *Server) History(id, property string) []Revision {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.store.find(id, true)
	if c == nil {
		return nil
	}
	return append([]Revision(nil), c.history[property]...)
}

// WriteCount is how often the account's own app changed a property of a contact; "" counts all properties or contacts.
func (s *Server) WriteCount(id, property string) int { return s.sum(id, property, false) }

// NoopCount is how often the account's own app wrote a property the value it already had; "" counts all.
func (s *Server) NoopCount(id, property string) int { return s.sum(id, property, true) }

func (s *Server) sum(id, property string, noops bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	books := s.store.writes
	if noops {
		books = s.store.noops
	}
	total := 0
	for k, n := range books {
		if (id == "" || k.id == id) && (property == "" || k.property == property) {
			total += n
		}
	}
	return total
}

// ResetCounts forgets the counts of writes.
func (s *Server) ResetCounts() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.store.writes)
	clear(s.store.noops)
}

// Subscribe sends webhooks to url, signed with the app's client secret; without subscriptions it sends every event.
// Several targets may be subscribed.
func (s *Server) Subscribe(url, secret string, subs ...Subscription) {
	s.hooks.subscribe(url, secret, subs)
}

// SetWebhookClient sets the client that delivers webhooks, such as that of an in-process receiver.
func (s *Server) SetWebhookClient(c *http.Client) { s.hooks.sender.SetClient(c) }

// SetChaos sets what the network does to webhook requests.
func (s *Server) SetChaos(c Chaos) { s.hooks.sender.SetChaos(c) }

// ShuffleWebhooks mixes the events of each flush.
func (s *Server) ShuffleWebhooks(on bool) { s.hooks.setShuffle(on) }

// DropNext loses the next n webhook requests for good, with all the events in them.
func (s *Server) DropNext(n int) { s.hooks.dropNext(n) }

// WebhookStats counts what became of webhook requests.
func (s *Server) WebhookStats() WebhookStats { return s.hooks.sender.Stats() }

// Idle waits for the webhooks like WaitWebhooks, without a limit.
func (s *Server) Idle() { _ = s.WaitWebhooks(context.Background()) }

// Error makes a refusal usable as a Go error.
func (e *apiError) Error() string { return "hubspottest: " + strconv.Itoa(e.code) + " " + e.Message }

func noContact(id string) error { return fmt.Errorf("hubspottest: no contact %s in that state", id) }

func must(err error) {
	if err != nil {
		panic(err)
	}
}
