package simhttp

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// Server serves one handler until Close.
type Server struct {
	// URL is the base address, scheme and host without a trailing slash.
	URL string

	server    *http.Server
	transport *http.Transport
	cancel    context.CancelFunc
	serving   sync.WaitGroup // the accept loop
	conns     sync.WaitGroup // one per open connection
	closing   sync.Once
}

// Listen serves h on a free loopback port over TCP. It panics when the machine has no loopback port to give.
func Listen(h http.Handler) *Server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic("simhttp: cannot listen on loopback: " + err.Error())
	}
	return start(h, l, "http://"+l.Addr().String(), (&net.Dialer{}).DialContext)
}

// Pipe serves h over in-process pipes. Only the client of this server reaches it, and it does so whatever host the
// request names. Inside a testing/synctest bubble, create, use and close it within the bubble.
func Pipe(h http.Handler) *Server {
	l := newPipeListener()
	return start(h, l, "http://simulator.invalid", l.dial)
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

func start(h http.Handler, l net.Listener, url string, dial dialFunc) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		URL:       url,
		cancel:    cancel,
		transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 100},
	}
	s.server = &http.Server{ //nolint:gosec // G112: it serves its own tests, in virtual time, where a deadline would be waited for
		Handler:     h,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnState:   s.track,
	}
	s.serving.Go(func() { _ = s.server.Serve(l) })
	return s
}

// track counts open connections so that Close can wait for their goroutines.
func (s *Server) track(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.conns.Done()
	}
}

// Client returns a client whose transport reaches this server and does not follow any proxy setting.
func (s *Server) Client() *http.Client { return &http.Client{Transport: s.transport} }

// Close cancels the requests under way, closes every connection and waits for the server's goroutines. It may be called
// more than once.
func (s *Server) Close() {
	s.closing.Do(func() {
		s.cancel()
		_ = s.server.Close()
		s.serving.Wait()
		s.conns.Wait()
		s.transport.CloseIdleConnections()
	})
}
