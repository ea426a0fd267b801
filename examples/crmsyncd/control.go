package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	stdsync "sync"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// A request is a command line that another process wants carried out inside
// the daemon: SQLite's file is open in one process only, and who asks needs no
// secrets of the deployment.
type request struct {
	Args  []string `json:"args"`
	Stdin []byte   `json:"stdin,omitempty"`
	Actor string   `json:"actor"`
}

// A frame is a piece of what the command prints, or its exit code at the end.
type frame struct {
	Out  []byte `json:"out,omitempty"`
	Err  []byte `json:"err,omitempty"`
	Exit *int   `json:"exit,omitempty"`
}

// forward has the daemon carry out a command, if one listens; it reports
// whether one did.
func (t *terminal) forward(ctx context.Context, parsed *kong.Context, args []string) (code int, done bool) {
	if name := parsed.Selected().Name; t.shared != nil || name == "serve" || name == "version" {
		return 0, false
	}
	socket := controlOf(t.config, t.environ)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	if there, err := listens(ctx, socket, dial); err != nil && ctx.Err() == nil {
		return t.fail(fmt.Errorf("the daemon at %s cannot be asked; call as its user or as root, or choose another path in control: %w", socket, err)), true
	} else if !there && err == nil {
		return 0, false
	}
	body, err := t.ask(args)
	if err == nil {
		code, err = t.follow(ctx, &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}, body)
	}
	if err != nil && ctx.Err() != nil {
		t.note("interrupted")
		return exitInterrupted, true
	}
	if err != nil {
		code = t.fail(fmt.Errorf("the daemon at %s broke off: %w", socket, err))
	}
	return code, true
}

// listens reports whether a daemon is at a socket. An error says that nobody
// can know: one that may not be called is not one that does not run.
func listens(ctx context.Context, socket string, dial func(ctx context.Context, network, address string) (net.Conn, error)) (bool, error) {
	if socket == "" {
		return false, nil
	}
	conn, err := dial(ctx, "", "")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) { // none, or one that died
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, conn.Close()
}

// ask is the request for a command line.
func (t *terminal) ask(args []string) ([]byte, error) {
	r := request{Args: args, Actor: t.actor}
	if t.reads != nil {
		var err error
		if r.Stdin, err = io.ReadAll(t.reads); err != nil {
			return nil, err
		}
	}
	return json.Marshal(r)
}

// follow sends the request and prints what comes back.
func (t *terminal) follow(ctx context.Context, client *http.Client, body []byte) (code int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://crmsyncd/run", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(req) //nolint:gosec // the client dials the control socket, whatever the address
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	for frames := json.NewDecoder(resp.Body); ; {
		var f frame
		if err := frames.Decode(&f); err != nil {
			return 0, err
		}
		_, err1 := t.out.Write(f.Out)
		_, err2 := t.err.Write(f.Err)
		if err := errors.Join(err1, err2); err != nil {
			return 0, err
		}
		if f.Exit != nil {
			return *f.Exit, nil
		}
	}
}

// controlOf is where the daemon of a configuration listens. What else is wrong
// with the configuration, such as secrets that are missing here, does not
// matter.
func controlOf(path string, environ []string) string {
	source, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	c, d := defaults(), newDecoder(path)
	d.file(source, c)
	d.environment(environ, c)
	return c.settle().Control
}

// listenControl opens the socket, which only the daemon's own user and root
// may use.
func (s *server) listenControl(ctx context.Context) error {
	if s.cfg.Control == "" {
		return nil
	}
	if conn, err := new(net.Dialer).DialContext(ctx, "unix", s.cfg.Control); err == nil {
		return errors.Join(errors.New("another daemon listens on the control socket; give each a path of its own in control"), conn.Close())
	}
	if info, err := os.Lstat(s.cfg.Control); err == nil && info.Mode().Type() == fs.ModeSocket {
		if err := os.Remove(s.cfg.Control); err != nil { // of a daemon that died
			return err
		}
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", s.cfg.Control)
	if err != nil {
		return fmt.Errorf("cannot listen on the control socket; choose another path in control: %w", err)
	}
	s.listeners = append(s.listeners, l)
	s.web = append(s.web, &http.Server{Handler: http.HandlerFunc(s.carryOut), ReadHeaderTimeout: 5 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }})
	return os.Chmod(s.cfg.Control, 0o600)
}

// carryOut runs a command line inside the daemon.
func (s *server) carryOut(w http.ResponseWriter, r *http.Request) {
	var asked request
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, "this is the control socket of crmsyncd", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() { // the requests' contexts outlive Shutdown
		select {
		case <-s.draining:
			cancel()
		case <-ctx.Done():
		}
	}()
	frames := &frameWriter{to: json.NewEncoder(w), flush: http.NewResponseController(w).Flush}
	t := &terminal{in: bytes.NewReader(asked.Stdin), out: frames.stream(false), err: frames.stream(true), actor: asked.Actor, shared: s.deployment}
	code := run(ctx, t, asked.Args)
	frames.send(frame{Exit: &code})
}

// A frameWriter sends what a command prints.
type frameWriter struct {
	mu    stdsync.Mutex
	to    *json.Encoder
	flush func() error
}

func (f *frameWriter) send(x frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.to.Encode(x) == nil {
		_ = f.flush() // a client that is gone cancels the request
	}
}

func (f *frameWriter) stream(err bool) io.Writer {
	return writer(func(p []byte) (int, error) {
		x := frame{Out: p}
		if err {
			x = frame{Err: p}
		}
		f.send(x)
		return len(p), nil
	})
}

type writer func(p []byte) (int, error)

// Write implements io.Writer.
func (w writer) Write(p []byte) (int, error) { return w(p) }
