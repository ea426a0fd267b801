package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

type serveCommand struct{}

// closing bounds what follows the engine's end, so that with stop_timeout the
// whole of it is bounded.
const closing = 10 * time.Second

// Run serves until ctx ends: it stops taking webhooks, which the vendors send
// again, lets the work under way finish, and closes the storage.
func (*serveCommand) Run(ctx context.Context, t *terminal) error {
	if t.shared != nil {
		return usage("the daemon serves already")
	}
	c, err := t.load()
	if err != nil {
		return err
	}
	d, err := newDeployment(ctx, c, c.logger(t.err, slog.LevelDebug))
	if err != nil {
		return err
	}
	err = d.storage.ready(ctx)
	if err == nil {
		err = d.serve(ctx, t)
	}
	return errors.Join(err, d.close(ctx))
}

func (d *deployment) serve(ctx context.Context, t *terminal) error {
	s := &server{deployment: d, draining: make(chan struct{})}
	if err := s.listen(ctx); err != nil {
		return err
	}
	for _, l := range s.listeners {
		t.note("listens on %s", l.Addr())
	}
	return s.run(ctx)
}

// A server is a deployment that serves.
type server struct {
	*deployment
	listeners []net.Listener
	web       []*http.Server
	draining  chan struct{} // closed when it stops
	shut      []func()      // what must end before the web servers do
}

// listen binds the addresses and mounts what is served there.
func (s *server) listen(ctx context.Context) error {
	mux := http.NewServeMux()
	admin := mux
	if s.cfg.AdminListen != "" {
		admin = http.NewServeMux()
	}
	board, err := s.mountAdmin(admin)
	if board != nil {
		s.shut = append(s.shut, board.Close)
	}
	if err == nil {
		err = s.mount(mux)
	}
	if err != nil {
		return err
	}
	s.mountHealth(admin, s.draining)
	if admin != mux {
		s.mountAlive(mux)
		err = s.bind(ctx, s.cfg.AdminListen, admin)
	}
	return errors.Join(err, s.bind(ctx, s.cfg.Listen, mux), s.listenControl(ctx))
}

func (s *server) bind(ctx context.Context, address string, h http.Handler) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("cannot listen on %s; choose another address in listen or admin_listen: %w", address, err)
	}
	s.listeners = append(s.listeners, l)
	s.web = append(s.web, &http.Server{Handler: hastened(h, uploading), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)})
	return nil
}

// run serves until ctx ends or a part fails, and waits for every part.
func (s *server) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for i, l := range s.listeners {
		group.Go(func() error { return unless(s.web[i].Serve(l), http.ErrServerClosed) })
	}
	group.Go(func() error { return s.drain(ctx) })
	group.Go(func() error { return s.engine.Run(ctx) })
	group.Go(func() error { s.watch.alerts.Run(ctx); return nil })
	group.Go(func() error { return s.runWatches(ctx) })
	for _, beside := range s.storage.beside {
		group.Go(func() error { return unless(beside(ctx), context.Canceled) })
	}
	return group.Wait()
}

// drain stops the web servers when ctx ends.
func (s *server) drain(ctx context.Context) error {
	<-ctx.Done()
	s.log.Info("stops; what is under way may finish")
	close(s.draining)
	for _, shut := range s.shut {
		shut()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	var group errgroup.Group
	for _, w := range s.web {
		group.Go(func() error { return s.end(ctx, w) })
	}
	return group.Wait()
}

// end stops a web server. Who sends or takes nothing any more is not waited for
// longer than ctx; that is no failure of the daemon.
func (s *server) end(ctx context.Context, w *http.Server) error {
	err := w.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Info("some requests did not come to their end and are cut off")
		err = w.Close()
	}
	return err
}

// unless returns the error if it is not the one that is expected.
func unless(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
