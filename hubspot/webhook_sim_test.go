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
