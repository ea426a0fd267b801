package hubspot_test

import (
	"context"
	"net/http/httptest"
	stdsync "sync"
	"testing"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// mailbox remembers the changes by contact and ID.
type mailbox struct {
	mu  stdsync.Mutex
	ids map[string]map[string]bool
}

func (m *mailbox) Enqueue(_ context.Context, items ...sync.Item) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, it := range items {
		c := it.(sync.Change)
		if m.ids[c.Ref.ID] == nil {
			m.ids[c.Ref.ID] = map[string]bool{}
		}
		m.ids[c.Ref.ID][c.ID] = true
	}
	return nil
}

func (m *mailbox) count(id string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.ids[id])
}

func TestReceiverTakesTheSimulatorsWebhooks(t *testing.T) {
	for _, subs := range [][]hubspottest.Subscription{
		nil, // contact.* events
		{{Type: "object.creation"}, {Type: "object.propertyChange"}, {Type: "object.merge"}, {Type: "object.deletion"}},
	} {
		account := hubspottest.NewServer(nil)
		box := &mailbox{ids: map[string]map[string]bool{}}
		server := httptest.NewUnstartedServer(nil)
		url := "http://" + server.Listener.Addr().String() + "/hooks?app=%3A1"
		handler, err := hubspot.NewReceiver(box, hubspot.ReceiverOptions{PublicURL: url,
			Secrets: []string{"old-secret", "app-secret"}, PortalID: account.PortalID})
		if err != nil {
			t.Fatal(err)
		}
		server.Config.Handler = handler
		server.Start()
		account.Subscribe(url, "app-secret", subs...)
		account.SetChaos(hubspottest.Chaos{Duplicate: 0.5})

		one := account.Create(map[string]string{"email": "one@example.com"})
		two := account.Create(map[string]string{"email": "two@example.com"})
		account.Edit(one, map[string]string{"firstname": "Ada", "lastname": "L"})
		survivor := account.Merge(one, two)
		account.Idle()
		if box.count(one) < 3 || box.count(two) < 2 || box.count(survivor) < 1 {
			t.Errorf("changes: %v; survivor %s", box.ids, survivor)
		}
		if s := account.WebhookStats(); s.Delivered == 0 || s.Failed != 0 {
			t.Errorf("stats %+v", s)
		}
		account.Close()
		server.Close()
	}
}

// Every kind's events come in the named form where there is one and in the
// generic form otherwise; an association makes both ends worth a look.
func TestReceiverTakesTheEventsOfEveryKind(t *testing.T) {
	account := hubspottest.NewServer(nil)
	defer account.Close()
	box := &mailbox{ids: map[string]map[string]bool{}}
	server := httptest.NewUnstartedServer(nil)
	url := "http://" + server.Listener.Addr().String() + "/hooks"
	outcomes := map[hubspot.Outcome]int{}
	var mu stdsync.Mutex
	handler, err := hubspot.NewReceiver(box, hubspot.ReceiverOptions{PublicURL: url, Secrets: []string{"app-secret"},
		Kinds: []sync.Kind{hubspot.Contact, hubspot.Deal, hubspot.Note, hubspot.Task, hubspot.Meeting, hubspot.Communication},
		OnEvent: func(_ string, o hubspot.Outcome) {
			mu.Lock()
			defer mu.Unlock()
			outcomes[o]++
		}})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = handler
	server.Start()
	defer server.Close()
	account.Subscribe(url, "app-secret")

	contact := account.Create(map[string]string{"email": "one@example.com"})
	deal := account.CreateObject("deals", map[string]string{"dealname": "Flat", "dealstage": "qualifiedtobuy"})
	ids := []string{contact, deal}
	for plural, more := range map[string]map[string]string{"notes": {}, "tasks": {}, "meetings": {},
		"communications": {"hs_communication_channel_type": "WHATS_APP", "hs_communication_logged_from": "CRM"}} {
		more["hs_timestamp"] = "2026-11-22T10:00:00Z"
		id := account.CreateObject(plural, more)
		account.ArchiveObject(plural, id)
		account.RestoreObject(plural, id)
		ids = append(ids, id)
	}
	account.Idle()
	before := [2]int{box.count(contact), box.count(deal)}
	account.Associate("contacts", contact, "deals", deal)
	account.Idle()
	// Each end's event names both ends.
	if c, d := box.count(contact)-before[0], box.count(deal)-before[1]; c < 2 || d < 2 {
		t.Errorf("the association made %d changes of the contact and %d of the deal", c, d)
	}
	for _, id := range ids {
		if box.count(id) < 3 {
			t.Errorf("%d changes of %s", box.count(id), id)
		}
	}
	account.Erase(contact)
	account.Idle()
	mu.Lock()
	defer mu.Unlock()
	if len(outcomes) != 1 || outcomes[hubspot.Enqueued] == 0 {
		t.Errorf("outcomes %v", outcomes)
	}
}
