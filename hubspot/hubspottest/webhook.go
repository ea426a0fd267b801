package hubspottest

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/urbanhub/crmsync/internal/simhttp"
)

// webhooks gathers events per target for a moment and sends them in signed batches.
type webhooks struct {
	opts   Options
	server *Server
	sender *simhttp.Sender

	mu      sync.Mutex
	rand    *rand.Rand
	targets []*target
	managed *target // what the management API set up
	shuffle bool
	lastSub int64
	timer   *time.Timer // runs while events wait
	closed  bool
}

// target is one receiver with its subscriptions and the events that wait for it.
type target struct {
	url, secret string
	subs        []numbered
	waiting     []payload
}

type numbered struct {
	id int64
	Subscription
}

func newWebhooks(clock *Clock, o Options, s *Server) *webhooks {
	return &webhooks{
		opts: o, server: s, managed: &target{secret: s.ClientSecret},
		rand: rand.New(rand.NewPCG(o.Seed, 4)),
		sender: simhttp.NewSender(simhttp.SenderOptions{
			Clock: clock, Timeout: o.WebhookTimeout, Retries: o.WebhookRetries, Seed: o.Seed,
			Wait: func(n int) time.Duration { return retryWait(n, o.WebhookRetryScale) },
		}),
	}
}

// retryMinutes spreads ten retries over 24 hours; the vendor says how many and how long, not when.
var retryMinutes = []float64{1, 4, 10, 15, 30, 60, 120, 240, 360, 600}

func retryWait(n int, scale float64) time.Duration {
	return time.Duration(retryMinutes[min(n, len(retryMinutes))-1] * scale * float64(time.Minute))
}

func (h *webhooks) subscribe(url, secret string, subs []Subscription) {
	if len(subs) == 0 {
		subs = everything()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t := &target{url: url, secret: secret}
	for _, sub := range subs {
		h.lastSub++
		t.subs = append(t.subs, numbered{h.lastSub, sub})
	}
	h.targets = append(h.targets, t)
}

// publish queues the event for every subscription that wants it.
func (h *webhooks) publish(t *objectType, kind string, p payload) {
	h.mu.Lock()
	defer h.mu.Unlock()
	queued := false
	for _, target := range h.receivers() {
		for _, sub := range target.subs {
			if shaped, wanted := sub.shape(t, kind, p); wanted {
				shaped.SubscriptionID = sub.id
				target.waiting = append(target.waiting, shaped)
				queued = true
			}
		}
	}
	if queued && h.timer == nil && !h.closed {
		h.timer = time.AfterFunc(h.opts.WebhookFlush, h.flush)
	}
}

// receivers are the targets of Subscribe and the one of the management API as deliveries know it now.
func (h *webhooks) receivers() []*target {
	d := h.server.registry.current()
	h.managed.url, h.managed.subs = d.url, d.subs
	return append(h.targets[:len(h.targets):len(h.targets)], h.managed)
}

// flush sends everything that waits.
func (h *webhooks) flush() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.flushLocked()
}

// flushLocked sends everything that waits and reports whether there was anything.
func (h *webhooks) flushLocked() bool {
	if h.timer == nil {
		return false
	}
	h.timer.Stop()
	h.timer = nil
	for _, t := range append(h.targets[:len(h.targets):len(h.targets)], h.managed) {
		if h.shuffle {
			h.rand.Shuffle(len(t.waiting), func(i, j int) { t.waiting[i], t.waiting[j] = t.waiting[j], t.waiting[i] })
		}
		for len(t.waiting) > 0 {
			n := min(len(t.waiting), h.opts.WebhookBatch)
			h.sender.Send(t.delivery(t.waiting[:n:n]))
			t.waiting = t.waiting[n:]
		}
	}
	return true
}

// delivery signs each attempt anew, because receivers refuse timestamps older than five minutes.
func (t *target) delivery(events []payload) simhttp.Delivery {
	return simhttp.Delivery{URL: t.url, Prepare: func(a simhttp.Attempt) (http.Header, []byte) {
		batch := make([]payload, len(events))
		for i, e := range events {
			e.AttemptNumber = a.Number
			batch[i] = e
		}
		body, _ := json.Marshal(batch)
		return signed(t.secret, t.url, body, a.Now), body
	}}
}

// dropNext sends what waits, then loses the next n requests.
func (h *webhooks) dropNext(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.flushLocked()
	h.sender.DropNext(n)
}

func (h *webhooks) setShuffle(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shuffle = on
}

// wait returns when nothing waits and nothing is under way, deliveries caused by deliveries included.
func (h *webhooks) wait(ctx context.Context) error {
	for {
		h.mu.Lock()
		more := h.flushLocked()
		h.mu.Unlock()
		if err := h.sender.Wait(ctx); err != nil || !more {
			return err
		}
	}
}

// close drops what waits and stops the deliveries under way.
func (h *webhooks) close() {
	h.mu.Lock()
	h.closed = true
	h.targets = nil
	if h.timer != nil {
		h.timer.Stop()
	}
	h.mu.Unlock()
	h.sender.Close()
}
