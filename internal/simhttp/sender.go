package simhttp

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Attempt describes one try of a delivery.
type Attempt struct {
	// Number counts from 0, the first try.
	Number int
	// First is when the first try began, Now when this one does, both by the sender's clock.
	First, Now time.Time
}

// Delivery is one webhook request. Prepare is called for every attempt and returns its signed headers and body: a vendor
// that signs each attempt anew uses Now, one that keeps the first timestamp uses First.
type Delivery struct {
	URL     string
	Prepare func(Attempt) (http.Header, []byte)
	// Accept decides whether an answer settles the delivery; nil means that 2xx does. It gets at most 1 MiB of the body.
	Accept func(status int, body []byte) bool
}

// SenderOptions are the vendor's delivery rules.
type SenderOptions struct {
	// Client sends the requests; nil means one of the sender's own.
	Client *http.Client
	// Clock dates the attempts; nil means the real time.
	Clock *Clock
	// Timeout is how long an answer may take; 0 means 5 s.
	Timeout time.Duration
	// Retries is the number of tries after the first one.
	Retries int
	// Wait is the pause before try n (n ≥ 1); nil means none.
	Wait func(n int) time.Duration
	// Concurrency bounds the requests in flight; 0 means 10.
	Concurrency int
	// Seed decides every random choice.
	Seed uint64
}

// Chaos is what a network does to webhooks. Chances are from 0 to 1.
type Chaos struct {
	// Drop is the chance that a delivery is lost for good.
	Drop float64
	// Duplicate is the chance that a delivery is made twice.
	Duplicate float64
	// Delay is the longest random pause before a delivery; it reorders them.
	Delay time.Duration
}

// SenderStats counts what became of deliveries and attempts.
type SenderStats struct {
	// Delivered were answered 2xx or accepted, Dropped were lost on purpose, Duplicated were made twice, Failed ran out of retries.
	Delivered, Dropped, Duplicated, Failed int
	// Attempts is the number of requests made.
	Attempts int
}

// Sender delivers webhooks in the background, each in a goroutine that Close waits for.
type Sender struct {
	opts   SenderOptions
	own    *http.Transport
	ctx    context.Context
	cancel context.CancelFunc
	slots  chan struct{}
	work   sync.WaitGroup

	mu       sync.Mutex
	client   *http.Client
	rand     *rand.Rand
	chaos    Chaos
	dropNext int
	pending  int
	idle     chan struct{} // closed while nothing is pending
	stats    SenderStats
	closed   bool
}

// NewSender returns a sender. It starts nothing until Send.
func NewSender(opts SenderOptions) *Sender {
	if opts.Clock == nil {
		opts.Clock = &Clock{}
	}
	if opts.Timeout == 0 {
		opts.Timeout = 5 * time.Second
	}
	if opts.Concurrency == 0 {
		opts.Concurrency = 10
	}
	own := &http.Transport{MaxIdleConnsPerHost: opts.Concurrency}
	if opts.Client == nil {
		opts.Client = &http.Client{Transport: own}
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Sender{
		opts: opts, ctx: ctx, cancel: cancel, client: opts.Client, own: own,
		slots: make(chan struct{}, opts.Concurrency),
		rand:  rand.New(rand.NewPCG(opts.Seed, 2)),
	}
}

// SetClient changes the client for later attempts.
func (s *Sender) SetClient(c *http.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = c
}

// SetChaos changes what happens to later deliveries.
func (s *Sender) SetChaos(c Chaos) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chaos = c
}

// DropNext loses the next n deliveries for good.
func (s *Sender) DropNext(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropNext = n
}

// Stats returns the counts so far.
func (s *Sender) Stats() SenderStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Send delivers in the background and returns at once. After Close it does nothing.
func (s *Sender) Send(d Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if s.lost() {
		s.stats.Dropped++
		return
	}
	s.start(d)
	if s.chance(s.chaos.Duplicate) {
		s.stats.Duplicated++
		s.start(d)
	}
}

func (s *Sender) lost() bool {
	if s.dropNext > 0 {
		s.dropNext--
		return true
	}
	return s.chance(s.chaos.Drop)
}

func (s *Sender) chance(p float64) bool { return p > 0 && s.rand.Float64() < p }

func (s *Sender) start(d Delivery) {
	var delay time.Duration
	if s.chaos.Delay > 0 {
		delay = time.Duration(s.rand.Int64N(int64(s.chaos.Delay)))
	}
	if s.pending == 0 {
		s.idle = make(chan struct{})
	}
	s.pending++
	s.work.Go(func() {
		delivered := s.pause(delay) && s.deliver(d)
		s.finish(delivered)
	})
}

func (s *Sender) finish(delivered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if delivered {
		s.stats.Delivered++
	} else {
		s.stats.Failed++
	}
	if s.pending--; s.pending == 0 {
		close(s.idle)
	}
}

// deliver tries until an answer is 2xx, the retries are used up or the sender closes.
func (s *Sender) deliver(d Delivery) bool {
	first := s.opts.Clock.Now()
	for n := 0; n <= s.opts.Retries; n++ {
		if n > 0 && s.opts.Wait != nil && !s.pause(s.opts.Wait(n)) {
			return false
		}
		if s.try(d, n, first) {
			return true
		}
	}
	return false
}

func (s *Sender) try(d Delivery, n int, first time.Time) bool {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-s.ctx.Done():
		return false
	}
	header, body := d.Prepare(Attempt{Number: n, First: first, Now: s.opts.Clock.Now()})
	s.mu.Lock()
	client := s.client
	s.stats.Attempts++
	s.mu.Unlock()
	return s.post(client, d, header, body)
}

func (s *Sender) post(client *http.Client, d Delivery, header http.Header, body []byte) bool {
	ctx, cancel := context.WithTimeout(s.ctx, s.opts.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header = header
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if d.Accept != nil {
		return err == nil && d.Accept(resp.StatusCode, answer)
	}
	return resp.StatusCode/100 == 2
}

// pause waits and reports whether the sender is still open.
func (s *Sender) pause(d time.Duration) bool {
	if d <= 0 {
		return s.ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// Wait returns when every delivery so far has been delivered, dropped or given up, or when ctx ends.
func (s *Sender) Wait(ctx context.Context) error {
	s.mu.Lock()
	idle, pending := s.idle, s.pending
	s.mu.Unlock()
	if pending == 0 {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close abandons what is under way and waits for its goroutines. It may be called more than once.
func (s *Sender) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.work.Wait()
	s.own.CloseIdleConnections()
}
